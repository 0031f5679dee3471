import { JUDGED_ENTRIES } from '../../kernel/ledger/clock-problems.js';
import type { Ledger } from '../../kernel/ledger/ledger.js';
import type { TurnBudget } from '../../core/turns.js';

const PAGE = 100;

/**
 * An entry that is stamped at the horizon or later is still older if a clock that was ahead has stamped it. Its place in the
 * journal shows that: most of the {@link JUDGED_ENTRIES} entries from it on are older than the horizon. A single clock that is
 * behind is no such majority.
 *
 * @returns the seq up to which every entry is older, as a later entry has nearly the same entries after it; 0: this entry is not
 */
export async function lastOlder(ledger: Ledger, turns: TurnBudget, seq: number, horizon: number): Promise<number> {
  let majority = 0;
  for (let after = seq - 1; after < seq - 1 + JUDGED_ENTRIES;) {
    await turns.spend(PAGE);
    const { entries } = await ledger.journal(after, PAGE);
    const last = entries.at(-1);
    if (last === undefined || !(last.seq > after)) break;
    for (const { at } of entries) majority += at < horizon ? 1 : -1;
    after = last.seq;
  }
  return majority > 0 ? seq + ((majority - 1) >> 1) : 0;
}
