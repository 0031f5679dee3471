/*
 * What one process costs that serves many namespaces, with one granted request of each in flight. Run by `npm run bench:namespaces`.
 *
 *   JIT_BENCH_NAMESPACES=100   how many namespaces; default 1,000
 *   JIT_BENCH_SECONDS=1        how long each rate is measured; default 2
 *   JIT_BENCH_ROUNDS=1         how many rates, of which the median is shown; default 3
 *   JIT_BENCH_STORES=redis     some of the stores: sqlite, postgres, redis
 */
import { cpus } from 'node:os';
import { autoApprove, JitEngine, type GrantStore } from 'jit-access';
import { machine, markdown } from '../measure/table.js';
import { asked, commitAlone, grantedRequests, makeDue, START } from './measure/grants.js';
import { alternate, medianOf, rateOf, type Rate } from './measure/rates.js';
import { postgresTenants } from './tenants/postgres.js';
import { redisTenants } from './tenants/redis.js';
import { sqliteTenants } from './tenants/sqlite.js';
import type { Tenants } from './tenants/tenants.js';
import { openViews, repeat, Upkeep, type Round } from './tenants/upkeep.js';

const NAMESPACES = Number(process.env['JIT_BENCH_NAMESPACES'] ?? 1_000);
const FOR_MS = 1_000 * Number(process.env['JIT_BENCH_SECONDS'] ?? 2);
const ROUNDS = Number(process.env['JIT_BENCH_ROUNDS'] ?? 3);
/** Commits of one rate: more than any of the stores reaches. */
const MOST = Math.ceil(10 * FOR_MS);
/** As the bench of one namespace has them. */
const IN_FLIGHT = 64;
/** In one namespace of this many something is due. */
const DUE_EACH = 100;
const DUE_AT = START + 60_000;
/** How often the sweeper of such a process passes, and how often a live view polls by default. */
const SWEEP_MS = 10_000;
const POLL_MS = 250;

const opens: Readonly<Record<string, () => Promise<Tenants>>> = { sqlite: sqliteTenants, postgres: postgresTenants, redis: redisTenants };
const asking = (process.env['JIT_BENCH_STORES'] ?? Object.keys(opens).join()).split(',');

const many = `${NAMESPACES.toLocaleString('en')} namespaces`;
const rates: string[][] = [];
const beside: string[][] = [];
const idle: string[][] = [];
const settings: string[] = [];

const whole = (value: number) => (Number.isFinite(value) ? Math.round(value).toLocaleString('en') : '-');
/** Of the server, where it can be read, and of the bench. */
const cpuOf = ({ serverUs, benchUs }: Rate) => benchUs + (Number.isFinite(serverUs) ? serverUs : 0);
const us = (value: number) => (Number.isFinite(value) ? `${whole(value)} us` : '-');
const ratio = (value: number) => `${value.toFixed(2)}x`;

let runs = 0;
const storesOf = (store: GrantStore, name: string) => Array.from({ length: NAMESPACES }, (_, n) => store.in(`${name}-${n}`));

/** Commits to each namespace once. */
async function begun(stores: readonly GrantStore[]): Promise<Upkeep> {
  const [change] = await grantedRequests(1, 'first');
  await Promise.all(stores.map((store) => commitAlone(store, change)));
  for (let n = 0; n < stores.length; n += DUE_EACH) await makeDue(stores[n] as GrantStore, 0, 1, DUE_AT);
  return new Upkeep(stores, DUE_AT);
}

/** A granted request of each store in flight; with fewer stores than lanes, several of each. */
async function committing({ cpuMs }: Tenants, stores: readonly GrantStore[], inFlight = stores.length): Promise<Rate> {
  const changes = await grantedRequests(MOST, `run-${++runs}`);
  const call = (lane: number, i: number) => commitAlone(stores[lane % stores.length] as GrantStore, changes[i]);
  return rateOf({ inFlight, forMs: FOR_MS, most: MOST, cpuMs }, call);
}

async function measureRates(tenants: Tenants, stores: readonly GrantStore[]): Promise<void> {
  const engines = storesOf(tenants.store, 'engine')
    .slice(0, IN_FLIGHT)
    .map((store) => new JitEngine({ store, approver: autoApprove(() => true) }));
  const texts = (await grantedRequests(1_000, 'bare')).map((change) => JSON.stringify(change));
  const options = { inFlight: NAMESPACES, forMs: FOR_MS, most: MOST, cpuMs: tenants.cpuMs };
  const ways = {
    many: () => committing(tenants, stores),
    one: () => committing(tenants, [tenants.store.in('one')], IN_FLIGHT),
    bare: () => {
      const run = ++runs;
      return rateOf(options, (lane, i) => tenants.bareCommit(`bare-${lane}`, `${run}-${i}`, texts[i % 1_000] as string));
    },
    engine: () => {
      const run = ++runs;
      const some = { ...options, inFlight: engines.length };
      return rateOf(some, (lane, i) => (engines[lane] as JitEngine).requestAccess(asked(`user:${run}-${i}`)));
    },
  };
  const found = await alternate(ROUNDS, ways);
  const titles = {
    many: `${many}, 1 in flight each`,
    one: `1 namespace, ${IN_FLIGHT} in flight`,
    bare: `bare driver, a row for each, ${whole(NAMESPACES)} in flight`,
    engine: `${IN_FLIGHT} namespaces, 1 \`requestAccess\` in flight each`,
  };
  for (const [way, title] of Object.entries(titles) as [keyof typeof titles, string][]) {
    const { perSecond, serverUs, benchUs } = medianOf(found[way]);
    rates.push([tenants.name, title, whole(perSecond), ratio(perSecond / medianOf(found.many).perSecond), us(serverUs), us(benchUs)]);
  }
  await Promise.all(engines.map((engine) => engine.close()));
}

/** The rate of the many namespaces, beside what else such a process does. */
async function measureBeside(tenants: Tenants, stores: readonly GrantStore[], upkeep: Upkeep): Promise<void> {
  const alone = () => committing(tenants, stores);
  const during = (round: Round | undefined, everyMs: number) =>
    round &&
    (async () => {
      const work = repeat(round, everyMs);
      const rate = await alone();
      await work.stop();
      return rate;
    });
  const viewing = async () => {
    const close = await openViews(stores);
    const rate = await alone();
    close();
    return rate;
  };
  const quiet = tenants.silent && storesOf(tenants.silent, 'quiet');
  const all = {
    nothing: alone,
    'nothing, and no notice of a commit': quiet && (() => committing(tenants, quiet)),
    'sweeps, `due` of each': during(upkeep.due, SWEEP_MS),
    'sweeps, `dueNamespaces`': during(upkeep.dueNamespaces, SWEEP_MS),
    '`journal` of each': during(upkeep.journals, POLL_MS),
    'live views': viewing,
    'one question `heads`, `journal` of those that moved': upkeep.moved && during(upkeep.moved, POLL_MS),
  };
  const there = Object.entries(all).flatMap(([title, run]) => (run === undefined ? [] : [[title, run] as const]));
  const found = await alternate(ROUNDS, Object.fromEntries(there));
  const first = medianOf(found['nothing'] ?? []);
  for (const [title, rates] of Object.entries(found)) {
    const rate = medianOf(rates);
    const { perSecond } = rate;
    beside.push([
      tenants.name,
      title,
      whole(perSecond),
      ratio(perSecond / first.perSecond),
      us(cpuOf(rate)),
      ratio(cpuOf(rate) / cpuOf(first)),
    ]);
  }
}

/** What a round of each upkeep takes while there are no commits, and how much of the machine it takes at its usual rate. */
async function measureIdle({ name, cpuMs }: Tenants, { due, dueNamespaces, journals, heads }: Upkeep): Promise<void> {
  const all = [
    ['sweep, `due` of each', due, SWEEP_MS],
    ['sweep, `dueNamespaces`', dueNamespaces, SWEEP_MS],
    ['polls, `journal` of each', journals, POLL_MS],
    ['polls, one question `heads`', heads, POLL_MS],
  ] as const;
  for (const [title, round, everyMs] of all) {
    if (round === undefined) continue;
    const run = () => rateOf({ inFlight: 1, forMs: FOR_MS, most: Infinity, cpuMs }, round);
    await run();
    const rate = await run();
    const share = (100 * cpuOf(rate)) / (1_000 * everyMs * cpus().length);
    idle.push([name, title, us(rate.serverUs), us(rate.benchUs), `every ${everyMs.toLocaleString('en')} ms`, `${share.toFixed(2)} %`]);
  }
}

for (const name of asking) {
  const tenants = await (opens[name] as () => Promise<Tenants>)();
  try {
    console.error(`${tenants.name}: ${many}`);
    const stores = storesOf(tenants.store, 'tenant');
    const upkeep = await begun(stores);
    // First, while there are no other namespaces: `dueNamespaces` looks at all of them.
    await measureIdle(tenants, upkeep);
    console.error(`${tenants.name}: rates`);
    await measureRates(tenants, stores);
    console.error(`${tenants.name}: beside upkeep`);
    await measureBeside(tenants, stores, upkeep);
    settings.push(`${tenants.name}: ${tenants.setting}`);
  } finally {
    await tenants.close();
  }
}

const print = (title: string, head: readonly string[], rows: readonly (readonly string[])[]) => {
  console.log(`\n${title}\n\n${markdown(head, rows)}`);
};
print(
  'Granted requests a second, each one commit; the last row asks an engine',
  ['store', 'load', 'a second', 'ratio', 'CPU of the server for each', 'CPU of the bench for each'],
  rates,
);
print(
  `Granted requests a second in ${many}, 1 in flight each, beside other work of the process`,
  ['store', 'beside', 'a second', 'ratio', 'CPU for each', 'ratio'],
  beside,
);
print(
  `A round of upkeep over ${many} without commits; something is due in 1 of ${DUE_EACH}`,
  ['store', 'round', 'CPU of the server', 'CPU of the bench', 'usual rate', `of ${cpus().length} cores`],
  idle,
);
console.log(`\n${[machine(), ...settings].join('; ')}`);
