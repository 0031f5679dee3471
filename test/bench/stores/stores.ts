/*
 * What the stores that outlive a process cost, on servers and a file of their own, with a million live grants. Run by
 * `npm run bench:stores`.
 *
 *   JIT_BENCH_GRANTS=20000 npm run bench:stores     for a quicker look
 *   JIT_BENCH_STORES=sqlite,redis                   some of them: sqlite, postgres, redis
 *   JIT_BENCH_SQLITE=better-sqlite3                 another driver than libsql, where it is installed
 */
import { autoApprove, JitEngine, type GrantStore } from 'jit-access';
import { machine, markdown } from '../measure/table.js';
import type { Engine, Opened } from './engines/engine.js';
import { postgres } from './engines/postgres.js';
import { redis } from './engines/redis.js';
import { sqlite } from './engines/sqlite.js';
import {
  asked,
  askingYes,
  commitAlone,
  DUE,
  fill,
  grantedRequests,
  HOUR_MS,
  makeDue,
  questionsAmong,
  scopeOf,
  START,
  subjectOf,
} from './measure/grants.js';
import { inTurns, median, msOf, perSecond, type Call } from './measure/rounds.js';

const GRANTS = Number(process.env['JIT_BENCH_GRANTS'] ?? 1_000_000);
const FEW = 10_000;
const QUESTIONS = 4_096;
const SWEEPS = 5;
const SIZED = 5_000;
const STARTS = 5;
const COMMITTING_MS = 2_000;
const MOST_COMMITS = 20_000;

const opens: Readonly<Record<string, () => Promise<Engine>>> = { sqlite, postgres, redis };
const asking = (process.env['JIT_BENCH_STORES'] ?? Object.keys(opens).join()).split(',');

const checks: string[][] = [];
const commits: string[][] = [];
const sweeps: string[][] = [];
const settings: string[] = [];

const fixed = (value: number, digits = 0) => value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
const us = (ns: number) => `${fixed(ns / 1_000, 1)} us`;
const ms = (value: number) => `${fixed(value, value < 10 ? 2 : 1)} ms`;

/** An engine on a store, at a clock that is moved by hand. */
function engineOn(store: GrantStore) {
  let now = START + 1;
  const engine = new JitEngine({ approver: autoApprove(() => true), store, clock: { now: () => now } });
  return { engine, move: (to: number) => (now = to) };
}

/** The store, and how many changes with entries it has been given. The hourly row of the engine's configuration has none. */
function counting(store: GrantStore) {
  let commits = 0;
  const counted: GrantStore = {
    namespace: store.namespace,
    durability: store.durability,
    in: (namespace) => store.in(namespace),
    get: (keys) => store.get(keys),
    live: (query) => store.live(query),
    find: (query) => store.find(query),
    due: (query) => store.due(query),
    commit: (change) => ((commits += Math.min(change.append.length, 1)), store.commit(change)),
    journal: (query) => store.journal(query),
  };
  return { store: counted, commits: () => commits };
}

async function measureChecks({ name, ways, calls, bare }: Engine): Promise<void> {
  const questions = questionsAmong(GRANTS, QUESTIONS);
  const engines = Object.entries(ways).map(([way, { store, driver }]) => ({ way, driver, engine: engineOn(store).engine }));
  const timed: Record<string, Call> = { ...(await bare(questions)) };
  for (const { way, engine } of engines) timed[way] = askingYes(engine, questions);
  const times = await inTurns(calls, timed);
  for (const { way, driver, engine } of engines) {
    const [ns = NaN, bareNs = NaN] = [times[way], times[driver]];
    checks.push([name, way, `${us(bareNs)}, \`${driver}\``, us(ns), `${fixed(ns / bareNs, 2)}x`]);
    await engine.close();
  }
}

/** Commits a second, so many at a time. */
async function measureCommits({ name, open }: Engine): Promise<void> {
  for (const delayMs of [0, 1]) {
    const opened = await open(delayMs);
    if (opened === undefined) {
      commits.push([name, `${delayMs} ms`, 'no network', '-', '-', '-']);
      continue;
    }
    const { store, ping, close } = opened;
    const { ping: pingNs } = await inTurns(50, { ping });
    const rates: number[] = [];
    for (const inFlight of [1, 8, 64]) {
      const changes = await grantedRequests(MOST_COMMITS, `c${delayMs}-${inFlight}`);
      rates.push(await perSecond(inFlight, COMMITTING_MS, MOST_COMMITS, (i) => commitAlone(store, changes[i])));
    }
    commits.push([name, `${delayMs} ms`, us(pingNs), ...rates.map((rate) => fixed(rate))]);
    await close();
  }
}

/** Sweeps of DUE grants, and of a hundred. Those that they end are put back, so that each finds the same store. */
async function measureSweeps({ name }: Engine, opened: Opened, grants: number, hour: number) {
  const { store, commits: committed } = counting(opened.store);
  const { engine, move } = engineOn(store);
  const sweep = async (count: number, at: number) => {
    await makeDue(opened.store, 0, count, at);
    move(at);
    const before = committed();
    const took = await msOf(async () => {
      const { ended } = await engine.sweep();
      if (ended !== count) throw new Error(`${name}: the sweep ended ${ended} of ${count} among ${grants}`);
    });
    return { took, commits: committed() - before };
  };
  const at = (i: number) => START + (hour + i) * HOUR_MS;
  const many: number[] = [];
  const batches: number[] = [];
  let commitsOfBatch = 0;
  for (let i = 0; i < SWEEPS; i++) {
    many.push((await sweep(DUE, at(2 * i))).took);
    const batch = await sweep(100, at(2 * i + 1));
    batches.push(batch.took);
    commitsOfBatch = batch.commits;
  }
  const idle = await inTurns(20, { sweep: () => engine.sweep() });
  // Live again, for the next round.
  await makeDue(opened.store, 0, DUE, START + 24_000 * HOUR_MS);
  await engine.close();
  return { many: median(many), batch: median(batches), commitsOfBatch, idle: idle.sweep / 1e6 };
}

/** From nothing to the first answer, with a connection of its own. */
async function measureStart({ open }: Engine): Promise<number> {
  const starts: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const opened: { current?: Opened } = {};
    starts.push(
      await msOf(async () => {
        opened.current = (await open(0)) as Opened;
        const { engine } = engineOn(opened.current.store);
        if (!(await engine.isAllowed(subjectOf(i * 11), scopeOf(i * 11)))) throw new Error('the first check was denied');
      }),
    );
    await opened.current?.close();
  }
  return median(starts);
}

/** Bytes for each granted request, with what people write, made by the engine itself. */
async function measureSize(engine: Engine, store: GrantStore): Promise<number> {
  const before = await engine.bytes();
  const { engine: own } = engineOn(store.in('sized'));
  await perSecond(64, Infinity, SIZED, (i) => own.requestAccess(asked(`user:sized-${i}`)));
  await own.close();
  return ((await engine.bytes()) - before) / SIZED;
}

for (const name of asking) {
  const engine = await (opens[name] as () => Promise<Engine>)();
  try {
    const opened = (await engine.open(0)) as Opened;
    console.error(`${engine.name}: size`);
    const bytes = await measureSize(engine, opened.store);
    console.error(`${engine.name}: ${FEW} grants`);
    await fill(opened.store, 0, Math.min(FEW, GRANTS));
    const few = { ...(await measureSweeps(engine, opened, FEW, 10)), start: await measureStart(engine) };
    console.error(`${engine.name}: ${GRANTS} grants`);
    await fill(opened.store, FEW, GRANTS);
    console.error(`${engine.name}: checks`);
    await measureChecks(engine);
    console.error(`${engine.name}: sweeps, starts`);
    const all = { ...(await measureSweeps(engine, opened, GRANTS, 50)), start: await measureStart(engine) };
    console.error(`${engine.name}: commits`);
    await measureCommits(engine);
    for (const [grants, one] of [[FEW, few] as const, [GRANTS, all] as const]) {
      const batch = `${ms(one.batch)} in ${one.commitsOfBatch} commit${one.commitsOfBatch === 1 ? '' : 's'}`;
      sweeps.push([engine.name, fixed(grants), ms(one.idle), batch, ms(one.many), ms(one.start), `${fixed(bytes)} B`]);
    }
    settings.push(`${engine.name}: ${engine.setting}`);
    await opened.close();
  } finally {
    await engine.close();
  }
}

const print = (title: string, head: readonly string[], rows: readonly (readonly string[])[]) => {
  console.log(`\n${title}\n\n${markdown(head, rows)}`);
};
print(`A check among ${fixed(GRANTS)} live grants`, ['store', 'way', 'bare driver', '`isAllowed`', 'ratio'], checks);
print(
  'Commits a second, each a request with its grant and three entries',
  ['store', 'added latency', 'round trip', 'alone', '8 in flight', '64 in flight'],
  commits,
);
print(
  'Sweeps, starts, sizes',
  ['store', 'live grants', 'nothing due', '100 due', `${fixed(DUE)} due`, 'start to first answer', 'a granted request takes'],
  sweeps,
);
console.log(`\n${[machine(), ...settings].join('; ')}`);
