import { columns, KEY } from '../fragments.js';
import type { Dialect, Tables } from './dialect.js';
import { hold, namespaces, postgres, postgresTables } from './postgres.js';

/**
 * Some servers have only the collation "C" and refuse to name it, so the database has it instead of the columns. Another order would mix
 * up the pages of a list.
 */
const BYTE_ORDER = `('B' < 'a' and 'a_c' < 'ab' and 'z' < 'é') as has_byte_order`;

/** For servers that speak PostgreSQL's protocol and lack some of its statements. */
export const portable = (): Dialect => ({
  ...postgres,
  byteOrder: BYTE_ORDER,
  schema: () => `${postgres.schema()}, ${BYTE_ORDER}`,
  namespaces: (most) => namespaces('', most),
  // Some servers lock only one row, by its whole key.
  lock: 'select revision from jit_heads where namespace = $1 for update',
  hold: () => hold(''),
  guessed: undefined,
  remove: (n, where) =>
    `delete from jit_rows where (${KEY.join(', ')}) in (select ${columns('k', KEY)} from ${postgres.jsonTable(postgres.given(n), KEY)} as k where ${where})`,
  // No statement writes a table twice.
  joinsWrites: false,
  listening: undefined,
  probe: 'select now() = statement_timestamp() as outside',
  // It sets nothing, because some servers refuse each setting. The transaction is correct at each isolation level: its first statement
  // locks the head, or fails.
  begin: () => 'begin',
  // A transaction locks one head at a time.
  atOnce: postgres.atOnceAlone,
});

export const portableTables = (): Tables => ({ ...postgresTables, dialect: portable(), text: 'text' });
