/*
 * A process that commits as fast as it can, eight at a time, and says of each commit that it was answered. It is killed in
 * the middle of that.
 *
 *   node --import tsx crash-worker.ts <postgres|sqlite> <url or path> <name>
 */
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import Database from 'libsql';
import pg from 'pg';
import { sqlGrantStore, steadyHandle, steadyPool } from '../../../src/sql.js';
import { aChange, anEntry, aRow } from '../../../src/testing.js';

const [dialect, where = '', name = ''] = process.argv.slice(2);
const store =
  dialect === 'postgres'
    ? sqlGrantStore({
        db: new Kysely<unknown>({ dialect: new PostgresDialect({ pool: steadyPool(new pg.Pool({ connectionString: where })) }) }),
        dialect,
      })
    : sqlGrantStore({
        db: new Kysely<unknown>({ dialect: new SqliteDialect({ database: steadyHandle(new Database(where)) }) }),
        dialect: 'sqlite',
      });

async function commitForEver(lane: number): Promise<never> {
  for (let i = 0; ; i++) {
    const id = `${name}-${lane}-${i}`;
    const outcome = await store.commit(aChange({ id, put: [aRow({ id })], append: [anEntry({ id: `${id}.1`, grantId: id })] }));
    process.stdout.write(`${outcome} ${id}\n`);
  }
}

for (let lane = 0; lane < 8; lane++) void commitForEver(lane);
