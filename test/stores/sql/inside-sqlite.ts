/*
 * A program that calls the engine inside a transaction of its only connection, and does nothing else.
 *
 * node --import tsx test/stores/sql/inside-sqlite.ts <file>
 */
import { autoApprove, JitEngine } from 'jit-access';
import { resilientHandle, sqlGrantStore } from 'jit-access/sql';
import { Kysely, SqliteDialect } from 'kysely';
import { sqliteDriver } from './drivers.js';

const database = resilientHandle(new sqliteDriver(process.argv[2] ?? ''));
const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database }) });
const store = sqlGrantStore({ db, dialect: 'sqlite', namespace: 'payments', timeoutMs: 100 });
const engine = new JitEngine({ store, approver: autoApprove(() => true) });

await db
  .transaction()
  .execute(() => engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '1h' }))
  .catch((error: unknown) => console.log(String(error)));
