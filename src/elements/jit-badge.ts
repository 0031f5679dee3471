import type { Clock } from '../ports.js';
import { isInstant, nap, systemClock } from '../time.js';
import { assertStatus, stateOf, viewOf, type BadgeState, type BadgeStatus, type View } from './view.js';

/** What `jit-badge-change` tells in its `detail`. */
export interface JitBadgeChange {
  readonly state: BadgeState;
  /** What is shown as held, by scope or by label: the one that ends first before the others. */
  readonly names: readonly string[];
}

const DAY_MS = 86_400_000;

// Solid colours of its own where something is held: legible on any page, light or dark.
const STYLE = `[part=live]{position:absolute;width:1px;height:1px;overflow:hidden;opacity:0}
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
  /** By how much the clock that was asked is ahead of this one. Milliseconds. */
  #aheadMs = 0;
  /** The highest instant by which this status was judged: a clock that goes back gives nothing back. */
  #late = 0;
  /** What the last change told, or would have. */
  #flip = 'read-only';
  #awake = new AbortController();
  readonly #badge = span('badge');
  readonly #live = span('live');

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

  /** What `engine.status(subject)` resolved to, as a copy; nothing, and nothing is held. Set it whenever you have asked again. */
  get status(): BadgeStatus | null | undefined {
    return this.#status;
  }

  set status(status: BadgeStatus | null | undefined) {
    this.#read(() => JSON.stringify(status ?? null));
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
    this.#judge();
  }

  disconnectedCallback(): void {
    this.#awake.abort();
  }

  attributeChangedCallback(name: string, _before: string | null, value: string | null): void {
    if (name === 'status') this.#read(() => value ?? 'null');
    else this.#judge();
  }

  /** By way of JSON, so that nobody changes it afterwards. */
  #read(json: () => string): void {
    this.#status = undefined;
    try {
      const status = JSON.parse(json()) as BadgeStatus | null;
      if (status !== null) assertStatus(status);
      this.#status = status;
    } catch (error) {
      this.#tell('error', error);
    }
    this.#judge(true);
  }

  /** Shows what is so at this moment, and sleeps until something else is. */
  #judge(isNew = false): void {
    this.#awake.abort();
    const { signal } = (this.#awake = new AbortController());
    const again = () => signal.aborted || this.#judge();
    try {
      const now = this.#clock.now();
      if (!isInstant(now)) throw new TypeError('bad clock');
      const { at, windows } = this.#status ?? { at: now, windows: [] };
      if (isNew) {
        this.#aheadMs = at - now;
        this.#late = 0;
      }
      const early = now + this.#aheadMs;
      // The later of the two clocks ends what is shown; what begins does so by the clock that was asked.
      this.#late = Math.max(this.#late, now, early);
      const view = viewOf(windows, early, this.#late, this.getAttribute('label'));
      this.#paint(view);
      if (!this.isConnected) return;
      document.addEventListener('visibilitychange', again, { signal });
      if (view.forMs < Infinity) nap(this.#clock, now + view.forMs, signal).then(again, (error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  #paint({ held }: View): void {
    let lang: string | undefined;
    try {
      [lang] = Intl.getCanonicalLocales((this.closest('[lang]') as HTMLElement).lang);
    } catch {
      // None, or not a language: the reader's own.
    }
    const word = (name: string, text: string) => this.getAttribute(name) ?? text;
    const shown: string[] = [];
    const said: string[] = [];
    for (const [name, leftMs] of held) {
      const line = (words: string, instant: number, options: Intl.DateTimeFormatOptions) =>
        `${name} (${words.replace('{time}', () => new Date(instant).toLocaleString(lang, options))})`;
      const isEnding = stateOf(leftMs) === 'ending';
      const at = line(word('expires', 'expires {time}'), this.#late + leftMs, {
        timeStyle: isEnding ? 'medium' : 'short',
        dateStyle: leftMs < DAY_MS ? undefined : 'medium',
      });
      said.push(at);
      shown.push(
        isEnding
          ? // Up to the whole second, so that zero is never shown: at zero it is over.
            line(word('expires-in', 'expires in {time}'), leftMs + 999, { minute: '2-digit', second: '2-digit', timeZone: 'UTC' })
          : at,
      );
    }
    const text = (parts: readonly string[]) => parts.join(', ') || word('baseline', 'read-only');
    const state = stateOf(held[0]?.[1]);
    this.#badge.setAttribute('part', `badge ${state}`);
    this.#badge.textContent = text(shown);
    if (this.#live.textContent !== text(said)) this.#live.textContent = text(said);
    const names = held.map(([name]) => name);
    const flip = [state, ...names].join();
    if (this.#flip !== flip) {
      this.#flip = flip;
      this.#tell('change', { state, names } satisfies JitBadgeChange);
    }
  }

  /** Nothing is held any more, as far as this knows, until it is told anew. */
  #fail(error: unknown): void {
    this.#status = undefined;
    this.#paint({ held: [], forMs: Infinity });
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
  if (registry?.get(name) === undefined) registry?.define(name, class extends JitBadge {});
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
