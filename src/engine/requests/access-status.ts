import { isLockOpen, lockedUntil } from '../../lifecycle/lock.js';
import { isScheduled, isUsable, type GrantUse } from '../../lifecycle/status.js';
import { effectiveEnd, expectedStart, isLockRow, isReachedBy, readOpenLocks, type Lock } from '../../records/index.js';
import type { Row } from '../../core/store-port.js';
import type { AccessStatus } from '../answers.js';
import type { EngineChecker } from '../checks/engine-checker.js';
import { lockOverlaps, type Enforcement } from '../../kernel/settings/enforcement.js';
import { grantsAmong } from '../../kernel/ledger/grant-use.js';
import { grantWithStatus } from '../with-status.js';

/** The access that a subject has now, and its scheduled access. Activates due starts first, so that the answer agrees with a check. */
export async function accessStatus(checker: EngineChecker, settings: Enforcement, subjectGiven: unknown): Promise<AccessStatus> {
  const { readId, decodeAll, standing, standingObeysLocks, leewayMs } = settings;
  const subject = readId('subject', subjectGiven);
  const { rows, reading } = await checker.activated(subject, () => true);
  const locks = locksOf(rows, settings);
  const overlaps = lockOverlaps(settings.scopes);
  const { now } = reading;
  const own = locks?.filter((lock) => lock.subject !== undefined && isLockOpen(lock, now) && isReachedBy(subject, lock.subject));
  const live = grantsAmong(rows, subject, decodeAll).filter((one) => isUsable(one, reading) || isScheduled(one, reading));
  const lockEnds = live.map(({ grant }) => (locks === undefined ? Infinity : lockedUntil(locks, overlaps, subject, grant.scope, now)));
  const all = live.filter((_, i) => lockEnds[i] === undefined);
  const held = all.filter((one) => isUsable(one, reading)).sort((a, b) => endOf(a) - endOf(b));
  const scheduled = all.filter((one) => isScheduled(one, reading)).sort((a, b) => a.grant.startsAt - b.grant.startsAt);
  // Keeps the grants that a check at their start would allow. A start that an approver must still confirm gives no certain window.
  const certain = scheduled.filter((one) => {
    const begin = expectedStart(one.grant, reading.forEnds);
    return isUsable(one, { now: begin, forEnds: begin + leewayMs });
  });
  const changes = [
    ...[...held, ...scheduled].map((one) => endOf(one) - leewayMs),
    ...scheduled.map(({ grant }) => expectedStart(grant, reading.forEnds)).filter((begin) => begin > reading.now),
    // A lock ended the access that it found. For a clock that has gone back, it may be open before later access.
    ...lockEnds.filter((end) => end !== undefined).filter((end) => end < Infinity),
    ...(own ?? []).flatMap(({ completedAt, until }) => (completedAt === undefined || until === undefined ? [] : [until])),
  ];
  return {
    subject,
    at: reading.now,
    standing: standingObeysLocks && own?.length !== 0 ? [] : standing(subject),
    locks: own ?? [],
    held: held.map((use) => grantWithStatus(use, reading)),
    scheduled: scheduled.map((use) => grantWithStatus(use, reading)),
    windows: [...held, ...certain].map((one) => ({
      grantId: one.grant.id,
      scope: one.grant.scope,
      startsAt: expectedStart(one.grant, reading.forEnds),
      endsAt: endOf(one) - leewayMs,
    })),
    changesAt: changes.length === 0 ? undefined : Math.min(...changes),
  };
}

/** The locks among live rows, which always include an open row of locks. `undefined`: it is unreadable, so nothing is held (L30). */
function locksOf(rows: readonly Row[], { onError }: Enforcement): readonly Lock[] | undefined {
  try {
    const row = rows.find(isLockRow);
    return row === undefined ? [] : readOpenLocks(row);
  } catch (error) {
    onError(error, 'status');
    return undefined;
  }
}

const endOf = ({ grant, usage }: GrantUse): number => effectiveEnd(grant, usage);
