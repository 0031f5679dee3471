import type { Row } from '../../core/store-port.js';
import type { Kernel } from '../../kernel/kernel.js';
import { isRetentionDue } from '../../lifecycle/purge.js';
import { HORIZON, readBookmark, readRetainedAt, touchHorizon } from '../../records/bookmark.js';
import { toJson } from '../../records/index.js';

/**
 * Claims the automatic purge of the day, and moves the horizon, in one commit. The horizon's row holds the claim, so every other
 * process finds that no purge is due. If the claimed purge fails, the next one removes the rest.
 *
 * @returns the horizon; `undefined`: no purge is due, another process was first, or there is nothing to purge
 * @throws ClockError when the journal has no entry of the last day
 */
export async function claimPurge({ ledger, clock, journalClock }: Kernel, keepMs: number, actor: string): Promise<number | undefined> {
  const readRow = () => ledger.row(HORIZON.kind, HORIZON.id);
  const isDue = (row: Row | undefined) => isRetentionDue(readRetainedAt(row), clock.read().now);
  // Nearly every look ends here, before it reads any entry.
  if (!isDue(await readRow())) return undefined;
  // From there, so that a clock that is ahead never shortens the time for which records are kept.
  const confirmed = await journalClock.confirmedNow();
  if (confirmed === undefined) return undefined;
  const before = Math.max(0, confirmed - keepMs);
  let horizon: number | undefined;
  await ledger.untilCommitted(async () => {
    const row = await readRow();
    horizon = isDue(row) ? Math.max(before, readBookmark(row, 'before')) : undefined;
    if (horizon === undefined) return true;
    const { now } = clock.read();
    const touched = touchHorizon(row, horizon, now);
    const entries = [{ type: 'journal.purged', at: now, actor, data: toJson({ horizon }) }] as const;
    return ledger.commit({ expect: [touched.expect], put: [touched.put], entries });
  });
  return horizon;
}
