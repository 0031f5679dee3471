import type { Dialect } from './dialect/dialect.js';

/**
 * The statements that create and lock heads. `hashAt` reads the hash that a purge stores as the journal's start.
 *
 * `hold` and `holdFree` lock the heads of the namespaces in $1, which makes commits to a namespace serial. In the same statement they read
 * everything that decides the outcomes, from a list for each namespace:
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
export function headsOf({ statement, hold, holdFree, lock }: Dialect) {
  return {
    /** Creates the head at a namespace's first commit. Of two processes at once, one waits and then finds the row of the other. */
    found: statement(
      'found',
      `insert into jit_heads (namespace, revision, seq, hash, start_seq, start_hash) values ($1, 0, 0, $2, 0, $2)
on conflict (namespace) do nothing`,
    ),
    /** For one namespace only: waits until its head is free. Of two transactions that wait for several, each might hold what the other needs. */
    hold: statement('hold', hold()),
    lock: lock === undefined ? undefined : statement('lock', lock),
    /** For any number of namespaces: omits those whose head another transaction holds. */
    holdFree: statement('hold_free', holdFree()),
    hashAt: statement('hash_at', 'select hash from jit_journal where namespace = $1 and seq = $2'),
  };
}
