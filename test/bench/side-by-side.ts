/*
 * Compares in one command this package, its usual alternatives and a baseline: the check, the decision, the sweep, memory,
 * start-up and size. Prints ratios with their spread, and for every aim whether it is met.
 *
 *   npm run bench                             prints all tables; an hour and a half, and 4 GB
 *   npm run bench -- --write                  also writes the tables into docs/explanation/performance.md
 *   JIT_BENCH_GRANTS=100000 npm run bench     a quicker look, with no more grants than these
 *   JIT_BENCH_RUNS=1 npm run bench            a quicker look, with fewer runs
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MadePart } from '../docs/made-part.js';
import { bundleSizes } from './measure/bundles.js';
import { timeChecks, type CheckRun } from './measure/checks.js';
import { EVALUATION_STORES, evaluationRates, evaluationRatios, type EvaluationRate } from './measure/evaluations.js';
import { figureOf, quantile, type Figure } from './measure/figure.js';
import { httpCosts, httpLines, strangerLine, strangerRatio } from './measure/http.js';
import { bytesOfAll, bytesOfLive } from './measure/memory.js';
import { report, type CheckFigures, type Measured } from './measure/report.js';
import { timeImports } from './measure/start-up.js';
import { timeSweeps } from './measure/sweeps.js';
import { machine } from './measure/table.js';

const FEWEST = 1_000;
const MOST = Math.max(FEWEST, Number(process.env['JIT_BENCH_GRANTS'] ?? 1_000_000));
const RUNS = Number(process.env['JIT_BENCH_RUNS'] ?? 7);
/** Rounds of each run. */
const ROUNDS = 5;
const CHECK_ROUNDS = 3;
const SWEEPS = 11;
const SIZES = [FEWEST, 100_000, 1_000_000].filter((size) => size <= MOST);
/** The grants of the tasks that take minutes with a million, where a million shows nothing else. */
const WHOLE = Math.min(MOST, 100_000);

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Each in a process of its own, so that none inherits another's heap, or code that was compiled for another. */
const TASKS = {
  checks: (grants: number): Promise<readonly CheckRun[]> => timeChecks(grants, CHECK_ROUNDS),
  sweeps: async (grants: number) => {
    const { sweeps, commits } = await timeSweeps(grants, 2 * SWEEPS);
    // The first half is for the compiler.
    return median(sweeps.map((ms, i) => ms / (commits[i] as number)).slice(SWEEPS));
  },
  http: () => httpCosts(ROUNDS),
  'HTTP strangers': () => strangerRatio(ROUNDS),
  evaluations: async () => {
    const rates: EvaluationRate[] = [];
    for (const name of EVALUATION_STORES) rates.push(...(await evaluationRates(name, 2 * ROUNDS)));
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
  console.error(`${new Date().toISOString()} ${task}, ${grants.toLocaleString('en')} grants`);
  const args = [...process.execArgv, fileURLToPath(import.meta.url), task, String(grants)];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const line = stdout.split('\n').find((text) => text.startsWith(MARK));
  if (status !== 0 || line === undefined) throw new Error(`${task} at ${grants} ended with ${status}\n${stdout}`);
  return JSON.parse(line.slice(MARK.length)) as Result<T>;
}

const median = (values: readonly number[]): number => quantile(values, 0.5);

function runsOf<T extends Task>(task: T, grants: number): readonly Result<T>[] {
  return Array.from({ length: RUNS }, () => inOwnProcess(task, grants));
}

async function measure(): Promise<Measured> {
  const imports = Array.from({ length: RUNS }, () => timeImports(ROUNDS));
  return {
    machine: machine(),
    runs: RUNS,
    sizes: SIZES.map((grants) => ({
      grants,
      checks: checkFigures(runsOf('checks', grants)),
      sweep: figureOf(runsOf('sweeps', grants)),
    })),
    memory: {
      grants: WHOLE,
      ten: memoryFigures(runsOf('memory at ten', WHOLE)),
      one: memoryFigures(runsOf('memory at one', WHOLE)),
      whole: figureOf(runsOf('memory in all', WHOLE)),
    },
    importMs: importFigures(imports, (ms) => ms),
    imports: importFigures(imports, (ms, core) => ms / core),
    kilobytes: await bundleSizes(root),
  };
}

function checkFigures(runs: readonly (readonly CheckRun[])[]): ReadonlyMap<string, CheckFigures> {
  const figures = new Map<string, CheckFigures>();
  for (const { name, ratios } of runs[0] as readonly CheckRun[]) {
    const own = runs.flatMap((run) => run.filter((other) => other.name === name));
    figures.set(name, {
      ratios: new Map(Object.keys(ratios).map((key) => [key, figureOf(own.map((run) => run.ratios[key] as number))])),
      bytes: figureOf(own.map(({ bytes }) => bytes)),
    });
  }
  return figures;
}

const memoryFigures = (runs: readonly { readonly live: number; readonly checked: number }[]) => ({
  live: figureOf(runs.map(({ live }) => live)),
  checked: figureOf(runs.map(({ checked }) => checked)),
});

function importFigures(
  runs: readonly ReadonlyMap<string, number>[],
  valueOf: (ms: number, core: number) => number,
): ReadonlyMap<string, Figure> {
  const names = [...(runs[0] as ReadonlyMap<string, number>).keys()];
  return new Map(
    names.map((name) => [name, figureOf(runs.map((run) => valueOf(run.get(name) as number, run.get('jit-access') as number)))]),
  );
}

const [task, grants] = process.argv.slice(2);
if (task !== undefined && Object.hasOwn(TASKS, task)) {
  console.log(`${MARK}${JSON.stringify(await TASKS[task as Task](Number(grants)))}`);
  // Cedar and lru-cache leave timers behind.
  process.exit(0);
} else {
  const tables = report(await measure());
  console.log(tables);
  if (process.argv.includes('--write')) await new MadePart('docs/explanation/performance.md', 'npm run bench').write(tables);
  console.log(httpLines(runsOf('http', 1)));
  console.log(strangerLine(runsOf('HTTP strangers', 1)));
  console.log(`Evaluations in process, without a server; one run, medians and quartiles of its rounds\n`);
  console.log(evaluationRatios(inOwnProcess('evaluations', 1)));
}
