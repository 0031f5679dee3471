import type { Dialect } from './dialect/dialect.js';
import { besideServer } from './fragments.js';

/** The statements that only an adoption needs. */
export function adoptionOf(dialect: Dialect) {
  const { statement } = dialect;
  return {
    /** Locks the head of a namespace that is arriving, or to which nothing was ever committed, and marks it. */
    arrive: statement(
      'arrive',
      `update jit_heads set moved = '' where namespace = $1 and (moved = '' or (moved is null and revision = 0))`,
    ),
    arriving: statement(
      'arriving',
      besideServer(dialect, ['seq', 'hash', 'moved'], 'select seq, hash, moved from jit_heads where namespace = $1'),
    ),
    /** Deletes the entries of a part that is sent again. */
    clear: statement('clear', 'delete from jit_journal where namespace = $1 and seq between $2 and $3'),
    /** What has arrived of the journal, and the hashes at both of its ends. Entries without a gap have as many numbers as there are entries. */
    arrived: statement(
      'arrived',
      `select count(*) as entries, min(seq) as first, max(seq) as last,
  (select prev_hash from jit_journal where namespace = $1 and seq = $2) as start_hash,
  (select hash from jit_journal where namespace = $1 and seq = $3) as hash
from jit_journal where namespace = $1`,
    ),
    open: statement('open', 'update jit_heads set moved = null where namespace = $1'),
  };
}
