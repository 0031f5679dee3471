import { DeniedError } from '../../core/errors.js';
import { readField, readList } from '../../core/parse.js';
import { askLive } from '../../journal/store-reads.js';
import { decisionOf, judge, reaches } from '../../lifecycle/check.js';
import { lockedUntil } from '../../lifecycle/lock.js';
import type { GrantUse } from '../../lifecycle/status.js';
import type { MaybePromise } from '../../core/ports.js';
import type { GrantStore, Row } from '../../core/store-port.js';
import { decodeGrant, isObject, LOCK_ROW, readOpenLocks, type Decision } from '../../records/index.js';
import { readScope } from '../../core/scope.js';
import type { ClockReading, EngineClock } from '../../core/clock.js';
import { isThenable } from '../../core/thenable.js';
import { lockOverlaps, type Enforcement } from '../../kernel/settings/enforcement.js';
import { withUsage, usageRow } from '../../kernel/ledger/grant-use.js';
import { standingFor } from '../../kernel/settings/standing.js';
import { NONE } from '../../records/frozen.js';

/** A scope, or any object with a `scope`. */
export type Action<Scope extends string = string> = Scope | { readonly scope: Scope };

/** The live rows of a subject, and the clock reading at which they are judged. */
export interface LiveRows {
  readonly rows: readonly Row[];
  readonly reading: ClockReading;
}

/**
 * The check. If the store answers at once, it awaits nothing. It reads the clock once, after the store has answered, so
 * that a slow answer cannot extend access beyond the end. It asks the store for the rows live at the engine's high-water
 * mark. That mark can only lie before the reading, so no row is missing.
 *
 * Cost over a store that answers at once (counted by test/engine/check-cost.test.ts): one promise, that of the verb, and no
 * await. It allocates the query, the store's list, the reading, the list of grants with their usage, and the decision. It
 * decodes an immutable row once, and any other row at each check.
 */
export class Checker {
  readonly #settings: Enforcement;
  readonly #clock: EngineClock;
  readonly #store: Pick<GrantStore, 'live'>;

  constructor(settings: Enforcement, clock: EngineClock, store: Pick<GrantStore, 'live'>) {
    this.#settings = settings;
    this.#clock = clock;
    this.#store = store;
  }

  read(subject: unknown, action: unknown): { readonly subject: string; readonly scope: string } {
    return { subject: this.#settings.readId('subject', subject), scope: readAction('scope', action) };
  }

  check(subjectGiven: unknown, action: unknown): MaybePromise<Decision> {
    const { subject, scope } = this.read(subjectGiven, action);
    return this.decide(subject, scope);
  }

  /** The check without its reasons. */
  allows(subjectGiven: unknown, action: unknown): MaybePromise<boolean> {
    return isAllowedBy(this.check(subjectGiven, action));
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
   * @returns a number if a lock denies: see {@link lockedUntil}. An unreadable row of locks denies everything, until `now` (L30)
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
        reaching.push(withUsage(grant, usageRow(rows, grant), decodeAll));
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

function readAction(argument: string, action: unknown): string {
  return readScope(argument, isObject(action) ? readField(argument, action, 'scope') : action);
}
