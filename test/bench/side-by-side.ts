/*
 * Compares in one run this package, its usual alternatives and a baseline: the check, the decision, the sweep, memory,
 * start-up and size. Prints for every aim whether it is met.
 *
 *   npm run bench                             prints all tables; about ten minutes, and 4 GB
 *   npm run bench -- --write                  also writes the tables into docs/explanation/performance.md
 *   JIT_BENCH_GRANTS=100000 npm run bench     a quicker look, with no more grants than these
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MadePart } from '../docs/made-part.js';
import { bundleSizes } from './measure/bundles.js';
import { quantile, timeChecks, type CheckTimes } from './measure/checks.js';
import { EVALUATION_STORES, evaluationRates, evaluationTable, type EvaluationRate } from './measure/evaluations.js';
import { AIM_MS, GAP_STORES } from './measure/gaps.js';
import { httpCosts, httpLines, strangerLine, strangerTimes } from './measure/http.js';
import { bytesOfAll, bytesOfLive } from './measure/memory.js';
import { report, type Measured } from './measure/report.js';
import { timeImports } from './measure/start-up.js';
import { timeSweeps } from './measure/sweeps.js';
import { machine } from './measure/table.js';

const MOST = Number(process.env['JIT_BENCH_GRANTS'] ?? 1_000_000);
const ROUNDS = 11;
const SIZES = [1, 1_000, 100_000, 1_000_000].filter((size) => size <= MOST);
/** With the journal, a million takes minutes to write, and each of them weighs the same. */
const WHOLE = Math.min(MOST, 100_000);

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Each in a process of its own, so that none inherits another's heap, or what was compiled for another. */
const TASKS = {
  checks: (grants: number): Promise<readonly CheckTimes[]> => timeChecks(grants, ROUNDS),
  sweeps: async (grants: number) => {
    const { sweeps, commits } = await timeSweeps(grants, 2 * ROUNDS);
    // The first half is for the compiler.
    const [late, known] = [sweeps.slice(ROUNDS), commits.slice(ROUNDS)];
    const ratios = late.map((ms, i) => ms / (known[i] as number));
    return { ms: quantile(late, 0.5), ratio: quantile(ratios, 0.5), low: quantile(ratios, 0.25), high: quantile(ratios, 0.75) };
  },
  'gaps in memory': GAP_STORES.memory,
  'gaps on SQLite': GAP_STORES.sqlite,
  http: () => httpCosts(ROUNDS),
  'HTTP strangers': () => strangerTimes(ROUNDS),
  evaluations: async () => {
    const rates: EvaluationRate[] = [];
    for (const name of EVALUATION_STORES) rates.push(...(await evaluationRates(name, ROUNDS)));
    return rates;
  },
  'memory at ten': (grants: number) => bytesOfLive(grants, 10),
  'memory at one': (grants: number) => bytesOfLive(grants, 1),
  'memory in all': (grants: number) => bytesOfAll(grants),
} as const;
type Task = keyof typeof TASKS;
type Result<T extends Task> = Awaited<ReturnType<(typeof TASKS)[T]>>;

const MARK = 'result: ';

function inOwnProcess<T extends Task>(task: T, grants: number): Result<T> {
  console.error(`${task}, ${grants.toLocaleString('en')} grants`);
  const args = [...process.execArgv, fileURLToPath(import.meta.url), task, String(grants)];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const line = stdout.split('\n').find((text) => text.startsWith(MARK));
  if (status !== 0 || line === undefined) throw new Error(`${task} at ${grants} ended with ${status}\n${stdout}`);
  return JSON.parse(line.slice(MARK.length)) as Result<T>;
}

async function measure(): Promise<Measured> {
  const large = Math.max(...SIZES);
  return {
    machine: machine(),
    sizes: SIZES.map((grants) => ({ grants, checks: inOwnProcess('checks', grants), sweep: inOwnProcess('sweeps', grants) })),
    memory: {
      grants: large,
      ten: inOwnProcess('memory at ten', large),
      one: inOwnProcess('memory at one', large),
      whole: { grants: WHOLE, bytes: inOwnProcess('memory in all', WHOLE) },
    },
    importMs: timeImports(15),
    kilobytes: await bundleSizes(root),
  };
}

/** How long a sweep of grants that are all due, and the purge of them, keep timers and I/O waiting at most. */
function gaps(): string {
  const lines = (['gaps in memory', 'gaps on SQLite'] as const).map((task) => {
    const { sweep, purge } = inOwnProcess(task, WHOLE);
    return `${task}, ${WHOLE.toLocaleString('en')} grants: sweep ${sweep.toFixed(1)} ms, purge ${purge.toFixed(1)} ms`;
  });
  return [`Longest time without a turn of the event loop (aim: ${AIM_MS} ms)`, ...lines].join('\n');
}

const [task, grants] = process.argv.slice(2);
if (task !== undefined && Object.hasOwn(TASKS, task)) {
  console.log(`${MARK}${JSON.stringify(await TASKS[task as Task](Number(grants)))}`);
  // Cedar and lru-cache leave timers behind.
  process.exit(0);
} else {
  const tables = report(await measure());
  console.log(tables);
  console.log(gaps());
  console.log(httpLines(inOwnProcess('http', 1)));
  console.log(strangerLine(inOwnProcess('HTTP strangers', 1)));
  console.log(`Evaluations in process, without a server\n\n${evaluationTable(inOwnProcess('evaluations', 1))}`);
  if (process.argv.includes('--write')) await new MadePart('docs/explanation/performance.md', 'npm run bench').write(tables);
}
