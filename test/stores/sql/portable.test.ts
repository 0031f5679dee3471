import { randomUUID } from 'node:crypto';
import { JitEngine, reviewers, type GrantStore } from 'jit-access';
import { verifyStore } from 'jit-access/journal';
import { purge } from 'jit-access/retention';
import { migrate, schemaSql, sqlGrantStore, type SqlDatabase } from 'jit-access/sql';
import { ManualClock } from 'jit-access/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askedBy } from '../../../src/stores/sql/find.js';
import { readDialect } from '../../../src/stores/sql/options.js';
import type { Statement } from '../../../src/stores/sql/statement.js';
import { statementsOf } from '../../../src/stores/sql/statements.js';
import { atIsolation, kyselyOn, Postgres } from './postgres.js';
import { poolsOfTest } from './pools-of-test.js';

const DAY = 86_400_000;

/** What the documentation of each server refuses, and whether a statement has it. `docs/reference/sql.md` lists them. */
const LIMITS: Readonly<Record<string, (text: string) => boolean>> = {
  'CockroachDB, YugabyteDB: no ctid': (text) => /\bctid\b/.test(text),
  'CockroachDB: two writes of a table in a statement': (text) =>
    (text.match(/\b(?:insert into|delete from|update jit_)/g) ?? []).length > 1,
  'CockroachDB: no comparison of texts with different collations; Aurora DSQL: no COLLATE': (text) => /\bcollate\b/i.test(text),
  'CockroachDB: no LISTEN, no NOTIFY': (text) => /\b(?:listen|notify|pg_notify)\b/.test(text),
  'CockroachDB: no U& strings': (text) => /U&'/.test(text),
  'Aurora DSQL: FOR UPDATE only by the whole key': (text) =>
    / for update/.test(text) && !/from jit_heads where namespace = \$1 for update$/.test(text),
  'Aurora DSQL: only repeatable read': (text) => /isolation level/.test(text),
  'Aurora DSQL: no SAVEPOINT, no PL/pgSQL': (text) => /savepoint|\bdo \$|language/.test(text),
  'a small table: SKIP LOCKED locks what it reads': (text) => /skip locked/.test(text),
  'Aurora DSQL: no setting of a time limit': (text) => /\bset local\b|_timeout\b/.test(text),
  'a function of PostgreSQL alone': (text) => /pg_current_xact/.test(text),
};

const brokenBy = (texts: readonly string[]): readonly string[] =>
  texts.flatMap((text) => Object.entries(LIMITS).flatMap(([limit, isBroken]) => (isBroken(text) ? [`${limit}: ${text}`] : [])));

/** Every statement of a store, each form of `find` and each part of a commit included. */
function textsOf(portable: boolean): readonly string[] {
  const { find, write, begin, writeGuessed, listening, ...rest } = statementsOf(readDialect({ dialect: 'postgres', portable }));
  const isStatement = (value: unknown): value is Statement => typeof (value as { text?: unknown } | undefined)?.text === 'string';
  const finds = [undefined, true, false].flatMap((open) =>
    (['oldest', 'newest', 'due'] as const).flatMap((order) =>
      [{}, { subject: 'user:maya' }, { scope: 'a:b' }, { during: { from: 0, until: 1 } }].map((more) =>
        find(askedBy({ kind: 'grant', open, order, limit: 1, ...more })),
      ),
    ),
  );
  const head = [1, 'hash', 0, 'hash'];
  const row = (id: string) => ['grant', id, 1, null, null, true, 0, null, null, null, null, '{}'];
  const written = { namespace: 'n', remove: ['["grant","g1"]'], put: [row('g2')], append: [[1]], trimTo: 1, head };
  // A portable store never asks for free heads, and sends no notification.
  const { holdFree, ...sent } = rest;
  const never = portable ? [] : [holdFree, ...Object.values(listening ?? {})];
  const guessed = writeGuessed === undefined ? [] : [writeGuessed('[]', [{ ...written, trimTo: 0 }])[0]];
  return [
    ...Object.values<unknown>(sent).filter(isStatement),
    ...never,
    ...finds,
    ...write([written]).map(([statement]) => statement),
    ...guessed,
    begin(1),
  ]
    .map(({ text }) => text)
    .concat(schemaSql('postgres', { portable }).split(';\n'));
}

describe('portable statements of PostgreSQL', () => {
  it('have no form that the documentation of CockroachDB, YugabyteDB or Aurora DSQL refuses', () => {
    expect(textsOf(true).length).toBeGreaterThan(50);
    expect(brokenBy(textsOf(true))).toEqual([]);
  });

  it('are needed: the others have most of those forms', () => {
    const broken = brokenBy(textsOf(false)).join('\n');
    expect(Object.keys(LIMITS).filter((limit) => !broken.includes(limit))).toEqual([
      'CockroachDB: no U& strings',
      'Aurora DSQL: no SAVEPOINT, no PL/pgSQL',
    ]);
  });

  it('need a database that compares text byte by byte', async () => {
    const db: SqlDatabase = {
      withoutPlugins: () => db,
      executeQuery: async () => ({ rows: [{ version: 1, encoding: 'UTF8', has_byte_order: false }] as never[] }),
      connection: () => ({ execute: () => Promise.reject(new Error('nothing is written')) }),
    };
    const on = { db, dialect: 'postgres', namespace: 'payments', portable: true } as const;
    await expect(migrate(on)).rejects.toThrow(/^store\.migrate: portable tables need a database that compares text byte by byte/);
  });

  it('are refused for SQLite', () => {
    expect(() => schemaSql('sqlite', { portable: true })).toThrow(/^portable must be false unless dialect is 'postgres'/);
  });
});

describe('a store with portable statements on PostgreSQL', () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await Postgres.migrated({ portable: true });
  });
  afterAll(() => postgres.stop());
  const pool = poolsOfTest(() => postgres);

  it.each(['read committed', 'repeatable read', 'serializable'] as const)(
    'sends only those, and loses no change of two processes, at %s',
    async (isolation) => {
      const texts = new Set<string>();
      const namespace = randomUUID();
      const clock = new ManualClock();
      const stores = [1, 2].map(() => {
        const one = pool({ connectionString: atIsolation(postgres.url, isolation), max: 4 });
        const db = kyselyOn(one, undefined, ({ query }) => void texts.add(query.sql));
        return sqlGrantStore({ db, dialect: 'postgres', namespace, read: one, portable: true });
      });
      expect(stores.map(({ watch }) => watch)).toEqual([undefined, undefined]);
      const engines = stores.map((store) => new JitEngine({ store, clock, approver: reviewers({ members: ['user:sam'] }) }));
      await Promise.all(
        engines.flatMap((engine, i) =>
          [1, 2, 3, 4].map(async (n) => {
            const { request } = await engine.requestAccess({ subject: `user:${i}.${n}`, scope: 'db-prod:write', ttl: '1h' });
            await engine.approve(request.id, { by: 'user:sam' });
            await engine.revokeAll({ subject: `user:${i}.${n}` }, { by: 'user:sam' });
          }),
        ),
      );
      await clock.advance(400 * DAY);
      await engines[0]?.sweep();
      const report = await purge(engines[0] as JitEngine, { before: clock.now() - 100 * DAY, by: 'user:sam', force: true });
      expect(report).toMatchObject({ grants: 8 });
      expect(await verifyStore(stores[1] as GrantStore)).toMatchObject({ ok: true, differences: [] });
      for (const engine of engines) await engine.close();
      expect([...texts].some((text) => text.includes('for update'))).toBe(true);
      expect(brokenBy([...texts])).toEqual([]);
    },
  );

  it('refuses a database with another order of texts', async () => {
    const name = `jit_${randomUUID().replaceAll('-', '')}`;
    await postgres.sql(`create database ${name} template template0 locale_provider icu icu_locale 'en' locale 'C'`);
    const url = new URL(postgres.url);
    url.pathname = `/${name}`;
    url.search = '';
    const other = postgres.heardPool({ connectionString: url.href });
    const on = { db: kyselyOn(other), dialect: 'postgres', namespace: 'payments', portable: true } as const;
    await expect(migrate(on)).rejects.toThrow(/portable tables need a database that compares text byte by byte/);
    await migrate({ ...on, portable: false });
    await expect(sqlGrantStore(on).journal({ after: 0, limit: 1 })).rejects.toThrow(/portable tables need/);
    await other.end();
    await postgres.sql(`drop database ${name}`);
  });
});
