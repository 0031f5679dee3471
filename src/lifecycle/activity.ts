import { effectiveEnd, makeActivity, toJson, type Activity, type EntryData, type Grant } from '../records/index.js';
import { isBase } from '../core/tolerance.js';
import { asRead, nextVersion, noChange, stamp, USE, writtenBy, type Moment, type Transition } from './transition.js';

/** Checks that a grant allowed in one process, and that no record contains yet. */
export interface SeenUse {
  readonly grantId: string;
  /** The first and the last of these checks. Epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** The number of these checks, at least 1. */
  readonly count: number;
}

/** Whether the uses are of an earlier grant with this id, which a purge has removed: an ask with the same key makes the same ids. */
export const isOfEarlierGrant = ({ lastAt }: SeenUse, grant: Grant): boolean => lastAt < grant.startsAt;

/**
 * Records that checks used a grant, as long as the last recorded use is old enough. That use, not the write, bounds the writes of
 * the whole fleet. The change compares the grant and does not write it, so no revoke ever conflicts with it. The grant may have ended in
 * the meantime.
 *
 * @param before the activity record of the grant. `undefined`: no use is recorded yet, so this one is recorded at once
 * @param everyMs the least time between the last recorded use and the next record
 * @returns the instant from which the next record may be written
 */
export function recordActivity(
  grant: Grant,
  before: Activity | undefined,
  seen: Omit<SeenUse, 'grantId'>,
  everyMs: number,
  moment: Moment,
): Transition<number> {
  // A use that a wrong clock recorded must not keep the processes with a right one from recording, and is not the last one (L47).
  const by = writtenBy(moment);
  const lastBefore = before !== undefined && isBase(before.lastUsedAt, by) ? before.lastUsedAt : undefined;
  if (lastBefore !== undefined && moment.now - lastBefore < everyMs) return noChange(lastBefore + everyMs);
  // A check of a process whose clock is ahead may be later than the recorded end.
  const latest = Math.min(isBase(seen.lastAt, by) ? seen.lastAt : Math.max(moment.now, grant.startsAt), effectiveEnd(grant));
  const [firstAt, lastAt] = [Math.min(Math.max(seen.firstAt, grant.startsAt), latest), latest];
  const { id, requestId, subject, scope } = grant;
  const next = makeActivity({
    id,
    version: nextVersion(before),
    subject,
    scope,
    firstUsedAt: Math.min(before?.firstUsedAt ?? firstAt, firstAt),
    lastUsedAt: Math.max(lastBefore ?? lastAt, lastAt),
    count: (before?.count ?? 0) + seen.count,
  });
  const { version: activityVersion, firstUsedAt, lastUsedAt, count } = next;
  const data: EntryData['grant.seen'] = { activityVersion, firstUsedAt, lastUsedAt, count, subject, scope };
  const at = stamp(moment, grant, next);
  const entries = [{ type: 'grant.seen', at, actor: USE, requestId, grantId: id, data: toJson(data) }] as const;
  return { result: moment.now + everyMs, put: [next], entries, dependsOn: [asRead(grant)] };
}
