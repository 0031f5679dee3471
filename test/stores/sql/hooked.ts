import { randomUUID } from 'node:crypto';
import { JitEngine, reviewers, type GrantStore } from 'jit-access';
import { sqlGrantStore, type HookChange, type HookTransaction, type SqlGrantStoreOptions } from 'jit-access/sql';
import { FaultyStore, ManualClock } from 'jit-access/testing';
import type { Kysely, Logger } from 'kysely';
import { kyselyOn, Postgres } from './postgres.js';
import { SqliteFile } from './sqlite.js';

/** A table of the user: one row for each entry that the hook has seen. */
export interface Tables {
  orders: { entry: string; seq: number; hash: string; type: string };
}
export type Trx = HookTransaction<Kysely<Tables>>;

/** A database with the tables of the store and the table of the user. */
export interface HookPlace {
  readonly dialect: 'postgres' | 'sqlite';
  /** A URL, or a path. */
  readonly where: string;
  kysely(log?: Logger): Kysely<Tables>;
  sql<T extends object>(text: string): Promise<readonly T[]>;
  close(): Promise<void>;
}

const ORDERS = 'create table orders (entry text primary key, seq bigint not null, hash text not null, type text not null)';

export async function postgresPlace(): Promise<HookPlace & { readonly server: Postgres }> {
  const server = await Postgres.migrated();
  await server.sql(ORDERS);
  return {
    dialect: 'postgres',
    where: server.url,
    server,
    kysely: (log) => kyselyOn(server.pool({ max: 6 }), undefined, log),
    sql: (text) => server.sql(text),
    close: () => server.stop(),
  };
}

export async function sqlitePlace(): Promise<HookPlace> {
  const file = await SqliteFile.migrated();
  const reading = file.handle();
  reading.exec(ORDERS.replace('bigint', 'integer'));
  return {
    dialect: 'sqlite',
    where: file.path,
    kysely: (log) => file.kysely(undefined, log),
    sql: async <T extends object>(text: string) => {
      const statement = reading.prepare(text) as unknown as { readonly reader: boolean; all(v: unknown[]): T[]; run(v: unknown[]): void };
      return statement.reader ? statement.all([]) : (statement.run([]), []);
    },
    close: async () => file.remove(),
  };
}

/** The statements of the hook: what a user would write. */
export async function keepEntries({ entries }: HookChange, { kysely }: Trx): Promise<void> {
  await kysely
    .insertInto('orders')
    .values(entries.map(({ id, seq, hash, type }) => ({ entry: id, seq, hash, type })))
    .execute();
}

export const [MAYA, SAM] = ['user:maya', 'user:sam'];
export const asking = (scope: string) => ({ subject: MAYA, scope, ttl: '1h' }) as const;

/** An engine over a store with this hook, in a namespace of its own. */
export function hooked(place: HookPlace, options: Partial<SqlGrantStoreOptions<Kysely<Tables>>>) {
  const reported: { readonly error: unknown; readonly during: string }[] = [];
  const db = options.db ?? place.kysely();
  const inner = sqlGrantStore({
    dialect: place.dialect,
    namespace: randomUUID(),
    onError: (error, during) => reported.push({ error, during }),
    ...options,
    db,
  });
  const store = new FaultyStore(inner);
  const clock = new ManualClock();
  return { ...engineOver(store, clock), store, clock, db, reported };
}

export function engineOver(store: GrantStore, clock = new ManualClock()) {
  const failures: unknown[] = [];
  const engine = new JitEngine({
    store,
    clock,
    approver: reviewers({ members: [SAM] }),
    limits: { resendMs: 0 },
    onError: (error) => failures.push(error),
  });
  return { engine, failures };
}

/** The ids of the entries in the journal, and those in the user's table, in order. */
export async function bothSides(
  place: HookPlace,
  store: GrantStore,
): Promise<readonly [journal: readonly string[], rows: readonly string[]]> {
  const { entries } = await store.journal({ after: 0, limit: 1_000 });
  const ids = entries.map(({ id }) => id);
  const rows = await place.sql<{ entry: string; seq: number | string }>('select entry, seq from orders order by seq');
  return [ids, rows.map(({ entry }) => entry).filter((id) => ids.includes(id))];
}
