import { JitEngine, isJitError, reviewers } from 'jit-access';
import { migrate, resilientHandle, resilientPool, sqlGrantStore, type SqlDialect } from 'jit-access/sql';
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import Database from 'libsql';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { freePort } from './free-port.js';

const refusal = (action: Promise<unknown>): Promise<Error> =>
  action.then(
    () => new Error('it did not fail'),
    (error: unknown) => error as Error,
  );

describe('migrate()', () => {
  it('[NC1] takes the options of the store, so that one object serves both', async () => {
    const file = new Database(':memory:');
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: resilientHandle(file) }) });
    const on = { dialect: 'sqlite', namespace: 'payments', db, read: undefined, timeoutMs: 2_000 } as const;
    await expect(migrate(on)).resolves.toEqual({ version: 1, readableFrom: 1, rewritten: 0 });
    const engine = new JitEngine({ store: sqlGrantStore(on), approver: reviewers({ members: ['user:sam'] }) });
    const { outcome } = await engine.requestAccess({ subject: 'user:maya', scope: 'db:x', ttl: '5m', justification: 'order 1138' });
    expect(outcome).toBe('pending');
    await engine.close();
    file.close();
  });

  it('refuses an option that the store lacks too, and stores nothing', async () => {
    const options = { db: failing(new Error('asked')), dialect: 'sqlite', nmaespace: 'payments' } as const;
    await expect(migrate(options)).rejects.toThrow('options must be an object with only db, dialect, namespace, read, timeoutMs');
  });
});

/** A database that cannot be opened. */
const failing = (error: Error, dialect: SqlDialect = 'sqlite'): Kysely<unknown> =>
  new Kysely<unknown>({
    dialect:
      dialect === 'sqlite'
        ? new SqliteDialect({ database: () => Promise.reject(error) })
        : new PostgresDialect({ pool: () => Promise.reject(error) }),
  });

const coded = (message: string, code: string): Error => Object.assign(new Error(message), { code });

/** What drivers throw where the set-up is wrong, and what the text says of it. */
const FAILURES: readonly (readonly [string, Error, string])[] = [
  ['no server', coded('connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED'), 'connect ECONNREFUSED 127.0.0.1:5432'],
  [
    'no server at any address of a host',
    Object.assign(new AggregateError([coded('connect ECONNREFUSED ::1:5432', 'x'), coded('connect ECONNREFUSED 127.0.0.1:5432', 'x')]), {
      code: 'ECONNREFUSED',
    }),
    'connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432',
  ],
  [
    'a wrong password',
    coded('password authentication failed for user "orders"', '28P01'),
    'password authentication failed for user "orders" (28P01)',
  ],
  ['a connection string', new Error('not a URL: postgres://orders:hun/t@er2@db:5432/x'), 'not a URL: postgres://***@db:5432/x'],
  ['a list of parameters', new Error('cannot parse: host=db password=hunter2'), 'cannot parse: host=db password=***'],
];

describe('a set-up without a database', () => {
  it.each(FAILURES)('[NC17] migrate() says why, without a secret: %s', async (_, error, text) => {
    for (const dialect of ['postgres', 'sqlite'] as const) {
      const failure = await refusal(migrate({ db: failing(error, dialect), dialect }));
      expect(isJitError(failure) && failure.code).toBe('ERR_JIT_STORE');
      expect(failure.message).toContain(text);
      expect(failure.message).not.toMatch(/hun|er2@/);
      expect(failure.cause).toBe(error);
    }
  });

  it.each(FAILURES)('[NC17] so does a call of the store: %s', async (_, error, text) => {
    const store = sqlGrantStore({ db: failing(error, 'postgres'), dialect: 'postgres', namespace: 'payments' });
    const failure = await refusal(Promise.resolve(store.get([{ kind: 'grant', id: 'x' }])));
    expect(failure.message).toContain(text.replace(' (28P01)', ''));
    expect(failure.message).not.toMatch(/hun|er2@/);
  });

  it('[NC17] a refused connection of `pg` is named', async () => {
    const pool = new pg.Pool({ host: 'localhost', port: await freePort(), password: 'hunter2' });
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: resilientPool(pool) }) });
    const failure = await refusal(migrate({ db, dialect: 'postgres' }));
    expect(failure.message).toMatch(/^store\.migrate: .*: connect ECONNREFUSED /);
    await pool.end();
  });
});
