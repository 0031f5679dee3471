import { DeniedError } from '../core/errors.js';
import { readField, readList } from '../core/parse.js';
import { askLive, askWindow } from '../journal/store-reads.js';
import { decisionOf, judge, reaches } from '../lifecycle/check.js';
import type { GrantUse } from '../lifecycle/status.js';
import type { MaybePromise } from '../core/ports.js';
import type { GrantStore, GrantWindow, Row } from '../core/store-port.js';
import { decodeGrant, hasLockRow, hasUsageRow, isObject, type Decision } from '../records/index.js';
import { readScope } from '../core/scope.js';
import { isThenable, type ClockReading, type EngineClock } from '../core/time.js';
import { isInstant } from '../core/instant.js';
import type { Enforcement } from '../kernel/enforcement.js';
import { withUsage, usageRow } from '../kernel/grant-use.js';
import { standingFor } from '../kernel/standing.js';

/** A scope, or anything that has one. */
export type Action<Scope extends string = string> = Scope | { readonly scope: Scope };

/** The store as a check reads it. */
export type CheckedStore = Pick<GrantStore, 'live' | 'windowOf'>;

/** Asks the approver about starts whose time has come, for checks that only an activation is missing from. */
export interface StartActivator {
  /** Activates the grant of a decision that lacks only that, and judges again; where it can't be had, the no stays. */
  retry(decision: Decision, again: () => MaybePromise<Decision>): Promise<Decision>;
  /** Activates what can be of these rows. @param wanted whether the activation of a grant of this scope could matter @returns whether any was to be activated */
  activateAll(subject: string, live: LiveRows, wanted: (granted: string) => boolean): Promise<boolean>;
}

/** What is live of a subject, as it was read and judged. */
export interface LiveRows {
  readonly rows: readonly Row[];
  readonly reading: ClockReading;
}

/**
 * The check. It awaits nothing when the store answers at once, reads the clock once, after the store has answered, so
 * that a slow answer can't carry a yes past the end, and makes one decision. Until then the store is asked from the
 * highest reading so far on, which can only be too early.
 *
 * What it costs over such a store, counted by test/engine/check-cost.test.ts: one promise, the verb's own, and no await.
 * It makes the question, the answer's list, the reading, what is held with its list, and the decision; a record only at
 * the first look at a row that can't change, at each look at one that may.
 *
 * The ordinary yes is shorter still where the store has `windowOf`: then a grant that only time decides about needs no
 * list and no record, and `isAllowed` needs no decision. Everything else takes the long way, every no included: a second
 * row on the scope, a usage, scopes that are patterns, standing access, ids that `canonicalId` has to read.
 */
export class Checker {
  readonly #settings: Enforcement;
  readonly #clock: EngineClock;
  readonly #store: CheckedStore;
  readonly #activation: StartActivator | undefined;
  /** Where only a grant of exactly the scope that is asked for could allow it, and the store has a short cut of its own. */
  readonly #shortCut: CheckedStore | undefined;

  /** @param activation `undefined`: a grant whose start must be confirmed allows nothing until an engine has recorded that */
  constructor(settings: Enforcement, clock: EngineClock, store: CheckedStore, activation?: StartActivator) {
    this.#settings = settings;
    this.#clock = clock;
    this.#store = store;
    this.#activation = activation;
    this.#shortCut = settings.isPlain ? shortCutOf(store) : undefined;
  }

  read(subject: unknown, action: unknown): { readonly subject: string; readonly scope: string } {
    return { subject: this.#settings.readId('subject', subject), scope: readAction('scope', action) };
  }

  check(subjectGiven: unknown, action: unknown): MaybePromise<Decision> {
    const window = this.#windowOf(subjectGiven, action);
    if (window !== undefined) {
      // Copied before the clock is read: a clock of the caller may ask the same store something.
      const { from, until, row } = window;
      const reading = this.#clock.read();
      if (isWithin(from, until, reading)) {
        const grant = decodeGrant(row);
        // Another row than that of this pair is no answer to this question.
        if (grant.subject === subjectGiven && grant.scope === action)
          return decisionOf(grant.subject, grant.scope, reading.now, 'granted', grant, until - this.#settings.leewayMs);
      }
    }
    return this.#long(subjectGiven, action);
  }

  /** The check without its reasons, which needs no decision where there is but one grant to look at. */
  allows(subjectGiven: unknown, action: unknown): MaybePromise<boolean> {
    const window = this.#windowOf(subjectGiven, action);
    if (window !== undefined) {
      const { from, until } = window;
      if (isWithin(from, until, this.#clock.read())) return true;
    }
    const answer = this.#long(subjectGiven, action);
    return isThenable(answer) ? answer.then(({ allowed }) => allowed) : answer.allowed;
  }

  /** Ignores the short cut once `live` or it was replaced, so that an injected outage also reaches the fast path (L30). */
  #windowOf(subject: unknown, scope: unknown): GrantWindow | undefined {
    const store = this.#store;
    const shortCut = this.#shortCut;
    if (shortCut === undefined || store.live !== shortCut.live || store.windowOf !== shortCut.windowOf) return undefined;
    return askWindow(store, subject, scope);
  }

  #long(subjectGiven: unknown, action: unknown): MaybePromise<Decision> {
    const { subject, scope } = this.read(subjectGiven, action);
    return this.decide(subject, scope);
  }

  /** The check of what has been read at the door. */
  decide(subject: string, scope: string): MaybePromise<Decision> {
    const standing = this.standing(subject, scope);
    if (standing !== undefined) return standing;
    const answer = this.#ask(subject, scope);
    if (this.#activation === undefined) return answer;
    if (isThenable(answer)) return answer.then((decision) => this.#activated(decision, subject, scope));
    return answer.reason === 'not_activated' ? this.#activated(answer, subject, scope) : answer;
  }

  /** The yes that needs no grant, and so no store; `undefined`: only a grant could allow this. */
  standing(subject: string, scope: string): Decision | undefined {
    const pattern = standingFor(this.#settings.standing(subject), scope);
    if (pattern === undefined) return undefined;
    return decisionOf(subject, scope, this.#clock.read().now, 'standing', undefined, undefined, pattern);
  }

  async filter<T>(subjectGiven: unknown, actions: readonly T[]): Promise<readonly T[]> {
    const subject = this.#settings.readId('subject', subjectGiven);
    const list = readList('actions', actions) as readonly T[];
    const scopes = list.map((action, i) => readAction(`actions[${i}]`, action));
    const patterns = this.#settings.standing(subject);
    const isStanding = scopes.map((scope) => standingFor(patterns, scope) !== undefined);
    // Standing access needs no store, here as in a check.
    if (isStanding.every(Boolean)) return list;
    const asked = scopes.filter((_, i) => isStanding[i] === false);
    const { rows, reading } = await this.activated(subject, (granted, live) =>
      // As in a check: an approver that hangs must not hold up what is covered anyway.
      asked.some(
        (scope) => reaches(this.#settings.scopes, granted, scope) && !this.#judge(live.rows, subject, scope, live.reading).allowed,
      ),
    );
    return list.filter((_, i) => isStanding[i] === true || this.#judge(rows, subject, scopes[i] as string, reading).allowed);
  }

  /** The subject's live rows that may reach a scope; without a scope, all of them. */
  live(subject: string, scope?: string): MaybePromise<readonly Row[]> {
    const exactly = this.#settings.scopes.exact ? scope : undefined;
    return askLive(this.#store, { subject, scope: exactly, at: this.#clock.highWater });
  }

  /**
   * Only rows that reach the scope are decoded: one for an ordinary yes. A malformed one allows nothing and is reported.
   * Under a lock no grant reaches anything: no verb of this version writes one, so none can be read here (L30).
   */
  reaching(rows: readonly Row[], subject: string, scope: string): readonly GrantUse[] {
    if (hasLockRow(rows)) return [];
    const { scopes, decodeAll, onError } = this.#settings;
    const reaching: GrantUse[] = [];
    for (const row of rows) {
      if (isObject(row) && (row.kind !== 'grant' || row.subject !== subject || !reaches(scopes, row.scope, scope))) continue;
      try {
        const grant = decodeGrant(row);
        reaching.push(hasUsageRow(grant) ? withUsage(grant, usageRow(rows, grant), decodeAll) : { grant, usage: undefined });
      } catch (error) {
        onError(error, 'check');
      }
    }
    return reaching;
  }

  /** What is live, once everything that could be activated of it has been. */
  async activated(subject: string, wanted: (granted: string, live: LiveRows) => boolean): Promise<LiveRows> {
    const read = async (): Promise<LiveRows> => ({ rows: await this.live(subject), reading: this.#clock.read() });
    const live = await read();
    const isOld = await this.#activation?.activateAll(subject, live, (granted) => wanted(granted, live));
    return isOld === true ? read() : live;
  }

  #ask(subject: string, scope: string): MaybePromise<Decision> {
    const rows = this.live(subject, scope);
    return isThenable(rows) ? rows.then((answer) => this.#judge(answer, subject, scope)) : this.#judge(rows, subject, scope);
  }

  #activated(decision: Decision, subject: string, scope: string): MaybePromise<Decision> {
    if (decision.reason !== 'not_activated' || this.#activation === undefined) return decision;
    return this.#activation.retry(decision, () => this.#ask(subject, scope));
  }

  #judge(rows: readonly Row[], subject: string, scope: string, reading: ClockReading = this.#clock.read()): Decision {
    // By its own clock reading: a lock may end at any moment.
    if (hasLockRow(rows)) return decisionOf(subject, scope, reading.now, 'locked', undefined, reading.now);
    return judge(this.reaching(rows, subject, scope), subject, scope, reading, this.#settings.takesUses);
  }
}

/** What to throw for a no. */
export function denied(decision: Decision): DeniedError {
  const { subject, scope, reason } = decision;
  return new DeniedError(`${subject} has no access to ${scope} now (${reason})`, subject, decision);
}

/**
 * The `live` and `windowOf` of a store that belong together: both are defined on the same object of its prototype chain.
 * A subclass or a wrapper with its own `live` (to inject an outage, to count, to hide a tenant) inherits a `windowOf` that
 * knows nothing of it.
 */
function shortCutOf(store: CheckedStore): CheckedStore | undefined {
  for (let owner: object | null = store; owner !== null; owner = Object.getPrototypeOf(owner) as object | null) {
    const [live, windowOf] = (['live', 'windowOf'] as const).map((name) => Object.getOwnPropertyDescriptor(owner, name));
    if (live === undefined && windowOf === undefined) continue;
    // An accessor has no value, and so no short cut.
    const own = { live: live?.value as unknown, windowOf: windowOf?.value as unknown } as CheckedStore;
    const isWhole = typeof own.live === 'function' && typeof own.windowOf === 'function';
    return isWhole && store.live === own.live && store.windowOf === own.windowOf ? own : undefined;
  }
  return undefined;
}

/** Allows only by proven instants: what else a store gives is no window. */
const isWithin = (from: number, until: number, { now, forEnds }: ClockReading): boolean =>
  isInstant(from) && isInstant(until) && from <= now && forEnds < until;

function readAction(argument: string, action: unknown): string {
  return readScope(argument, isObject(action) ? readField(argument, action, 'scope') : action);
}
