/*
 * What the stores cost beside their bare drivers, on servers and a file of their own: requests and commits, checks, sweeps, starts.
 * Prints tables, and keeps the figures for `npm run bench:aims`.
 *
 *   npm run bench:stores                                ten minutes, on a machine that does nothing else
 *   npm run bench:stores -- --write                     also writes the tables into docs/explanation/performance.md
 *   JIT_BENCH_GRANTS=1000000 npm run bench:stores       another number of live grants than 100,000
 *   JIT_BENCH_STORES=sqlite,redis npm run bench:stores  some of them: memory, sqlite, postgres, redis
 *   JIT_BENCH_SECONDS=0.3 JIT_BENCH_ROUNDS=1            shorter rates, and fewer
 *   JIT_BENCH_SQLITE=better-sqlite3                     another driver than libsql, where it is installed
 */
import { autoApprove, JitEngine, MemoryGrantStore, type GrantStore } from 'jit-access';
import { startDurable } from '../../stores/durable/servers.js';
import { count, quantile, shown, type Figure } from '../measure/figure.js';
import { probe } from '../measure/quiet.js';
import { beginRun, endRun, type Figures } from '../measure/results.js';
import { markdown } from '../measure/table.js';
import type { Engine, Opened } from './engines/engine.js';
import { postgres } from './engines/postgres.js';
import { redis } from './engines/redis.js';
import { sqlite } from './engines/sqlite.js';
import { asked, askingYes, DUE, fill, HOUR_MS, makeDue, questionsAmong, scopeOf, START, subjectOf } from './measure/grants.js';
import { requestRates, WAYS, type Asked, type Way } from './measure/requests.js';
import { FOLLOWERS, revokesSeen } from './measure/revokes-seen.js';
import { inTurns, median, msOf, perSecond, type Call } from './measure/rounds.js';

const GRANTS = Number(process.env['JIT_BENCH_GRANTS'] ?? 100_000);
const QUESTIONS = 4_096;
const SWEEPS = 5;
const SIZED = 2_000;
const STARTS = 5;
const REVOKES = 200;
const IN_FLIGHT = [1, 8, 64] as const;
const SLOW_MS = 1;

const OPENS: Readonly<Record<string, () => Promise<Engine>>> = { sqlite, postgres, redis };
const chosen = (process.env['JIT_BENCH_STORES'] ?? ['memory', ...Object.keys(OPENS)].join()).split(',');

let figures: Figures = {};
const requests: string[][] = [];
const checks: string[][] = [];
const sweeps: string[][] = [];
const revokes: string[][] = [];
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

async function measureRequests(name: string, asked: Asked, inFlight: number, network = ''): Promise<void> {
  console.error(`${new Date().toISOString()} ${name}: requests, ${inFlight} in flight${network}`);
  const found = await requestRates(asked, inFlight);
  const own = `store/${name}/${inFlight}${network}`;
  const bare = found['bare driver']?.perSecond.median;
  const cell = (way: Way): string => {
    const rate = found[way]?.perSecond;
    if (rate === undefined) return '-';
    const of = bare === undefined || way === 'bare driver' ? '' : `, ${(rate.median / bare).toFixed(2)}x`;
    return `${shown(rate, count, '')}${of}`;
  };
  for (const [way, { perSecond, us: cpu }] of Object.entries(found))
    figures = { ...figures, [`${own}/${way}`]: perSecond, [`${own}/CPU/${way}`]: cpu };
  requests.push([name, `${inFlight}${network}`, ...WAYS.map(cell), cpuOf(found['auto-approved']?.us)]);
}

const cpuOf = (figure: Figure | undefined): string => (figure === undefined ? '-' : shown(figure, count, ' us'));

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

/** Sweeps of DUE grants, and of a hundred. Those that they end are put back, so that each finds the same store. */
async function measureSweeps({ name }: Engine, { store }: Opened) {
  const { engine, move } = engineOn(store);
  const sweep = async (due: number, at: number): Promise<number> => {
    await makeDue(store, 0, due, at);
    move(at);
    return msOf(async () => {
      const { ended } = await engine.sweep();
      if (ended !== due) throw new Error(`${name}: the sweep ended ${ended} of ${due}`);
    });
  };
  const at = (i: number) => START + (10 + i) * HOUR_MS;
  const many: number[] = [];
  const hundred: number[] = [];
  for (let i = 0; i < SWEEPS; i++) {
    many.push(await sweep(DUE, at(2 * i)));
    hundred.push(await sweep(100, at(2 * i + 1)));
  }
  const idle = await inTurns(20, { sweep: () => engine.sweep() });
  // Live again, for what follows.
  await makeDue(store, 0, DUE, START + 24_000 * HOUR_MS);
  await engine.close();
  return [ms(idle.sweep / 1e6), ms(median(hundred)), ms(median(many))];
}

/** From nothing to the first answer, with a connection of its own. */
async function measureStart({ open }: Engine): Promise<string> {
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
  return ms(median(starts));
}

/** Bytes for each granted request, with what people write, made by the engine itself. */
async function measureSize(engine: Engine, store: GrantStore): Promise<string> {
  const before = await engine.bytes();
  const { engine: own } = engineOn(store.in('sized'));
  await perSecond(64, Infinity, SIZED, (i) => own.requestAccess(asked(`user:sized-${i}`)));
  await own.close();
  return `${fixed(((await engine.bytes()) - before) / SIZED)} B`;
}

async function measureRevokes(kind: 'postgres' | 'redis', name: string): Promise<void> {
  const durable = await startDurable(kind, { own: true });
  try {
    const found = await revokesSeen(durable, REVOKES);
    revokes.push([name, ms(median(found)), ms(quantile(found, 0.99))]);
  } finally {
    await durable.stop();
  }
}

async function measureStore(start: () => Promise<Engine>): Promise<void> {
  const engine = await start();
  const { name, setting } = engine;
  try {
    const opened = (await engine.open(0)) as Opened;
    const bytes = await measureSize(engine, opened.store);
    for (const inFlight of IN_FLIGHT) await measureRequests(name, opened, inFlight);
    const slow = await engine.open(SLOW_MS);
    if (slow !== undefined) {
      await measureRequests(name, slow, 64, `, ${SLOW_MS} ms of network`);
      await slow.close();
    }
    console.error(`${new Date().toISOString()} ${name}: ${GRANTS} grants`);
    await fill(opened.store, 0, GRANTS);
    await measureChecks(engine);
    sweeps.push([name, ...(await measureSweeps(engine, opened)), await measureStart(engine), bytes]);
    await opened.close();
    settings.push(`${name}: ${setting}`);
  } finally {
    await engine.close();
  }
}

await beginRun();
for (const name of chosen) {
  if (name === 'memory')
    for (const inFlight of [1, 64]) await measureRequests('memory', { store: new MemoryGrantStore(), write: undefined }, inFlight);
  else await measureStore(OPENS[name] as () => Promise<Engine>);
  await probe();
}
if (chosen.includes('postgres')) await measureRevokes('postgres', 'PostgreSQL');
if (chosen.includes('redis')) await measureRevokes('redis', 'Redis');

await endRun('npm run bench:stores', figures, [
  `${settings.join('; ')}. Client and server share the cores.`,
  '### Requests and commits',
  `A second, in one namespace. Medians, with the lowest and the highest of the rounds; \`0.30x\` is the part of the bare driver in the same rounds. Each call leaves a request, its grant, its subject and their entries.`,
  markdown(['store', 'in flight', ...WAYS, 'CPU of the process, auto-approved'], requests),
  `- **bare driver**: the driver writes the same rows and entries for all calls that wait, in one statement, without the store's checks.
- **commit**: \`store.commit\` of a change that is ready.
- **with a hook**: the same commit, with an \`onCommit\` that inserts one row. Each change has a transaction of its own.
- **auto-approved**: \`engine.requestAccess\`, with \`autoApprove(when, { pure: true })\`.
- **after a review**: \`engine.requestAccess\`, then \`engine.approve\`.`,
  '### Checks in a store',
  `Among ${count(GRANTS)} live grants, each check one question that is answered yes. The bare driver does the same look-up.`,
  markdown(['store', 'way', 'bare driver', '`isAllowed`', 'ratio'], checks),
  '### Sweeps, starts, sizes',
  `Among ${count(GRANTS)} live grants. A start is a new connection, store and engine, to the first answer.`,
  markdown(['store', 'nothing due', '100 due', `${count(DUE)} due`, 'start to first answer', 'a granted request takes'], sweeps),
  '### A revoke in other processes',
  `From the answer of \`revoke\` until the live views of ${FOLLOWERS} other processes deny, of ${REVOKES} revokes.`,
  markdown(['store', 'median', 'p99'], revokes),
]);
