import type { MaybePromise } from '../../core/ports.js';
import type { GrantStore, GrantWindow, Row } from '../../core/store-port.js';
import type { EngineClock } from '../../core/clock.js';
import { askWindow } from '../../journal/store-reads.js';
import type { Enforcement } from '../../kernel/settings/enforcement.js';
import { decisionOf } from '../../lifecycle/check.js';
import { isWithin } from '../../lifecycle/status.js';
import { decodeGrant, type Decision, type Grant, type WindowWithGrant } from '../../records/index.js';
import { Checker, isAllowedBy } from './checker.js';

/** The part of the store that a check reads. */
type CheckedStore = Pick<GrantStore, 'live' | 'windowOf'>;

/** The methods of a store for the fast path. */
interface ShortCut {
  readonly live: unknown;
  readonly windowOf: unknown;
}

/**
 * The check over a store of this process, with a fast path over its `windowOf`. A grant that only time can end, and a pair of known
 * names without a grant, need no list and no record, and `isAllowed` needs no decision. All other cases take the path of
 * {@link Checker}: an ended grant, a second row on the scope, a usage row, pattern scopes, standing access, and a `canonicalId`.
 */
export class WindowChecker extends Checker {
  readonly #clock: EngineClock;
  readonly #store: CheckedStore;
  /** Set only if no pattern, standing access or `canonicalId` applies, and the store has its own `windowOf`. */
  readonly #shortCut: ShortCut | undefined;

  constructor(settings: Enforcement, clock: EngineClock, store: CheckedStore) {
    super(settings, clock, store);
    this.#clock = clock;
    this.#store = store;
    this.#shortCut = settings.isPlain ? shortCutOf(store) : undefined;
  }

  override check(subjectGiven: unknown, action: unknown): MaybePromise<Decision> {
    const window = this.#windowOf(subjectGiven, action);
    if (window !== undefined) {
      // Copies the fields before it reads the clock: a caller's clock may query the same store, which reuses the window.
      const { from, until } = window;
      const isKept = window.giver === this.#shortCut?.windowOf;
      const held = isKept ? window.grant : window.row;
      const reading = this.#clock.read();
      if (until === 0) return decisionOf(subjectGiven as string, action as string, reading.now, 'no_grant', undefined, undefined);
      if (isWithin(from, until, reading)) {
        const grant = isKept ? (held as Grant) : decodeGrant(held as Row);
        // A store that returns a row of another subject or scope allows nothing by it: the other path judges instead (L30).
        if (isKept || (grant.subject === subjectGiven && grant.scope === action))
          return decisionOf(
            subjectGiven as string,
            action as string,
            reading.now,
            'granted',
            grant,
            until - (reading.forEnds - reading.highWater),
          );
      }
    }
    return super.check(subjectGiven, action);
  }

  /** Makes no decision if the window answers. */
  override allows(subjectGiven: unknown, action: unknown): MaybePromise<boolean> {
    const window = this.#windowOf(subjectGiven, action);
    if (window !== undefined) {
      const { from, until } = window;
      const isAllowed = isWithin(from, until, this.#clock.read());
      if (isAllowed || until === 0) return isAllowed;
    }
    return isAllowedBy(super.check(subjectGiven, action));
  }

  /**
   * The window of two strings. An empty one, `until` 0, denies. Ignores `windowOf` once it or `live` was replaced, so that an
   * injected outage also reaches the fast path (L30).
   */
  #windowOf(subject: unknown, scope: unknown): (GrantWindow & Partial<WindowWithGrant>) | undefined {
    const store = this.#store;
    const shortCut = this.#shortCut;
    return typeof subject === 'string' && typeof scope === 'string' && store.live === shortCut?.live && store.windowOf === shortCut.windowOf
      ? askWindow(store, subject, scope)
      : undefined;
  }
}

/**
 * The `live` and `windowOf` of a store, if the same object of its prototype chain defines both. A subclass or wrapper with
 * its own `live` (to inject an outage, to count, to hide a tenant) inherits a `windowOf` that bypasses that `live`.
 */
function shortCutOf(store: CheckedStore): ShortCut | undefined {
  for (let owner: object | null = store; owner !== null; owner = Object.getPrototypeOf(owner) as object | null) {
    // An accessor has no value, so a store with one has no fast path.
    const { live, windowOf } = Object.getOwnPropertyDescriptors(owner) as { readonly [name in keyof CheckedStore]?: PropertyDescriptor };
    if (live ?? windowOf) {
      const isOwn = windowOf?.value !== undefined && live?.value === store.live && windowOf.value === store.windowOf;
      return isOwn ? { live: store.live, windowOf: store.windowOf } : undefined;
    }
  }
  return undefined;
}
