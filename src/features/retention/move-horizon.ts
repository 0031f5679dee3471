import type { Kernel } from '../../kernel/kernel.js';
import { isRetentionDue } from '../../lifecycle/purge.js';
import { noChange, type EntryDraft } from '../../lifecycle/transition.js';
import { HORIZON, readBookmark, readRetainedAt, touchHorizon } from '../../records/bookmark.js';
import { toJson } from '../../records/index.js';

/**
 * Moves the horizon forward, never back, in one commit.
 *
 * A claim also claims the automatic purge of the day. The horizon's row holds the claim, so every other process finds that no
 * purge is due. If the claimed purge fails, the next one removes the rest.
 *
 * @returns the horizon; `undefined`: no purge is due to be claimed, or another process was first
 */
export async function moveHorizon({ ledger, clock }: Kernel, before: number, actor: string, isClaim: boolean): Promise<number | undefined> {
  return ledger.run<number | undefined>(async () => {
    const row = await ledger.row(HORIZON.kind, HORIZON.id);
    const { now } = clock.read();
    if (isClaim && !isRetentionDue(readRetainedAt(row), now)) return noChange(undefined);
    const horizon = Math.max(before, readBookmark(row, 'before'));
    if (!isClaim && row !== undefined && horizon !== before) return noChange(horizon);
    const touched = touchHorizon(row, horizon, isClaim ? now : undefined);
    return { expect: [touched.expect], put: [touched.put], entries: purgedEntry(now, actor, { horizon }), result: horizon };
  });
}

/** The entry of one change of a purge. */
export const purgedEntry = (at: number, actor: string, data: object): readonly EntryDraft[] => [
  { type: 'journal.purged', at, actor, data: toJson(data) },
];
