import { IdempotencyError, isJitError, PartialError } from '../../core/errors.js';
import { readInstant, type Instant } from '../../core/instant.js';
import { invalid, isBlank, readId, readOptions } from '../../core/parse.js';
import { readPattern } from '../../core/scope.js';
import { derivedId, newId } from '../../kernel/ledger/ids.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import type { Kernel } from '../../kernel/kernel.js';
import { fitting } from '../../kernel/ledger/fits-change.js';
import { readLocks } from '../../kernel/loading/locks.js';
import {
  completeLock,
  expireLocks,
  findLock,
  isLockOpen,
  liftLock,
  overdueLocks,
  refuseOwnLock,
  setLock,
  type LockSet,
} from '../../lifecycle/lock.js';
import { moment, SWEEPER } from '../../lifecycle/transition.js';
import type { EndedLock, Lock, Locks } from '../../records/index.js';
import { NONE } from '../../records/frozen.js';
import type { RevokeAllReport } from '../answers.js';
import { readBy, type By } from '../by.js';
import { EndTally } from './end-tally.js';
import type { EndTarget } from './end-target.js';
import { endAll, targetOfScope, targetOfSubject } from './revoke-all.js';

/** The target of a lock: exactly one of the two fields. */
export type LockTarget =
  | {
      /** Locks this id; for an agent, also its runs. */
      readonly subject: string;
    }
  | {
      /** Locks every scope that overlaps this scope or pattern. Wildcards apply with every matcher. */
      readonly scope: string;
    };

/** The caller of `lock`, its reason, and the end of the lock. */
export interface LockBy extends By {
  /** The first instant at which the lock no longer denies: epoch milliseconds or a `Date`. Default: none; only `unlock` ends it. */
  readonly until?: Instant | undefined;
  /** Makes a repeat safe: under a used key the call returns the lock of the first call. 1-256 characters. Default: none. */
  readonly idempotencyKey?: string | undefined;
}

/** A lock, with its status at the engine's clock reading. */
export type LockWithStatus = Lock & { readonly status: 'open' | EndedLock['end']['status'] };

/** A lock that was set, and the access that this call has ended. */
export interface LockResult {
  /** The lock with its status. */
  readonly lock: LockWithStatus;
  /** Whether an earlier call with this key set the lock. */
  readonly reused: boolean;
  /** The records that this call has ended, and whether the target matched any: a scope that matches none may be misspelt. */
  readonly ended: RevokeAllReport;
}

export interface ParsedLock {
  readonly subject: string | undefined;
  readonly scope: string | undefined;
  readonly by: string;
  readonly reason: string | undefined;
  readonly until: number | undefined;
  readonly key: string | undefined;
}

/** @throws InvalidArgumentError */
export function parseLock({ settings }: Kernel, target: unknown, options: unknown): ParsedLock {
  const { subject, scope } = readOptions<'subject' | 'scope'>('target', target, ['subject', 'scope']);
  if ((subject === undefined) === (scope === undefined)) throw invalid('target', 'exactly one of subject, scope', target);
  const { until, idempotencyKey, ...who } = readOptions<keyof LockBy>('options', options, ['by', 'reason', 'until', 'idempotencyKey']);
  // A reason may be omitted: an emergency does not wait for one. A blank text would pass for a reason in the journal.
  if (typeof who.reason === 'string' && isBlank(who.reason)) throw invalid('reason', 'text that is not blank, or omitted', who.reason);
  return {
    subject: subject === undefined ? undefined : settings.readId('target.subject', subject),
    scope: scope === undefined ? undefined : readPattern('target.scope', scope),
    ...readBy(settings, who),
    until: until === undefined ? undefined : readInstant('until', until),
    key: idempotencyKey === undefined ? undefined : readId('idempotencyKey', idempotencyKey),
  };
}

/**
 * Sets a lock in one commit, after which every check that it reaches denies. Then it ends the access that the lock reaches.
 *
 * @throws PartialError with the `lockId`, if a record could not be ended: the lock denies and is unfinished
 */
export async function lock(kernel: Kernel, { key, by, reason, ...target }: ParsedLock, limit: CallLimit | undefined): Promise<LockResult> {
  const { ledger, clock } = kernel;
  const id = key === undefined ? newId() : derivedId(ledger.store.namespace, 'lock', by, key);
  const set = () =>
    ledger.run(async () => setLock(await readLocks(kernel), { id, ...target, reason }, moment(clock, by)), {
      retriesLonger: true,
      durably: true,
      limit,
    });
  const found: LockSet | undefined = await set().catch(async (error: unknown) => {
    if (!isJitError(error) || error.code !== 'ERR_JIT_LIMIT') throw error;
    await expire(kernel, 0, limit);
    return set();
  });
  if (found === undefined) throw new IdempotencyError(id);
  const ended = 'end' in found.lock ? NOTHING : await finishLock(kernel, found.lock);
  const [row, { now }] = [await readLocks(kernel), clock.read()];
  return { lock: lockWithStatus(findLock(row, id) ?? found.lock, now), reused: found.reused, ended };
}

/**
 * Lifts a lock. It finishes the lock first: access that the lock has not ended yet would return.
 *
 * @throws NotFoundError, DeniedError, PartialError
 */
export async function unlock(
  kernel: Kernel,
  id: string,
  by: string,
  reason: string | undefined,
  limit: CallLimit | undefined,
): Promise<LockWithStatus> {
  const { ledger, clock } = kernel;
  const open = findLock(await readLocks(kernel), id);
  if (open !== undefined && !('end' in open)) {
    refuseOwnLock(open, by);
    await finishLock(kernel, open);
  }
  const lift = async () => liftLock(await readLocks(kernel), id, reason, moment(clock, by));
  return lockWithStatus(await ledger.run(lift, { retriesLonger: true, durably: true, limit }), clock.read().now);
}

/** The open locks, in the order in which they were set: at most 256. */
export async function listLocks(kernel: Kernel): Promise<readonly LockWithStatus[]> {
  const locks = (await readLocks(kernel))?.locks ?? [];
  const { now } = kernel.clock.read();
  return locks.filter((one) => isLockOpen(one, now)).map((one) => lockWithStatus(one, now));
}

/**
 * Continues the unfinished locks of processes that have died, and records the end of locks whose `until` has passed. A lock that
 * cannot be finished stops no other lock. It is reported, and the next sweep tries it again.
 */
export async function sweepLocks(kernel: Kernel): Promise<void> {
  const { settings } = kernel;
  for (const one of (await readLocks(kernel))?.locks ?? []) {
    if (one.completedAt !== undefined) continue;
    try {
      await finishLock(kernel, one);
    } catch (error) {
      settings.onError(error, 'lock');
    }
  }
  await expire(kernel);
}

/** Records the end of the locks whose `until` has passed, as far as one change holds. The next sweep records the others. */
async function expire(kernel: Kernel, maxAgeMs?: number, limit?: CallLimit): Promise<void> {
  const { ledger, clock } = kernel;
  const confirmed = await confirmedEnds(kernel, await readLocks(kernel), maxAgeMs);
  const record = async () => {
    const row = await readLocks(kernel);
    const now = moment(clock, SWEEPER);
    return fitting(kernel, overdueLocks(row, Math.min(now.now, confirmed)), (ends) => expireLocks(row, ends, now));
  };
  if (confirmed > 0) await ledger.run(record, { retriesLonger: true, limit });
}

/**
 * The instant up to which ends of locks may be recorded. A recorded end holds for every process, so the journal must confirm it too
 * (L39), also where a full row refuses a lock. Until then each process judges by its own clock. 0: none may be recorded.
 *
 * @param maxAgeMs how old the answer of the journal may be. Default: ten minutes
 */
export async function confirmedEnds({ clock, journalClock }: Kernel, row: Locks | undefined, maxAgeMs?: number): Promise<number> {
  return overdueLocks(row, clock.read().now).length === 0 ? 0 : journalClock.lastConfirmed(maxAgeMs);
}

/** The report of a call that had nothing to end, because the lock is complete. */
const NOTHING: RevokeAllReport = /* @__PURE__ */ Object.freeze({ grants: NONE, requests: NONE, matched: true, similar: NONE });

/**
 * Ends all access that a lock reaches, and records that the lock is complete. The ended records name the caller that set the lock, and
 * not its reason: their subjects read them.
 */
async function finishLock(kernel: Kernel, one: Lock): Promise<RevokeAllReport> {
  if (one.completedAt !== undefined) return NOTHING;
  const { ledger, clock } = kernel;
  const tally = new EndTally();
  try {
    const match = await endAll(kernel, targetOf(kernel, one), one.by, { cause: 'locked', reason: undefined }, tally);
    if (tally.failures.length === 0) {
      await ledger.run(async () => completeLock(await readLocks(kernel), one.id, moment(clock, one.by)), { retriesLonger: true });
      return { ...tally.ended, ...match };
    }
  } catch (error) {
    tally.fail('grant', undefined, error);
  }
  throw new PartialError(tally.ended, tally.failures, one.id);
}

/** What a lock ends. Another process may finish and lift it during a pass: access that was given after that is not meant. */
const targetOf = (kernel: Kernel, one: Lock): EndTarget => ({
  ...targetOfLock(kernel, one),
  isMeant: async () => (await readLocks(kernel))?.locks.some(({ id, completedAt }) => id === one.id && completedAt === undefined) === true,
});

/** What a lock on this target ends. For a subject also the requests that it asked for others. */
export function targetOfLock(kernel: Kernel, { subject, scope }: Pick<Lock, 'subject' | 'scope'>): EndTarget {
  if (subject === undefined) return targetOfScope(kernel, scope as string);
  const own = targetOfSubject(kernel, subject);
  return {
    ...own,
    async *requests() {
      yield* own.requests();
      const asked = (await kernel.ledger.subject(subject))?.openedForOthers ?? [];
      yield (await kernel.ledger.rows(asked.map((id) => ({ kind: 'request', id })))).filter((row) => row !== undefined);
    },
  };
}

const lockWithStatus = (one: Lock | EndedLock, now: number): LockWithStatus =>
  Object.freeze({ ...one, status: 'end' in one ? one.end.status : isLockOpen(one, now) ? 'open' : 'expired' });
