import { changeIdOf, GAP, IN_USE, partError } from '../../core/namespace-part.js';
import type { NamespacePart } from '../../core/store-port.js';
import { GENESIS } from '../../journal/link.js';
import { anchorOf, entryColumns, refuseWrongServer, rowColumns } from './rows.js';
import type { Ask } from './transaction.js';
import type { Statements } from './statements.js';

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
