/*
 * How long an upgrade delays the checks and the commits of a running process of the old version, with many rows. The new version has a
 * made-up layout, with a column and an index more. Run by `npm run bench:upgrade`.
 *
 *   JIT_BENCH_ROWS=10000       how many rows; default 1,000,000
 *   JIT_BENCH_OLD=1000         how many of them the contract must rewrite; default 20,000
 *   JIT_BENCH_STORES=sqlite    some of the stores: sqlite, postgres
 */
import pg from 'pg';
import { machine, markdown } from './measure/table.js';
import type { Place } from '../stores/durable/place.js';
import { sqliteDriver } from '../stores/sql/drivers.js';
import { Postgres } from '../stores/sql/postgres.js';
import { SqliteFile } from '../stores/sql/sqlite.js';
import { VersionedProcess, type Load } from '../stores/upgrade/processes.js';

const ROWS = Number(process.env['JIT_BENCH_ROWS'] ?? 1_000_000);
const OLD = Number(process.env['JIT_BENCH_OLD'] ?? 20_000);
const asking = (process.env['JIT_BENCH_STORES'] ?? 'sqlite,postgres').split(',');
/** For how long the load runs without an upgrade, for comparison. */
const ALONE_MS = 5_000;

/** Ended requests of another namespace, each with a body of the usual size. */
const INSERT = (numbers: string, isClosed: string) => `insert into jit_rows
(namespace, kind, id, version, subject, scope, open, created_at, from_at, until_at, due_at, sort_at, layout, body)
select 'filled', 'request', 'r' || n, 2, 'user:' || (n % 1000), null, ${isClosed}, n, null, null, null, null, case when n <= ${OLD} then 1 else 2 end,
  '{"requestedBy":"user:maya","scopes":["db-prod:write"],"ttlMs":900000,"reviewBy":1,"askAgainAt":1,"reviews":[],"justification":"' || n || '"}'
from ${numbers}`;

interface Filled {
  readonly place: Place;
  fill(): Promise<void>;
  stop(): Promise<void> | void;
}

const places: Readonly<Record<string, () => Promise<Filled>>> = {
  async sqlite() {
    const file = new SqliteFile();
    const numbers = `(with recursive c(n) as (select 1 union all select n + 1 from c where n < ${ROWS}) select n from c)`;
    return {
      place: { kind: 'sqlite', where: file.path },
      async fill() {
        const handle = new sqliteDriver(file.path);
        handle.exec(INSERT(numbers, '0'));
        handle.close();
      },
      stop: () => file.remove(),
    };
  },
  async postgres() {
    const postgres = await Postgres.start({ syncs: true });
    return {
      place: { kind: 'postgres', where: postgres.url },
      async fill() {
        const client = new pg.Client(postgres.url);
        await client.connect();
        await client.query(INSERT(`generate_series(1, ${ROWS}) as n`, 'false'));
        await client.query('vacuum analyze jit_rows');
        await client.end();
      },
      stop: () => postgres.stop(),
    };
  },
};

const ms = (value: number): string => `${Math.round(value).toLocaleString('en')} ms`;
const countsOf = ({ checks, commits }: Load): string => `${checks} checks, ${commits} commits`;
const lines: string[][] = [];

for (const kind of asking) {
  const { place, fill, stop } = await (places[kind] as () => Promise<Filled>)();
  const start = (name: 'this' | 'next', seed: number) => VersionedProcess.start({ name, place, namespace: 'payments', seed });
  const old = await start('this', 1);
  const next = await start('next', 2);
  const during = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const loaded = old.tell({ do: 'load' });
    await old.hasDone(20);
    const begun = performance.now();
    const answer = await work();
    const took = performance.now() - begun;
    await old.tell({ do: 'rest' });
    const load = (await loaded) as Load | { readonly code: string };
    if ('code' in load) lines.push([kind, what, ms(took), `refused: ${load.code}`, '', '', JSON.stringify(answer)]);
    else lines.push([kind, what, ms(took), ms(load.longestCheck), ms(load.longestCommit), countsOf(load), JSON.stringify(answer ?? '')]);
  };
  await old.tell({ do: 'migrate' });
  await fill();
  await during('no upgrade', () => new Promise((resolve) => setTimeout(resolve, ALONE_MS)));
  await during('expand', () => next.tell({ do: 'migrate' }));
  // The load of the new version, because the contract ends that of the old one.
  const loaded = next.tell({ do: 'load' });
  const contracting = await start('next', 3);
  await next.hasDone(20);
  const begun = performance.now();
  const report = await contracting.tell({ do: 'migrate', contract: true });
  const took = performance.now() - begun;
  await next.tell({ do: 'rest' });
  const load = (await loaded) as Load;
  lines.push([kind, 'contract', ms(took), ms(load.longestCheck), ms(load.longestCommit), countsOf(load), JSON.stringify(report)]);
  for (const one of [old, next, contracting]) await one.kill();
  await stop();
}

console.log(`${ROWS.toLocaleString('en')} rows, of which ${OLD.toLocaleString('en')} were rewritten. ${machine()}\n`);
console.log(markdown(['store', 'step', 'it took', 'longest check', 'longest commit', 'of', 'report'], lines));
