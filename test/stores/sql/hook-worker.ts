/*
 * A process that gives and ends access as fast as it can, over a store whose hook writes a row for each entry, and sometimes fails. It
 * prints a line for each verb that has resolved, until it is killed.
 *
 * node --import tsx test/stores/sql/hook-worker.ts <postgres|sqlite> <url or path> <namespace>
 */
import { autoApprove, JitEngine, type GrantStore } from 'jit-access';
import { resilientHandle, sqlGrantStore } from 'jit-access/sql';
import { Kysely, SqliteDialect } from 'kysely';
import pg from 'pg';
import { sqliteDriver } from './drivers.js';
import { keepEntries, type Tables } from './hooked.js';
import { kyselyOn } from './postgres.js';

const [dialect = '', where = '', namespace = ''] = process.argv.slice(2);
/** Every so many calls, the hook fails after it has written. */
const FAILS = 7;

function storeOf(): GrantStore {
  const isPostgres = dialect === 'postgres';
  const db = isPostgres
    ? kyselyOn<Tables>(new pg.Pool({ connectionString: where }))
    : new Kysely<Tables>({ dialect: new SqliteDialect({ database: resilientHandle(new sqliteDriver(where)) }) });
  let calls = 0;
  return sqlGrantStore({
    db,
    dialect: isPostgres ? 'postgres' : 'sqlite',
    namespace,
    onCommit: async (change, trx) => {
      await keepEntries(change, trx);
      calls += 1;
      if (calls % FAILS === 0) throw new Error('every so often');
    },
  });
}

const engine = new JitEngine({ store: storeOf(), approver: autoApprove(() => true) });
const name = `user:${process.pid}`;

async function lane(which: number): Promise<never> {
  for (let i = 0; ; i++) {
    const ask = { subject: `${name}-${which}-${i}`, scope: 'a', ttl: '1h' } as const;
    const granted = await engine.requestAccess(ask).catch(() => undefined);
    if (granted?.outcome === 'granted') await engine.revoke(`${granted.request.id}.1`, { by: 'user:sam' });
    if (i % 5 === 4) await engine.sweep();
    process.stdout.write('done\n');
  }
}

await Promise.all([0, 1, 2, 3].map(lane));
