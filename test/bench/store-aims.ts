/*
 * The aims of this package over servers and files, each measured several times, and whether it is met.
 *
 *   npm run bench:aims                        prints the table; 20 minutes
 *   npm run bench:aims -- --write             also writes the table into docs/explanation/performance.md
 *   JIT_BENCH_GRANTS=20000 npm run bench:aims a quicker look, with no more grants than these
 *   JIT_BENCH_RUNS=1 npm run bench:aims       a quicker look, with fewer runs
 */
import { autoApprove, JitEngine, type GrantStore } from 'jit-access';
import { sqlGrantStore } from 'jit-access/sql';
import { startDurable } from '../stores/durable/servers.js';
import { kyselyOn, Postgres } from '../stores/sql/postgres.js';
import { MadePart } from '../docs/made-part.js';
import { count, figureOf, quantile, shown, type Figure } from './measure/figure.js';
import { machine, markdown } from './measure/table.js';
import type { Engine } from './stores/engines/engine.js';
import { postgres } from './stores/engines/postgres.js';
import { redis } from './stores/engines/redis.js';
import { sqlite } from './stores/engines/sqlite.js';
import { askingYes, commitAlone, fill, grantedRequests, questionsAmong, START } from './stores/measure/grants.js';
import { rateOf } from './stores/measure/rates.js';
import { FOLLOWERS, LOAD, revokesSeen } from './stores/measure/revokes-seen.js';
import { inTurns, type Call } from './stores/measure/rounds.js';
import { serverCpuMs } from './stores/measure/server-cpu.js';

const GRANTS = Number(process.env['JIT_BENCH_GRANTS'] ?? 1_000_000);
const RUNS = Number(process.env['JIT_BENCH_RUNS'] ?? 7);
const REVOKES = 200;
const IN_FLIGHT = 64;
const COMMITTING_MS = 2_000;
/** Changes of one run: more than a store takes in that time. */
const MOST_COMMITS = 20_000;
const QUESTIONS = 4_096;

const SEEN_MS = 50;
const CPU_US = 100;
const OVER_DRIVER_US = 10;
/** At least, by the milliseconds that a network takes. */
const RATES = [
  [0, 8_000],
  [1, 6_000],
] as const;

const rows: string[][] = [];
const settings: string[] = [];

function aim(what: string, where: string, bound: string, measured: string, isMet: boolean): void {
  rows.push([what, where, bound, measured, isMet ? 'met' : '**missed**']);
  console.error(`${new Date().toISOString()} ${where}: ${what}: ${measured}`);
}
const us = (figure: Figure): string => shown(figure, (value) => value.toFixed(1), ' us');
const ms = (figure: Figure): string => shown(figure, (value) => value.toFixed(1), ' ms');

let named = 0;
/** Granted requests of one run, in one namespace. */
async function committing(store: GrantStore, cpuMs: () => Promise<number | undefined>) {
  const changes = await grantedRequests(MOST_COMMITS, `run-${++named}`);
  return rateOf({ inFlight: IN_FLIGHT, forMs: COMMITTING_MS, most: MOST_COMMITS, cpuMs }, (_, i) => commitAlone(store, changes[i]));
}

/**
 * What a granted request costs the server as its namespace grows. Nothing ever gathers statistics, and each connection keeps the
 * plans that it made while the tables were nearly empty.
 */
async function measureServerCpu(): Promise<void> {
  const server = await Postgres.migrated({ own: true, syncs: true });
  try {
    for (const table of ['jit_heads', 'jit_rows', 'jit_journal']) await server.sql(`alter table ${table} set (autovacuum_enabled = false)`);
    const store = sqlGrantStore({ db: kyselyOn(server.pool()), dialect: 'postgres', namespace: 'none', read: server.pool() });
    const cpuMs = () => serverCpuMs(server);
    for (const grants of new Set([1, Math.min(10_000, GRANTS), GRANTS])) {
      const own = store.in(`holds-${grants}`);
      await fill(own, 0, grants);
      const found: number[] = [];
      for (let run = 0; run <= RUNS; run++) {
        const { serverUs } = await committing(own, cpuMs);
        // The first run makes the connections, and at the smallest size the plans.
        if (run > 0) found.push(serverUs);
      }
      const figure = figureOf(found);
      const what = `CPU of the server for a granted request, ${IN_FLIGHT} in flight, among ${count(grants)} row${grants === 1 ? '' : 's'}, never analysed`;
      aim(what, 'PostgreSQL', `at most ${CPU_US} us`, us(figure), figure.median <= CPU_US);
    }
  } finally {
    await server.stop();
  }
}

async function measureRates({ name, open }: Engine): Promise<void> {
  const opened = [];
  for (const [delayMs, least] of RATES) {
    const over = await open(delayMs);
    if (over !== undefined) opened.push({ delayMs, least, ...over, found: [] as number[] });
  }
  // Alternately, so that other load on the machine affects both alike.
  for (let run = 0; run <= RUNS; run++) {
    for (const { store, found } of opened) {
      const { perSecond } = await committing(store, () => Promise.resolve(undefined));
      if (run > 0) found.push(perSecond);
    }
  }
  for (const { delayMs, least, found, close } of opened) {
    const figure = figureOf(found);
    const network = delayMs === 0 ? '' : `, ${delayMs} ms of network`;
    const measured = shown(figure, count, '');
    aim(
      `granted requests a second, one namespace, ${IN_FLIGHT} in flight${network}`,
      name,
      `at least ${count(least)}`,
      measured,
      figure.median >= least,
    );
    await close();
  }
}

/** How much longer a check takes than the same question to the bare driver. */
async function measureChecks({ name, ways, calls, bare }: Engine): Promise<void> {
  const questions = questionsAmong(GRANTS, QUESTIONS);
  const timed: Record<string, Call> = { ...(await bare(questions)) };
  const engines = Object.entries(ways).map(([way, { store, driver }]) => {
    const engine = new JitEngine({ approver: autoApprove(() => true), store, clock: { now: () => START + 1 } });
    timed[way] = askingYes(engine, questions);
    return { way, driver, engine, found: [] as number[] };
  });
  for (let run = 0; run < RUNS; run++) {
    const times = await inTurns(calls, timed);
    for (const { way, driver, found } of engines) found.push(((times[way] ?? NaN) - (times[driver] ?? NaN)) / 1_000);
  }
  for (const { way, engine, found } of engines) {
    const figure = figureOf(found);
    aim(`a check ${way}, over the bare driver`, name, `at most ${OVER_DRIVER_US} us`, us(figure), figure.median <= OVER_DRIVER_US);
    await engine.close();
  }
}

async function measureRevokes(kind: 'postgres' | 'redis', name: string): Promise<void> {
  for (const isLoaded of [false, true]) {
    const found: number[] = [];
    const durable = await startDurable(kind, { own: true });
    try {
      for (let run = 0; run < RUNS; run++) found.push(quantile(await revokesSeen(durable, REVOKES, isLoaded), 0.99));
    } finally {
      await durable.stop();
    }
    const figure = figureOf(found);
    const load = isLoaded ? `, ${LOAD} requests in flight` : '';
    const what = `a revoke is seen by the views of ${FOLLOWERS} other processes, p99 of ${REVOKES}${load}`;
    aim(what, name, `at most ${SEEN_MS} ms`, ms(figure), figure.median <= SEEN_MS);
  }
}

await measureServerCpu();
for (const begin of [postgres, redis, sqlite]) {
  const engine = await begin();
  try {
    if (begin === postgres) await measureRates(engine);
    const opened = await engine.open(0);
    if (opened === undefined) throw new Error(`${engine.name} cannot be opened`);
    await fill(opened.store, 0, GRANTS);
    await measureChecks(engine);
    await opened.close();
    settings.push(`${engine.name}: ${engine.setting}`);
  } finally {
    await engine.close();
  }
}
await measureRevokes('postgres', 'PostgreSQL (pg)');
await measureRevokes('redis', 'Redis (redis)');

const text = `Measured on ${machine()}; ${settings.join('; ')}. Client and server share the cores. Each figure is the median of ${RUNS} runs, with the lowest and the highest of them. Checks are among ${count(GRANTS)} live grants.

${markdown(['aim', 'store', 'bound', 'measured', ''], rows)}`;
console.log(`\n${text}`);
if (process.argv.includes('--write')) await new MadePart('docs/explanation/performance.md', 'npm run bench:aims').write(text);
