import type { Row, RowKey } from '../../core/store-port.js';
import { MAX_COMMENTS } from '../../lifecycle/comment.js';
import { commentId } from '../../records/index.js';
import type { TurnBudget } from '../../core/turns.js';
import type { LedgerReads } from '../ledger/ledger-reads.js';

/** How many comments of a request have been read after each round of reads. Most requests have none. */
const ROUNDS = [1, 10, MAX_COMMENTS];
/** How many rows are read from the store at a time. */
const MAX_KEYS = 200;

/**
 * The rows of the comments on some requests, by request, in the order of their numbers. The numbers have no gap, so the first missing
 * row is the end. Requests without comments cost one key each (L42).
 */
export async function commentRows(
  ledger: LedgerReads,
  requestIds: readonly string[],
  turns?: TurnBudget,
): Promise<ReadonlyMap<string, readonly Row[]>> {
  const rows = new Map(requestIds.map((id) => [id, [] as Row[]]));
  let read = 0;
  for (const upTo of ROUNDS) {
    const keys: { readonly requestId: string; readonly key: RowKey }[] = [];
    for (const [requestId, found] of rows) {
      if (found.length < read) continue;
      for (let n = read + 1; n <= upTo; n++) keys.push({ requestId, key: { kind: 'comment', id: commentId(requestId, n) } });
    }
    for (let i = 0; i < keys.length; i += MAX_KEYS) {
      const asked = keys.slice(i, i + MAX_KEYS);
      await turns?.spend(asked.length);
      const answer = await ledger.rows(asked.map(({ key }) => key));
      for (const [j, row] of answer.entries()) if (row !== undefined) rows.get(asked[j]?.requestId ?? '')?.push(row);
    }
    read = upTo;
  }
  return rows;
}
