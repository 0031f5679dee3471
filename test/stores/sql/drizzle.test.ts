import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { OnCommit } from 'jit-access/sql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isRequired } from '../../required.js';
import { asking, bothSides, hooked, postgresPlace, sqlitePlace, type HookPlace } from './hooked.js';

// npm ci does not install it, because it is for this file alone. `.ci/run` does.
const beside = join(process.cwd(), '.ci/drivers/node_modules');
const LEFT_OUT = 'drizzle-orm is missing: npm ci --prefix .ci/drivers installs it';

/** The parts of Drizzle that this file uses. Its types are not installed beside those of the project. */
type Proxy = (
  call: (text: string, values: unknown[], method: 'all' | 'execute' | 'run' | 'get' | 'values') => Promise<{ rows: unknown[] }>,
) => {
  insert(table: unknown): { values(rows: readonly object[]): Promise<unknown> };
  select(): { from(table: unknown): Promise<readonly Readonly<Record<string, unknown>>[]> };
};
type Column = { primaryKey(): Column; notNull(): Column };
interface Columns {
  table(name: string, columns: object): unknown;
  text(name: string): Column;
  integer(name: string): Column;
}

const load = (path: string): Readonly<Record<string, unknown>> =>
  createRequire(join(beside, 'index.js'))(path) as Readonly<Record<string, unknown>>;

const DIALECTS = {
  PostgreSQL: { proxy: 'drizzle-orm/pg-proxy', core: 'drizzle-orm/pg-core', table: 'pgTable' },
  SQLite: { proxy: 'drizzle-orm/sqlite-proxy', core: 'drizzle-orm/sqlite-core', table: 'sqliteTable' },
} as const;

/** The hook of the page, over the table of {@link postgresPlace}. It also reads its rows back, as a list of objects. */
function drizzleHook(name: keyof typeof DIALECTS, found: unknown[]): OnCommit {
  const { proxy, core, table } = DIALECTS[name];
  const drizzle = load(proxy)['drizzle'] as Proxy;
  const { [table]: make, text, integer } = load(core) as unknown as Columns & Record<string, Columns['table']>;
  const columns = { entry: text('entry').primaryKey(), seq: integer('seq').notNull(), hash: text('hash'), type: text('type') };
  const orders = (make as Columns['table'])('orders', columns);
  return async ({ entries }, trx) => {
    const orm = drizzle(async (sql, values, method) => {
      const rows = await trx.query(sql, values);
      return { rows: method === 'all' ? rows.map((row) => Object.values(row)) : [...rows] };
    });
    await orm.insert(orders).values(entries.map(({ id, seq, hash, type }) => ({ entry: id, seq, hash, type })));
    found.push(...(await orm.select().from(orders)));
  };
}

const places: Record<string, HookPlace> = {};

if (existsSync(join(beside, 'drizzle-orm'))) {
  beforeAll(async () => {
    places['PostgreSQL'] = await postgresPlace();
    places['SQLite'] = await sqlitePlace();
  });
  afterAll(async () => {
    for (const place of Object.values(places)) await place.close();
  });

  it.each(['PostgreSQL', 'SQLite'] as const)(
    'onCommit runs statements of Drizzle on %s, in the transaction of the change',
    async (name) => {
      const place = places[name] as HookPlace;
      const found: unknown[] = [];
      const { engine, store } = hooked(place, { onCommit: drizzleHook(name, found) });
      const { request } = await engine.requestAccess(asking('a'));
      await engine.approve(request.id, { by: 'user:sam' });
      const [journal, rows] = await bothSides(place, store);
      expect(journal.length).toBeGreaterThan(2);
      expect(rows).toEqual(journal);
      expect(found).toContainEqual(expect.objectContaining({ entry: journal[0], type: 'request.created' }));
    },
  );
} else {
  it(`onCommit runs statements of Drizzle is skipped: ${LEFT_OUT}`, () => {
    if (isRequired('better-sqlite3')) throw new Error(`JIT_TEST_REQUIRE demands .ci/drivers: ${LEFT_OUT}`);
  });
}
