import { toColumn } from '../../../src/stores/sql/order.js';
import { rowColumns } from '../../../src/stores/sql/rows.js';
import { ROW } from '../../../src/stores/sql/fragments.js';
import { readDialect } from '../../../src/stores/sql/options.js';
import { decodeLocks, encode, LOCK_ROW, makeLocks } from '../../../src/records/index.js';
import { keysOf, scriptKeys } from '../../../src/stores/redis/keys.js';
import { encodeRow, fieldOf } from '../../../src/stores/redis/row-text.js';
import { KEEP_COUNTS, writing } from '../../../src/stores/redis/write-script.js';
import { resilientHandle } from 'jit-access/sql';
import type { Row } from 'jit-access/store';
import { CompiledQuery, Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import pg from 'pg';
import { createClient } from 'redis';
import { sqliteDriver } from '../sql/drivers.js';
import { openStore, type Place } from './place.js';

/** How a process reads and writes columns without a store. */
interface Plain {
  run(sql: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

function plainly({ kind, where }: Place): Plain {
  const dialect =
    kind === 'postgres'
      ? new PostgresDialect({ pool: new pg.Pool({ connectionString: where, max: 1 }) })
      : new SqliteDialect({ database: resilientHandle(new sqliteDriver(where)) });
  const db = new Kysely<unknown>({ dialect });
  const isSqlite = kind === 'sqlite';
  return {
    async run(sql, values = []) {
      const { text, order } = readDialect({ dialect: kind }).statement('plain', sql);
      const given = order?.map((i) => values[i]) ?? [...values];
      const columns = isSqlite ? given.map((value) => (typeof value === 'boolean' ? Number(value) : (value ?? null))) : given;
      return (await db.executeQuery<Record<string, unknown>>(CompiledQuery.raw(text, columns))).rows;
    },
    close: () => db.destroy(),
  };
}

/** @returns false: another transaction holds the lock of the file */
const begun = (plain: Plain, sql: string): Promise<boolean> =>
  plain.run(sql).then(
    () => true,
    (error: unknown) => {
      if (!/SQLITE_BUSY/.test(String((error as { code?: unknown }).code))) throw error;
      return false;
    },
  );

/**
 * Writes both marks of a namespace that has moved, in one transaction, as the move of a later version does: the place in the head, and
 * a lock on every scope in the row of locks.
 *
 * @returns the number of the last entry
 */
export async function fence(place: Place, namespace: string, to: string): Promise<number> {
  if (place.kind === 'redis') return fenceInRedis(place, namespace, to);
  const { store, close } = await openStore(place, { namespace });
  const plain = plainly(place);
  const name = toColumn(namespace);
  try {
    // Its driver would wait for a lock that only the event loop releases.
    if (place.kind === 'sqlite') await plain.run('pragma busy_timeout = 0');
    while (!(await begun(plain, place.kind === 'sqlite' ? 'begin immediate' : 'begin')))
      await new Promise((resolve) => setTimeout(resolve, 1));
    // Locks the head: no commit comes between the two marks.
    await plain.run('update jit_heads set moved = $2, revision = revision + 1 where namespace = $1', [name, to]);
    const [{ seq } = {}] = await plain.run('select seq from jit_heads where namespace = $1', [name]);
    // By another connection: on both databases it sees the last commit, and the transaction of this one holds back the next.
    const [row] = await store.get([LOCK_ROW]);
    const columns = rowColumns(markedRow(row));
    await plain.run('delete from jit_rows where namespace = $1 and kind = $2 and id = $3', [name, LOCK_ROW.kind, LOCK_ROW.id]);
    const given = ['$1', ...ROW.map((_, i) => `$${i + 2}`)];
    await plain.run(`insert into jit_rows (namespace, ${ROW.join(', ')}) values (${given.join(', ')})`, [name, ...columns]);
    await plain.run('commit');
    return Number(seq);
  } finally {
    await plain.close();
    await close();
  }
}

/** The row of locks with a lock on every scope. */
function markedRow(row: Row | undefined): Row {
  const mark = { id: 'moved', subject: undefined, scope: '**', by: 'system:move', at: 1, until: undefined, completedAt: 1 };
  const { version, locks, ended } = row === undefined ? { version: 0, locks: [], ended: [] } : decodeLocks(row);
  return encode(makeLocks({ version: version + 1, locks: [mark, ...locks], ended }));
}

/** Both marks in one script. No process of the test writes the row of locks before. */
async function fenceInRedis(place: Place, namespace: string, to: string): Promise<number> {
  const { store, close } = await openStore(place, { namespace });
  const script = `#!lua
${writing('nil')}
replace(ARGV[1], ARGV[2])
call('HSET', HEAD, 'moved', ARGV[3])
${KEEP_COUNTS}
return text(seq)`;
  try {
    const row = markedRow((await store.get([LOCK_ROW]))[0]);
    const keys = scriptKeys(keysOf(namespace));
    return Number(await inRedis(place, ['EVAL', script, String(keys.length), ...keys, fieldOf(row), encodeRow(row), to]));
  } finally {
    await close();
  }
}

async function inRedis({ where }: Place, command: string[]): Promise<unknown> {
  const client = createClient({ url: where });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

/** The number of the last entry, and how many entries there are. */
export async function entriesIn(place: Place, namespace: string): Promise<readonly [last: number, count: number]> {
  if (place.kind === 'redis') {
    const { head, journal } = keysOf(namespace);
    return [Number(await inRedis(place, ['HGET', head, 'seq'])), Number(await inRedis(place, ['HLEN', journal]))];
  }
  const plain = plainly(place);
  const [{ seq, entries } = {}] = await plain.run('select max(seq) as seq, count(*) as entries from jit_journal where namespace = $1', [
    namespace,
  ]);
  await plain.close();
  return [Number(seq), Number(entries)];
}
