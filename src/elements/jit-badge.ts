import type { Clock } from '../ports.js';
import { isInstant, nap, systemClock } from '../time.js';
import { isEnding, readStatus, viewOf, type BadgeItem, type BadgeState, type BadgeStatus, type BadgeWindow } from './view.js';

/** What `jit-badge-change` tells in its `detail`. */
export interface JitBadgeChange {
  readonly state: BadgeState;
  /** What is shown as held, the one that ends first before the others. */
  readonly held: readonly BadgeItem[];
}

const DAY_MS = 86_400_000;

// Solid colours of its own where something is held: legible on any page, light or dark.
const STYLE = `[part=live]{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
[part~=badge]{padding:0 .5em;border:1px solid;border-radius:var(--jit-badge-radius,1em);font-variant-numeric:tabular-nums}
[part~=held]{color:var(--jit-badge-text,#fff);background:var(--jit-badge-held,#0b57b0)}
[part~=ending]{color:var(--jit-badge-text,#fff);background:var(--jit-badge-ending,#b3261e)}`;

// On a server there is none to extend, and importing this must do no harm there.
const Base = globalThis.HTMLElement ?? Object;

/**
 * Shows what a subject holds, as `engine.status(subject)` has told it, and counts it down. It displays, it never decides:
 * what protects is the check.
 *
 * Attributes: `status` (JSON of the property), `label` (a name for what is held, in the place of its scopes), and the
 * words: `baseline` (`read-only`), `expires` (`expires {time}`), `expires-in` (`expires in {time}`). The language of times
 * is that of the nearest `lang`.
 *
 * Events, which bubble and leave shadow roots: `jit-badge-change` when what is held, or its state, changes, with a
 * {@link JitBadgeChange}; `jit-badge-error` when a status or a clock can't be used, with the error; nothing is shown as
 * held then.
 */
export class JitBadge extends Base {
  static readonly observedAttributes = ['status', 'label', 'lang', 'baseline', 'expires', 'expires-in'];

  #status: BadgeStatus | null | undefined;
  #clock: Clock = systemClock;
  #windows: readonly BadgeWindow[] = [];
  /** By how much the clock that was asked is ahead of this one. Milliseconds. */
  #aheadMs = 0;
  /** The highest instant by which this status was judged: a clock that goes back gives nothing back. */
  #late = 0;
  #shown = 'read-only';
  #sleep = new AbortController();
  readonly #badge = span('badge');
  readonly #live = span('live');
  readonly #show = () => this.#judge();

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    // Not a style element: a page's content security policy may refuse those.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    // What ticks is for eyes only; what is read out says when it ends, and so stands until the state changes.
    this.#badge.ariaHidden = 'true';
    this.#live.role = 'status';
    root.append(this.#badge, this.#live);
  }

  /** What `engine.status(subject)` resolved to; nothing, and nothing is held. Set it anew whenever you have asked again. */
  get status(): BadgeStatus | null | undefined {
    return this.#status;
  }

  set status(status: BadgeStatus | null | undefined) {
    this.#status = status;
    this.#judge(true);
  }

  /** The clock that it goes by: the machine's, unless told otherwise. */
  get clock(): Clock {
    return this.#clock;
  }

  set clock(clock: Clock | undefined) {
    this.#clock = clock ?? systemClock;
    this.#judge(true);
  }

  connectedCallback(): void {
    // What was set before this class was known lies in front of its accessors.
    for (const name of ['clock', 'status'] as const) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name] as never;
      Reflect.deleteProperty(this, name);
      this[name] = value;
    }
    document.addEventListener('visibilitychange', this.#show);
    this.#judge();
  }

  disconnectedCallback(): void {
    document.removeEventListener('visibilitychange', this.#show);
    this.#sleep.abort();
  }

  attributeChangedCallback(name: string, _before: string | null, value: string | null): void {
    if (name === 'status') {
      let status: unknown = value;
      try {
        status = JSON.parse(value as string);
      } catch {
        // A text that is no JSON is no status either, which is told where one is read.
      }
      this.status = status as BadgeStatus | null;
    } else this.#judge();
  }

  /** Shows what is so at this moment, and sleeps until something else is. */
  #judge(isNew = false): void {
    this.#sleep.abort();
    const { signal } = (this.#sleep = new AbortController());
    let view: ReturnType<typeof viewOf> = { held: [], forMs: Infinity };
    try {
      const now = this.#clock.now();
      if (!isInstant(now)) throw new TypeError('bad clock');
      if (isNew) {
        const { at, windows } = readStatus(this.#status ?? { at: now, windows: [] });
        this.#windows = windows;
        this.#aheadMs = at - now;
        this.#late = 0;
      }
      // The later of the two clocks ends what is shown, and only the earlier one lets it begin.
      this.#late = Math.max(this.#late, now, now + this.#aheadMs);
      view = viewOf(this.#windows, Math.min(now, now + this.#aheadMs), this.#late, this.getAttribute('label'));
      if (this.isConnected && view.forMs < Infinity) {
        nap(this.#clock, now + view.forMs, signal).then(
          () => signal.aborted || this.#judge(),
          (error: unknown) => signal.aborted || this.#fail(error),
        );
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#paint(view.held);
  }

  #paint(held: readonly BadgeItem[]): void {
    const lang = this.closest<HTMLElement>('[lang]')?.lang;
    const word = (name: string, text: string, time = '') => (this.getAttribute(name) ?? text).replace('{time}', () => time);
    const format = (instant: number, options: Intl.DateTimeFormatOptions) => {
      try {
        return new Date(instant).toLocaleString(lang || undefined, options);
      } catch {
        // Not a language: the reader's own.
        return new Date(instant).toLocaleString(undefined, options);
      }
    };
    const [shown, said] = [true, false].map(
      (ticks) =>
        held
          .map(({ name, endsAt }) => {
            const leftMs = endsAt - this.#late;
            // Up, so that zero is never shown: at zero it is over.
            const left = () => format(Math.ceil(leftMs / 1_000) * 1_000, { minute: '2-digit', second: '2-digit', timeZone: 'UTC' });
            const at = () =>
              format(endsAt, { timeStyle: isEnding(leftMs) ? 'medium' : 'short', dateStyle: leftMs < DAY_MS ? undefined : 'medium' });
            return `${name} (${ticks && isEnding(leftMs) ? word('expires-in', 'expires in {time}', left()) : word('expires', 'expires {time}', at())})`;
          })
          .join(', ') || word('baseline', 'read-only'),
    );
    const state = held[0] === undefined ? 'read-only' : isEnding(held[0].endsAt - this.#late) ? 'ending' : 'held';
    this.#badge.setAttribute('part', `badge ${state}`);
    this.#badge.textContent = shown as string;
    if (this.#live.textContent !== said) this.#live.textContent = said as string;
    const key = [state, ...held.map(({ name }) => name)].join();
    if (this.#shown !== key) {
      this.#shown = key;
      this.#tell('change', { state, held } satisfies JitBadgeChange);
    }
  }

  /** Nothing is held any more, as far as this knows, until it is told anew. */
  #fail(error: unknown): void {
    this.#windows = [];
    this.#paint([]);
    this.#tell('error', error);
  }

  #tell(what: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(`jit-badge-${what}`, { bubbles: true, composed: true, detail }));
  }
}

function span(part: string): HTMLElement {
  const element = document.createElement('span');
  element.setAttribute('part', part);
  return element;
}

/**
 * Defines the element, so that it can be used in HTML. Where there are no elements, as on a server, or the name has been
 * given already, it does nothing.
 */
export function defineJitBadge(name = 'jit-badge'): void {
  const registry = globalThis.customElements as CustomElementRegistry | undefined;
  // A class can be given one name only.
  if (registry !== undefined && registry.get(name) === undefined) registry.define(name, class extends JitBadge {});
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
