import { DeniedError, LimitError, LockedError, NotFoundError } from '../core/errors.js';
import { invalid } from '../core/parse.js';
import type { Expectation } from '../core/store-port.js';
import {
  isReachedBy,
  LOCK_ROW,
  makeLocks,
  toJson,
  type AccessRequest,
  type EndedLock,
  type EntryData,
  type Lock,
  type LockEnd,
  type Locks,
} from '../records/index.js';
import { nextVersion, noChange, stamp, SWEEPER, type Moment, type Transition } from './transition.js';

/*
 * Rules about locks. All locks of a namespace lie in one row. Each change that creates access depends on that row, so a lock and
 * an approval, a start or an ask have one order: the lock refuses the access, or the lock's passes find it and end it.
 */

/** The most locks that are open at a time: one for each of a few hundred accounts. All of them lie in one row, which every check compares. */
const MAX_LOCKS = 256;
/** The most ended locks that the row keeps, for repeated calls. */
const MAX_ENDED = 16;

/** The locks of the namespace, as they were read. */
export interface LocksContext {
  /** `undefined`: the namespace has had no lock yet. */
  readonly row: Locks | undefined;
  /** Whether a locked scope or pattern reaches a scope. */
  readonly overlaps: (locked: string, scope: string) => boolean;
}

/** The access that is judged: the ids behind it, and its scopes. */
export interface Lockable {
  readonly ids: readonly (string | undefined)[];
  readonly scopes: readonly string[];
}

/**
 * Whether a lock denies at `now`. Its end is judged like a start, without leeway, so that it never comes early (L6). An unfinished
 * lock has no end: access that its passes have not reached yet would return.
 */
export const isLockOpen = ({ completedAt, until }: Lock, now: number): boolean => completedAt === undefined || now < (until ?? Infinity);

/** Whether a lock, open or not, is about this access. */
const isLockOn = (lock: Lock, { ids, scopes }: Lockable, overlaps: LocksContext['overlaps']): boolean => {
  const { subject, scope } = lock;
  return subject === undefined ? scopes.some((one) => overlaps(scope as string, one)) : ids.some((id) => isReachedBy(id, subject));
};

/** The first open lock on this access. `undefined`: there is none. */
export const lockOn = ({ row, overlaps }: LocksContext, about: Lockable, now: number): Lock | undefined =>
  row?.locks.find((lock) => isLockOpen(lock, now) && isLockOn(lock, about, overlaps));

/**
 * The instant at which time alone ends the last of the locks that deny a check. `Infinity`: time alone ends none of them.
 * `undefined`: no lock denies the check.
 */
export function lockedUntil(
  locks: readonly Lock[],
  overlaps: LocksContext['overlaps'],
  subject: string,
  scope: string,
  now: number,
): number | undefined {
  let last: number | undefined;
  for (const lock of locks) {
    if (!isLockOpen(lock, now) || !isLockOn(lock, { ids: [subject], scopes: [scope] }, overlaps)) continue;
    last = Math.max(last ?? now, lock.completedAt === undefined ? Infinity : (lock.until ?? Infinity));
  }
  return last;
}

/**
 * The access that a request asks for. A lock on the requester, or on the operator of a run, refuses it too.
 *
 * @param by the caller that asks: a lock on a caller that speaks for the requester refuses the ask
 */
export const lockableOf = (
  { subject, requestedBy, operator, scopes }: Pick<AccessRequest, 'subject' | 'requestedBy' | 'operator' | 'scopes'>,
  by?: string,
): Lockable => ({ ids: [subject, requestedBy, operator, by], scopes });

export const isIdLocked = (locks: LocksContext | undefined, id: string, now: number): boolean =>
  locks !== undefined && lockOn(locks, { ids: [id], scopes: [] }, now) !== undefined;

/** @throws LockedError */
export function refuseIfLocked(locks: LocksContext, about: Lockable, { now }: Pick<Moment, 'now'>): void {
  const lock = lockOn(locks, about, now);
  if (lock !== undefined) throw new LockedError(lock);
}

/** The expectation that no lock has been set since the locks were read. Every change that creates access has it. */
export const locksAsRead = ({ row }: LocksContext): Expectation => ({ ...LOCK_ROW, version: row?.version ?? 0 });

/** Whether the row takes no further lock. A lock whose `until` has passed keeps its place until its end is recorded. */
export const isLockRowFull = (row: Locks | undefined): boolean => row !== undefined && row.locks.length >= MAX_LOCKS;

/** A lock to set. The moment's actor sets it. */
export type LockCommand = Pick<Lock, 'id' | 'subject' | 'scope' | 'until'> & { readonly reason: string | undefined };

/** A lock after a call, and whether an earlier call with the same key had set it. */
export interface LockSet {
  readonly lock: Lock | EndedLock;
  readonly reused: boolean;
}

/**
 * Sets a lock, or returns the lock that an earlier call with this key has set, in its current state.
 *
 * @returns `undefined`: the key was used for another lock
 */
export function setLock(row: Locks | undefined, { reason, ...target }: LockCommand, moment: Moment): Transition<LockSet | undefined> {
  const before = findLock(row, target.id);
  if (before !== undefined) return noChange(isSame(before, target) ? { lock: before, reused: true } : undefined);
  if (target.until !== undefined && !(moment.now < target.until)) throw invalid('until', 'an instant in the future', target.until);
  const locks = row?.locks ?? [];
  if (isLockRowFull(row)) {
    const [over] = overdueLocks(row, moment.now);
    const unconfirmed =
      over?.until === undefined
        ? ''
        : `: lock ${over.id} ended at ${new Date(over.until).toISOString()} by this process's clock, which the journal does not confirm yet`;
    const message = `a namespace has at most ${MAX_LOCKS} open locks; lift one, or lock a wider pattern${unconfirmed}`;
    throw new LimitError('locks', MAX_LOCKS, locks.length + 1, message);
  }
  const at = stamp(moment, row);
  const lock: Lock = { ...target, by: moment.actor, at, completedAt: undefined };
  return written({ lock, reused: false }, 'lock.set', row, { locks: [...locks, lock] }, [lock.id], at, moment.actor, { reason });
}

/** Records that all access that a lock reaches has been ended. From then on the lock may end. */
export function completeLock(row: Locks | undefined, id: string, moment: Moment): Transition<void> {
  const lock = row?.locks.find((one) => one.id === id);
  if (row === undefined || lock === undefined || lock.completedAt !== undefined) return noChange(undefined);
  const at = stamp(moment, row);
  const locks = row.locks.map((one) => (one === lock ? { ...lock, completedAt: at } : one));
  return written(undefined, 'lock.completed', row, { locks }, [id], at, moment.actor);
}

/**
 * Lifts a complete lock. A lock that has ended stays unchanged.
 *
 * @throws NotFoundError
 * @throws DeniedError if the actor is the locked subject
 */
export function liftLock(row: Locks | undefined, id: string, reason: string | undefined, moment: Moment): Transition<Lock | EndedLock> {
  const lock = findLock(row, id);
  if (row === undefined || lock === undefined) throw new NotFoundError('lock', id);
  if ('end' in lock) return noChange(lock);
  refuseOwnLock(lock, moment.actor);
  if (lock.completedAt === undefined) return noChange(lock);
  const at = stamp(moment, row);
  const ended = endLocks(row, [lock], { status: 'lifted', at, by: moment.actor });
  return written({ ...lock, end: { status: 'lifted', at, by: moment.actor } }, 'lock.lifted', row, ended, [id], at, moment.actor, {
    reason,
  });
}

/** The locks whose `until` has passed at `now`, and whose end is not recorded. */
export const overdueLocks = (row: Locks | undefined, now: number): readonly Lock[] =>
  row?.locks.filter((lock) => !isLockOpen(lock, now)) ?? [];

/** Records the end of some locks whose `until` has passed, one entry for each. */
export function expireLocks(row: Locks | undefined, over: readonly Lock[], moment: Moment): Transition<void> {
  if (row === undefined || over.length === 0) return noChange(undefined);
  const at = stamp(moment, row);
  const ended = endLocks(row, over, { status: 'expired', at, by: SWEEPER });
  return written(
    undefined,
    'lock.expired',
    row,
    ended,
    over.map(({ id }) => id),
    at,
    SWEEPER,
  );
}

/** The locked subject never lifts its own lock, and neither does a run of a locked agent. @throws DeniedError */
export function refuseOwnLock({ id, subject }: Lock, actor: string): void {
  if (subject !== undefined && isReachedBy(actor, subject))
    throw new DeniedError(`${actor} cannot lift lock ${id}: it locks ${subject}`, actor, undefined);
}

/** A lock of the row, open or ended. */
export const findLock = (row: Locks | undefined, id: string): Lock | EndedLock | undefined =>
  row?.locks.find((lock) => lock.id === id) ?? row?.ended.find((lock) => lock.id === id);

const isSame = (lock: Lock, target: Pick<Lock, 'subject' | 'scope' | 'until'>): boolean =>
  lock.subject === target.subject && lock.scope === target.scope && lock.until === target.until;

function endLocks(row: Locks, over: readonly Lock[], end: LockEnd): Pick<Locks, 'locks' | 'ended'> {
  const ended = [...row.ended, ...over.map((lock) => ({ ...lock, end }))].slice(-MAX_ENDED);
  return { locks: row.locks.filter((lock) => !over.includes(lock)), ended };
}

type LockEntry = 'lock.set' | 'lock.completed' | 'lock.lifted' | 'lock.expired';

function written<Result>(
  result: Result,
  type: LockEntry,
  row: Locks | undefined,
  change: Pick<Locks, 'locks'> & Partial<Pick<Locks, 'ended'>>,
  ids: readonly string[],
  at: number,
  actor: string,
  more: Partial<EntryData['lock.set']> = {},
): Transition<Result> {
  const next = makeLocks({ ended: row?.ended ?? [], ...change, version: nextVersion(row) });
  const { version, locks, ended } = next;
  const entries = ids.map((lockId) => ({ type, at, actor, data: toJson({ lockId, version, locks, ended, ...more }) }));
  return { result, put: [next], entries };
}
