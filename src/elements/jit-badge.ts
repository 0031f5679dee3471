import type { Clock } from '../core/ports.js';
import { nap, systemClock } from '../core/time.js';
import { isEnding, viewOf, type BadgeState, type BadgeStatus } from './view.js';

/** What `jit-badge-change` tells in its `detail`. */
export interface JitBadgeChange {
  readonly state: BadgeState;
  /** What is shown as held, by scope or by label: the one that ends first before the others. */
  readonly names: readonly string[];
}

// Solid colours of its own where something is held: legible on any page, light or dark.
const STYLE =
  '[part]{padding:0 .5em;border:1px solid;border-radius:1em;font-variant:tabular-nums}' +
  '[part~=held]{color:#fff;background:var(--jit-badge-held,#0b57b0)}' +
  '[part~=ending]{background:var(--jit-badge-ending,#b3261e)}' +
  'output{position:fixed;clip-path:inset(50%)}';

// On a server there is none to extend, and importing this must do no harm there.
const Base = globalThis.HTMLElement ?? Object;

/**
 * Shows what a subject holds, as `engine.status(subject)` has told it, and counts it down. It displays, it never decides:
 * what protects is the check.
 *
 * Attributes: `status` (JSON of the property), `label` (a name for what is held, in the place of its scopes), and `words`
 * (`read-only|expires {}|expires in {}`). The language of times is that of the nearest `lang`.
 *
 * Events, which bubble and leave shadow roots: `jit-badge-change` when what is held, or its state, changes, with a
 * {@link JitBadgeChange}; `jit-badge-error` when a status or a clock can't be used, with the error; nothing is shown as
 * held then.
 */
export class JitBadge extends Base {
  static readonly observedAttributes = ['status', 'label', 'words'];

  /** The clock that it goes by: the machine's, unless told otherwise. It counts from the next `status` on. */
  declare clock: Clock | undefined;

  #status: BadgeStatus | null | undefined;
  /** By how much the clock that was asked is ahead of this one. Milliseconds. */
  #aheadMs = 0;
  /** The highest instant by which this status was judged: a clock that goes back gives nothing back. */
  #late = 0;
  /** What the last change told, or would have. */
  #flip = 'read-only';
  #awake: AbortController | undefined;
  readonly #badge = document.createElement('span');
  /** An output is a live region: what is put into it is read out. */
  readonly #live = document.createElement('output');

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    // Not a style element: a page's content security policy may refuse those.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    root.append(this.#badge, this.#live);
  }

  /** What `engine.status(subject)` resolved to; nothing, and nothing is held. Set it whenever you have asked again. */
  get status(): BadgeStatus | null | undefined {
    return this.#status;
  }

  set status(status: BadgeStatus | null | undefined) {
    this.#judge(() => status);
  }

  connectedCallback(): void {
    if (Object.hasOwn(this, 'status')) {
      // Set before this class was known, it lies in front of the accessor.
      const { status } = this;
      delete (this as { status?: unknown }).status;
      this.status = status;
    }
    this.#judge();
  }

  disconnectedCallback(): void {
    this.#awake?.abort();
  }

  attributeChangedCallback(name: string, _before: string | null, value: string | null): void {
    this.#judge(name === 'status' && (() => JSON.parse(value as string) as BadgeStatus | null));
  }

  /**
   * Shows what is so at this moment, and sleeps until something else is.
   *
   * @param load a status that is new
   */
  #judge(load?: (() => BadgeStatus | null | undefined) | false): void {
    this.#awake?.abort();
    const { signal } = (this.#awake = new AbortController());
    try {
      const clock = this.clock ?? systemClock;
      const now = clock.now();
      if (load) {
        this.#status = load();
        this.#aheadMs = this.#status ? this.#status.at - now : 0;
        this.#late = 0;
      }
      const early = now + this.#aheadMs;
      // The later of the two clocks ends what is shown; what begins does so by the clock that was asked.
      this.#late = Math.max(this.#late, now, early);
      const { held, forMs } = viewOf(this.#status ? this.#status.windows : [], early, this.#late, this.getAttribute('label'));
      this.#paint(held);
      if (this.isConnected && forMs < Infinity) {
        const again = () => signal.aborted || this.#judge();
        document.addEventListener('visibilitychange', again, { signal });
        void nap(clock, now, forMs, signal).then(again);
      }
    } catch (error) {
      // Nothing is held any more, as far as this knows, until it is told anew.
      this.#status = undefined;
      this.#paint(new Map());
      this.#tell('error', error);
    }
  }

  #paint(held: ReadonlyMap<string, number>): void {
    let lang: string | undefined;
    try {
      [lang] = Intl.getCanonicalLocales((this.closest('[lang]') as HTMLElement).lang);
    } catch {
      // None, or not a language: the reader's own.
    }
    const [baseline, expires, expiresIn] = (this.getAttribute('words') ?? 'read-only|expires {}|expires in {}').split('|');
    const lines = [...held].map(([name, leftMs]) => {
      const [words, time] = isEnding(leftMs)
        ? // Up to the whole second, so that zero is never shown: at zero it is over.
          [expiresIn, new Date(leftMs + 999).toISOString().slice(14, 19)]
        : [
            expires,
            // Refuses what lies beyond the last date.
            Intl.DateTimeFormat(lang, { timeStyle: 'short' }).format(this.#late + leftMs),
          ];
      return `${name} (${(words as string).replace('{}', time)})`;
    });
    const text = lines.join(', ') || (baseline as string);
    const least = Math.min(...held.values());
    const state = isEnding(least) ? 'ending' : least < Infinity ? 'held' : 'read-only';
    const names = [...held.keys()];
    const flip = state + names.join();
    const isFlip = this.#flip !== flip;
    this.#flip = flip;
    this.#badge.setAttribute('part', state === 'ending' ? 'held ending' : state);
    this.#badge.textContent = text;
    // Read out when it flips; what ticks is not.
    this.#live.textContent = isFlip ? text : '';
    if (isFlip) this.#tell('change', { state, names } satisfies JitBadgeChange);
  }

  #tell(what: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(`jit-badge-${what}`, { bubbles: true, composed: true, detail }));
  }
}

/**
 * Defines the element, so that it can be used in HTML. Where there are no elements, as on a server, or the name has been
 * given already, it does nothing.
 */
export function defineJitBadge(name = 'jit-badge'): void {
  const registry = globalThis.customElements as CustomElementRegistry | undefined;
  if (!registry?.get(name)) registry?.define(name, JitBadge);
}

declare global {
  interface HTMLElementTagNameMap {
    'jit-badge': JitBadge;
  }
  interface HTMLElementEventMap {
    'jit-badge-change': CustomEvent<JitBadgeChange>;
    'jit-badge-error': CustomEvent<unknown>;
  }
}
