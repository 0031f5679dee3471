import type { Clock } from '../core/ports.js';
import { systemClock } from '../core/clock.js';
import { nap } from '../core/timers.js';
import { isEnding, viewOf, type BadgeState, type BadgeStatus } from './view.js';

/** The `detail` of a `jit-badge-change` event. */
export interface JitBadgeChange {
  /** The state that the badge shows now. */
  readonly state: BadgeState;
  /** The names that are shown as held: scopes, or the label. The one that ends first comes first. */
  readonly names: readonly string[];
}

// Held states have their own solid colours, which are legible on any page, light or dark.
const STYLE =
  '[part]{padding:0 .5em;border:1px solid;border-radius:1em;font-variant:tabular-nums}' +
  '[part~=held]{color:#fff;background:var(--jit-badge-held,#0b57b0)}' +
  '[part~=ending]{background:var(--jit-badge-ending,#b3261e)}' +
  'output{position:fixed;clip-path:inset(50%)}';

// A server has no `HTMLElement`, and importing this module there must not fail.
const Base = globalThis.HTMLElement ?? Object;

/**
 * Shows the scopes that a subject holds, from the result of `engine.status(subject)`, with a countdown. It only displays:
 * the check on the server protects the resource.
 *
 * Attributes: `status` (JSON of the property), `label` (a name to show instead of the scopes), and `words`
 * (`read-only|expires {}|expires in {}`). Times use the language of the nearest `lang`.
 *
 * Events bubble and cross shadow roots:
 * - `jit-badge-change`, when the held names or the state change, with a {@link JitBadgeChange};
 * - `jit-badge-error`, when a status or a clock is unusable, with the error. The badge then shows nothing as held.
 */
export class JitBadge extends Base {
  static readonly observedAttributes = ['status', 'label', 'words'];

  /** The clock of the badge. Default: the system clock. A new clock applies from the next `status` on. */
  declare clock: Clock | undefined;

  #status: BadgeStatus | null | undefined;
  /** By how much the engine's clock is ahead of the badge's clock. Milliseconds. */
  #aheadMs = 0;
  /** The latest instant that was used for this status: a clock that is set back never revives access that has expired. */
  #late = 0;
  /** The state and names of the last change event. */
  #flip = 'read-only';
  #awake: AbortController | undefined;
  readonly #badge = document.createElement('span');
  /** An output element is a live region: screen readers announce its text. */
  readonly #live = document.createElement('output');

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    // Not a style element, because a page's content security policy may block those.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    root.append(this.#badge, this.#live);
  }

  /**
   * The result of `engine.status(subject)`, or the same as JSON; `undefined` or `null`: nothing is held. Set it after each call of
   * `engine.status`.
   */
  get status(): BadgeStatus | null | undefined {
    return this.#status;
  }

  set status(status: BadgeStatus | string | null | undefined) {
    // React sets a property if there is one, and an attribute otherwise: JSON works in both ways.
    this.#judge(() => (typeof status === 'string' ? (JSON.parse(status) as BadgeStatus | null) : status));
  }

  /** The browser calls it when the element enters a page. */
  connectedCallback(): void {
    if (Object.hasOwn(this, 'status')) {
      // A value that was set before the element was defined shadows the accessor.
      const { status } = this;
      delete (this as { status?: unknown }).status;
      this.status = status;
    }
    this.#judge();
  }

  /** The browser calls it when the element leaves the page. */
  disconnectedCallback(): void {
    this.#awake?.abort();
  }

  /** The browser calls it when an attribute changes. */
  attributeChangedCallback(name: string, _before: string | null, value: string | null): void {
    this.#judge(name === 'status' && (() => JSON.parse(value as string) as BadgeStatus | null));
  }

  /**
   * Shows the current state, and sleeps until it changes.
   *
   * @param load returns a new status
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
      // Ends use the later of the two clocks. Starts use the engine's clock.
      this.#late = Math.max(this.#late, now, early);
      const { held, forMs } = viewOf(this.#status ? this.#status.windows : [], early, this.#late, this.getAttribute('label'));
      this.#paint(held);
      if (this.isConnected && forMs < Infinity) {
        const again = () => signal.aborted || this.#judge();
        document.addEventListener('visibilitychange', again, { signal });
        void nap(clock, now, forMs, signal).then(again);
      }
    } catch (error) {
      // Shows nothing as held until the next valid status.
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
      // No `lang`, or an invalid one: uses the reader's own language.
    }
    const [baseline, expires, expiresIn] = (this.getAttribute('words') ?? 'read-only|expires {}|expires in {}').split('|');
    const lines = [...held].map(([name, leftMs]) => {
      const [words, time] = isEnding(leftMs)
        ? // Rounds up to whole seconds, so that the countdown never shows zero: at zero the access has ended.
          [expiresIn, new Date(leftMs + 999).toISOString().slice(14, 19)]
        : [
            expires,
            // Throws for an instant beyond the range of dates.
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
    // Announces changes of state only, not each tick of the countdown.
    this.#live.textContent = isFlip ? text : '';
    if (isFlip) this.#tell('change', { state, names } satisfies JitBadgeChange);
  }

  #tell(what: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(`jit-badge-${what}`, { bubbles: true, composed: true, detail }));
  }
}

/** Defines the element, so that HTML can use it. Does nothing on a server, or if the name is already defined. */
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
