import { DeniedError } from '../core/errors.js';
import { readField, readList } from '../core/parse.js';
import { askLive, askWindow } from '../journal/store-reads.js';
import { decisionOf, judge, reaches } from '../lifecycle/check.js';
import { lockedUntil } from '../lifecycle/lock.js';
import { isWithin, type GrantUse } from '../lifecycle/status.js';
import type { MaybePromise } from '../core/ports.js';
import type { GrantStore, GrantWindow, Row } from '../core/store-port.js';
import {
  decodeGrant,
  hasUsageRow,
  isObject,
  LOCK_ROW,
  readOpenLocks,
  type Decision,
  type Grant,
  type WindowWithGrant,
} from '../records/index.js';
import { readScope } from '../core/scope.js';
import { isThenable, type ClockReading, type EngineClock } from '../core/time.js';
import { lockOverlaps, type Enforcement } from '../kernel/enforcement.js';
import { withUsage, usageRow } from '../kernel/grant-use.js';
import { standingFor } from '../kernel/standing.js';
import { NONE } from '../records/make.js';

/** A scope, or any object with a `scope`. */
export type Action<Scope extends string = string> = Scope | { readonly scope: Scope };

/** The part of the store that a check reads. */
export type CheckedStore = Pick<GrantStore, 'live' | 'windowOf'>;

/** The live rows of a subject, and the clock reading at which they are judged. */
export interface LiveRows {
  readonly rows: readonly Row[];
  readonly reading: ClockReading;
}

/**
 * The check. Where the store answers at once, it awaits nothing. It reads the clock once, after the store has answered, so
 * that a slow answer can not extend access beyond the end. It asks the store for the rows live at the engine's high-water
 * mark. That mark can only lie before the reading, so no row is missing.
 *
 * Cost over a store that answers at once (counted by test/engine/check-cost.test.ts): one promise, that of the verb, and no
 * await. It allocates the query, the store's list, the reading, the list of grants with their usage, and the decision. It
 * decodes an immutable row once, and any other row at each check.
 *
 * The fast path needs a store with `windowOf`. A grant that only time can end, and a pair of known names without a grant, then need
 * no list and no record, and `isAllowed` needs no decision. All other cases take the slow path: an ended grant, a second row on the
 * scope, a usage row, pattern scopes, standing access, and a `canonicalId`.
 */
export class Checker {
  readonly #settings: Enforcement;
  readonly #clock: EngineClock;
  readonly #store: CheckedStore;
  /** The fast path. Set only where no pattern, standing access or `canonicalId` applies, and the store has its own `windowOf`. */
  readonly #shortCut: CheckedStore | undefined;

  constructor(settings: Enforcement, clock: EngineClock, store: CheckedStore) {
    this.#settings = settings;
    this.#clock = clock;
    this.#store = store;
    this.#shortCut = settings.isPlain ? shortCutOf(store) : undefined;
  }

  read(subject: unknown, action: unknown): { readonly subject: string; readonly scope: string } {
    return { subject: this.#settings.readId('subject', subject), scope: readAction('scope', action) };
  }

  check(subjectGiven: unknown, action: unknown): MaybePromise<Decision> {
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
        // A store that returns a row of another subject or scope allows nothing by it: the slow path judges instead (L30).
        if (isKept || (grant.subject === subjectGiven && grant.scope === action))
          return decisionOf(subjectGiven as string, action as string, reading.now, 'granted', grant, until - this.#settings.leewayMs);
      }
    }
    return this.#long(subjectGiven, action);
  }

  /** The check without its reasons. The fast path makes no decision. */
  allows(subjectGiven: unknown, action: unknown): MaybePromise<boolean> {
    const window = this.#windowOf(subjectGiven, action);
    if (window !== undefined) {
      const { from, until } = window;
      const isAllowed = isWithin(from, until, this.#clock.read());
      if (isAllowed || until === 0) return isAllowed;
    }
    return isAllowedBy(this.#long(subjectGiven, action));
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

  #long(subjectGiven: unknown, action: unknown): MaybePromise<Decision> {
    const { subject, scope } = this.read(subjectGiven, action);
    return this.decide(subject, scope);
  }

  /** The check of arguments that were parsed. */
  decide(subject: string, scope: string): MaybePromise<Decision> {
    const standing = this.#settings.standingObeysLocks ? undefined : this.standing(subject, scope);
    return standing ?? this.ask(subject, scope);
  }

  /** The decision of standing access, which needs no store. `undefined`: only a grant could allow this. */
  standing(subject: string, scope: string): Decision | undefined {
    const pattern = standingFor(this.#settings.standing(subject), scope);
    if (pattern === undefined) return undefined;
    return decisionOf(subject, scope, this.#clock.read().now, 'standing', undefined, undefined, pattern);
  }

  async filter<T>(subjectGiven: unknown, actions: readonly T[]): Promise<readonly T[]> {
    const subject = this.#settings.readId('subject', subjectGiven);
    const list = readList('actions', actions) as readonly T[];
    const scopes = list.map((action, i) => readAction(`actions[${i}]`, action));
    const patterns = this.#settings.standingObeysLocks ? [] : this.#settings.standing(subject);
    const isStanding = scopes.map((scope) => standingFor(patterns, scope) !== undefined);
    // Standing access needs no store.
    if (isStanding.every(Boolean)) return list;
    const asked = scopes.filter((_, i) => isStanding[i] === false);
    const { rows, reading } = await this.liveFor(subject, asked);
    return list.filter((_, i) => isStanding[i] === true || this.isListed(this.judge(rows, subject, scopes[i] as string, reading)));
  }

  /** Whether `filter` returns the action of a decision. */
  protected isListed(decision: Decision): boolean {
    return decision.allowed;
  }

  /** The subject's live rows that may reach a scope. Without a scope: all live rows of the subject. */
  live(subject: string, scope?: string): MaybePromise<readonly Row[]> {
    const exactly = this.#settings.scopes.exact ? scope : undefined;
    return askLive(this.#store, { subject, scope: exactly, at: this.#clock.highWater });
  }

  /**
   * Decodes only the rows that reach the scope, usually one. A malformed row allows nothing and is reported to `onError`.
   *
   * @returns a number where a lock denies: see {@link lockedUntil}. An unreadable row of locks denies everything, until `now` (L30)
   */
  reaching(rows: readonly Row[], subject: string, scope: string, now: number): readonly GrantUse[] | number {
    const { scopes, decodeAll, onError } = this.#settings;
    const reaching: GrantUse[] = [];
    for (const row of rows) {
      if (isObject(row)) {
        if (row.kind === LOCK_ROW.kind) {
          const until = this.#lockedUntil(row, subject, scope, now);
          if (until !== undefined) return until;
          continue;
        }
        if (row.kind !== 'grant' || row.subject !== subject || !reaches(scopes, row.scope, scope)) continue;
      }
      try {
        const grant = decodeGrant(row);
        reaching.push(hasUsageRow(grant) ? withUsage(grant, usageRow(rows, grant), decodeAll) : { grant, usage: undefined });
      } catch (error) {
        onError(error, 'check');
      }
    }
    return reaching;
  }

  #lockedUntil(row: Row, subject: string, scope: string, now: number): number | undefined {
    try {
      return lockedUntil(readOpenLocks(row), lockOverlaps(this.#settings.scopes), subject, scope, now);
    } catch (error) {
      this.#settings.onError(error, 'check');
      return now;
    }
  }

  /** The subject's live rows, by which `filter` judges these scopes. */
  protected async liveFor(subject: string, _scopes: readonly string[]): Promise<LiveRows> {
    return { rows: await this.live(subject), reading: this.#clock.read() };
  }

  /** Asks the store and judges. */
  protected ask(subject: string, scope: string): MaybePromise<Decision> {
    const rows = this.live(subject, scope);
    return isThenable(rows) ? rows.then((answer) => this.judge(answer, subject, scope)) : this.judge(rows, subject, scope);
  }

  protected judge(rows: readonly Row[], subject: string, scope: string, reading: ClockReading = this.#clock.read()): Decision {
    // Most denials have no rows, and each call of this path costs them some 40 ns.
    const uses = rows.length === 0 ? NONE : this.reaching(rows, subject, scope, reading.now);
    const standing = this.#settings.standingObeysLocks && typeof uses !== 'number' ? this.standing(subject, scope) : undefined;
    return standing ?? judgeReaching(uses, subject, scope, reading, this.#settings.takesUses);
  }
}

export const isAllowedBy = (answer: MaybePromise<Decision>): MaybePromise<boolean> =>
  isThenable(answer) ? answer.then(({ allowed }) => allowed) : answer.allowed;

/** The decision by the grants that reach the scope, or by a lock: see {@link Checker.reaching}. */
export function judgeReaching(
  reaching: readonly GrantUse[] | number,
  subject: string,
  scope: string,
  reading: ClockReading,
  takesUses?: boolean,
): Decision {
  if (typeof reaching !== 'number') return judge(reaching, subject, scope, reading, takesUses);
  return decisionOf(subject, scope, reading.now, 'locked', undefined, reaching === Infinity ? undefined : reaching);
}

/** The error that the verbs throw for a denied check. */
export function denied(decision: Decision): DeniedError {
  const { subject, scope, reason } = decision;
  return new DeniedError(`${subject} has no access to ${scope} now (${reason})`, subject, decision);
}

/**
 * The `live` and `windowOf` of a store, where the same object of its prototype chain defines both. A subclass or wrapper with
 * its own `live` (to inject an outage, to count, to hide a tenant) inherits a `windowOf` that bypasses that `live`.
 */
function shortCutOf(store: CheckedStore): CheckedStore | undefined {
  for (let owner: object | null = store; owner !== null; owner = Object.getPrototypeOf(owner) as object | null) {
    // An accessor has no value, so a store with one has no fast path.
    const { live, windowOf } = Object.getOwnPropertyDescriptors(owner) as { readonly [name in keyof CheckedStore]?: PropertyDescriptor };
    const own = { live: live?.value as unknown, windowOf: windowOf?.value as unknown } as CheckedStore;
    if (live ?? windowOf) return own.live && own.windowOf && store.live === own.live && store.windowOf === own.windowOf ? own : undefined;
  }
  return undefined;
}

function readAction(argument: string, action: unknown): string {
  return readScope(argument, isObject(action) ? readField(argument, action, 'scope') : action);
}
