import type { SqlDialect } from './database.js';
import { columns, entriesBy, given, jsonList, jsonListOf, jsonTable, keyedRows, serverColumns } from './fragments.js';
import { statement } from './statement.js';

/** The columns of a head, as a locked head has them. */
const HEAD = ['revision', 'seq', 'hash', 'start_seq', 'start_hash', 'moved'];
/** What is read for a locked head, each a JSON list or null. */
const READ = ['kept', 'hashes', 'applied'];

/**
 * The statements that create and lock heads. `hashAt` reads the hash that a purge stores as the journal's start.
 *
 * @param portable `hold` follows `lock`, which locks one head by its whole key and nothing else: some servers lock nothing else
 */
export function headsOf(dialect: SqlDialect, portable: boolean) {
  return {
    /** Creates the head at a namespace's first commit. Of two processes at once, one waits and then finds the row of the other. */
    found: statement(
      dialect,
      'found',
      `insert into jit_heads (namespace, revision, seq, hash, start_seq, start_hash) values ($1, 0, 0, $2, 0, $2)
on conflict (namespace) do nothing`,
    ),
    /** For one namespace only: waits until its head is free. Of two transactions that wait for several, each might hold what the other needs. */
    hold: statement(dialect, 'hold', holdText(dialect, portable ? undefined : '')),
    lock: portable ? statement(dialect, 'lock', 'select revision from jit_heads where namespace = $1 for update') : undefined,
    /** For any number of namespaces: omits those whose head another transaction holds. */
    holdFree: statement(dialect, 'hold_free', holdText(dialect, ' skip locked')),
    hashAt: statement(dialect, 'hash_at', 'select hash from jit_journal where namespace = $1 and seq = $2'),
  };
}

/**
 * Locks the heads of the namespaces in $1, which makes commits to a namespace serial. In the same statement it reads everything
 * that decides the outcomes, from a list for each namespace:
 * - `keys`: the version of each record relied on, and `created_at` if the third item of its key says so,
 * - `ids`: which of the changes were already applied,
 * - `seqs`: the hashes of the entries that the callers know.
 *
 * `i` is the place of the namespace in the list. A namespace without a head has no line in the answer.
 *
 * On PostgreSQL a statement that waited for the lock still sees the other tables as they were before the wait. `seen` is the
 * head's revision in that snapshot. If it differs from the revision of the locked head, the statement must be repeated while
 * the transaction holds the lock.
 */
function holdText(dialect: SqlDialect, wait: string | undefined): string {
  const postgres = dialect === 'postgres';
  const asked = jsonTable(dialect, given(dialect, 1), ['namespace', 'keys', 'ids', 'seqs']);
  const read = postgres ? READ.map((name) => `f.${name}::text`).join(', ') : columns('f', READ);
  return `${postgres ? `with ${lockedHeads(asked, wait)}\n` : ''}select ${serverColumns(dialect)}, f.i, ${columns('f', [...HEAD, 'seen'])}, ${read}
from (${foundText(dialect, [], postgres ? 'n join h on h.i = n.i' : `${asked} as n cross join jit_heads as h on h.namespace = n.namespace`)}) as f`;
}

/** The heads `h` of the namespaces `n`, locked. Each is looked up by its key: a join might lock all heads, and would read every partition. */
const lockedHeads = (asked: string, wait: string | undefined): string => `n as materialized ${asked}, h as materialized (select n.i, h.*
from n cross join lateral (select * from jit_heads where namespace = n.namespace limit 1${wait === undefined ? '' : ` for update${wait}`}) as h)`;

/** What decides the outcomes, for each line of `from`. */
function foundText(dialect: SqlDialect, more: readonly string[], from: string): string {
  const listOf = (item: string, of: string, order: string) => jsonListOf(dialect, item, of, order);
  const kept = jsonList(dialect, 'k.i', 'r.version', 'case when k.put is not null then r.created_at end');
  return `select ${columns('n', ['i', ...more])}, ${columns('h', HEAD)},
  (select revision from jit_heads where namespace = n.namespace) as seen,
  ${listOf(kept, keyedRows(dialect, 'n.keys', 'n.namespace', ['put']), 'k.i')} as kept,
  ${listOf(jsonList(dialect, 'e.seq', 'e.hash'), entriesBy(dialect, 'seq', 'n.seqs', 'n.namespace'), 'e.seq')} as hashes,
  ${listOf('j.change_id', `(select distinct e.change_id from ${entriesBy(dialect, 'change_id', 'n.ids', 'n.namespace')}) as j`, 'j.change_id')} as applied
from ${from}`;
}

/**
 * The parts of a statement that locks free heads, as `holdFree` does, and in the same round trip writes what was guessed: to
 * each namespace in which it finds exactly the fifth item of its list, `[seq, hash, start_seq, start_hash, moved, kept,
 * hashes, applied]`, and has not waited. The others write nothing, and their transaction continues as after `holdFree`.
 */
export const GUESSED = {
  /** Before the parts that write. The namespaces of the right guesses are `guessed`. */
  begin: `with ${lockedHeads(jsonTable('postgres', given('postgres', 1), ['namespace', 'keys', 'ids', 'seqs', 'guess']), ' skip locked')},
f as materialized (${foundText('postgres', ['namespace', 'guess'], 'n join h on h.i = n.i')}),
guessed as materialized (select namespace from f
where seen = revision and guess = jsonb_build_array(${columns('f', HEAD.slice(1))}, ${columns('f', READ)}))`,
  /** The condition of each part that writes. */
  where: 'k.namespace = any(array(select namespace from guessed))',
  /** After the parts that write. */
  end: `select ${serverColumns('postgres')}, ${columns('f', ['i', ...HEAD, 'seen'])}, ${READ.map((name) => `f.${name}::text`).join(', ')},
  f.namespace = any(array(select namespace from guessed)) as is_written from f`,
} as const;
