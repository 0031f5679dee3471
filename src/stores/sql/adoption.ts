import { changeIdOf, GAP, IN_USE, partError } from '../../core/namespace-part.js';
import type { NamespacePart } from '../../core/store-port.js';
import { GENESIS } from '../../journal/link.js';
import type { SqlDialect } from './database.js';
import { besideServer } from './fragments.js';
import { anchorOf, entryColumns, refuseWrongServer, rowColumns } from './rows.js';
import type { Ask } from './session.js';
import { statement } from './statement.js';
import type { Statements } from './statements.js';

/** The statements that only an adoption needs. */
export function adoptionOf(dialect: SqlDialect) {
  return {
    /** Locks the head of a namespace that is arriving, or to which nothing was ever committed, and marks it. */
    arrive: statement(
      dialect,
      'arrive',
      `update jit_heads set moved = '' where namespace = $1 and (moved = '' or (moved is null and revision = 0))`,
    ),
    arriving: statement(
      dialect,
      'arriving',
      besideServer(dialect, ['seq', 'hash', 'moved'], 'select seq, hash, moved from jit_heads where namespace = $1'),
    ),
    /** Deletes the entries of a part that is sent again. */
    clear: statement(dialect, 'clear', 'delete from jit_journal where namespace = $1 and seq between $2 and $3'),
    /** What has arrived of the journal, and the hashes at both of its ends. Entries without a gap have as many numbers as there are entries. */
    arrived: statement(
      dialect,
      'arrived',
      `select count(*) as entries, min(seq) as first, max(seq) as last,
  (select prev_hash from jit_journal where namespace = $1 and seq = $2) as start_hash,
  (select hash from jit_journal where namespace = $1 and seq = $3) as hash
from jit_journal where namespace = $1`,
    ),
    open: statement(dialect, 'open', 'update jit_heads set moved = null where namespace = $1'),
  };
}

/** Applies a part of a namespace, in a transaction. The same part again has one effect. @throws StoreError */
export async function applyPart(
  ask: Ask,
  statements: Statements,
  namespace: string,
  { rows, entries, anchors }: NamespacePart,
): Promise<void> {
  await ask(statements.found, [namespace, GENESIS.hash]);
  await ask(statements.arrive, [namespace]);
  const [found = {}] = await ask(statements.arriving, [namespace]);
  refuseWrongServer(found, statements.dialect);
  if (found['moved'] !== '') {
    const { seq, hash } = anchorOf(found, 'seq', 'hash');
    // The last part is sent again.
    if (found['moved'] === null && seq > 0 && seq === anchors?.head.seq && hash === anchors.head.hash) return;
    throw partError(IN_USE);
  }
  const [first, last] = [entries[0], entries.at(-1)];
  if (first !== undefined && last !== undefined) await ask(statements.clear, [namespace, first.seq, last.seq]);
  const { start, head } = anchors ?? { start: GENESIS, head: GENESIS };
  const written = {
    namespace,
    remove: [],
    put: rows.map(rowColumns),
    append: entries.map((entry) => entryColumns(entry, changeIdOf(entry))),
    trimTo: 0,
    head: [head.seq, head.hash, start.seq, start.hash],
  };
  for (const [statement, values] of statements.write([written])) await ask(statement, values);
  if (anchors === undefined) return;
  const [arrived = {}] = await ask(statements.arrived, [namespace, start.seq + 1, head.seq]);
  const count = head.seq - start.seq;
  const expected = count === 0 ? [0, null, null, null, null] : [count, start.seq + 1, head.seq, start.hash, head.hash];
  // `pg` returns BIGINT as a string.
  const isWhole = ['entries', 'first', 'last', 'start_hash', 'hash'].every((name, i) => String(arrived[name]) === String(expected[i]));
  if (!isWhole) throw partError(GAP);
  await ask(statements.open, [namespace]);
}
