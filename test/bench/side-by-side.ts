/*
 * Compares in one command this package with its usual alternatives, with code by hand and with a baseline: checks, HTTP, streams,
 * sweeps, memory, imports and size. Prints tables, and keeps the figures for `npm run bench:aims`.
 *
 *   npm run bench                             prints all tables; ten minutes and 4 GB, on a machine that does nothing else
 *   npm run bench -- --write                  also writes the tables into docs/explanation/performance.md
 *   JIT_BENCH_GRANTS=100000 npm run bench     a quicker look, with no more grants than these
 *   JIT_BENCH_RUNS=1 npm run bench            a quicker look, with fewer runs
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bundleSizes } from './measure/bundles.js';
import { timeChecks } from './measure/checks.js';
import { quantile } from './measure/figure.js';
import { firstCheckUs } from './measure/first-check.js';
import { httpCosts } from './measure/http.js';
import { bytesOfAll } from './measure/memory.js';
import { probe } from './measure/quiet.js';
import { report } from './measure/report.js';
import { beginRun, endRun, figuresOf, type Figures } from './measure/results.js';
import { isSteady, timeImports } from './measure/start-up.js';
import { streamTurns } from './measure/streams.js';
import { timeSweeps } from './measure/sweeps.js';

const MOST = Number(process.env['JIT_BENCH_GRANTS'] ?? 1_000_000);
const RUNS = Number(process.env['JIT_BENCH_RUNS'] ?? 3);
const FEWEST = 1_000;
const MIDDLE = 100_000;
const SIZES = [FEWEST, MIDDLE, 1_000_000].filter((size) => size <= Math.max(FEWEST, MOST));
/** The grants of the tasks of which more grants show nothing else. */
const WHOLE = Math.min(MOST, MIDDLE);
const REQUESTS = 20_000;
const ROUNDS = 3;
const SWEEPS = 11;

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Each in a process of its own, so that none inherits another's heap, or code that was compiled for another. */
const TASKS: Readonly<Record<string, (grants: number) => Promise<Readonly<Record<string, number>>>>> = {
  checks: (grants) => timeChecks(grants, ROUNDS),
  'first check': async (grants) => ({ [`first check/${grants}`]: await firstCheckUs(grants) }),
  sweep: async (grants) => {
    const { sweeps, commits } = await timeSweeps(grants, 2 * SWEEPS);
    // The first half is for the compiler.
    const ratios = sweeps.map((ms, i) => ms / (commits[i] as number)).slice(SWEEPS);
    return { 'sweep/ms': quantile(sweeps.slice(SWEEPS), 0.5), 'sweep/over its commit': quantile(ratios, 0.5) };
  },
  http: () => httpCosts(ROUNDS),
  streams: () => streamTurns(ROUNDS),
  memory: async (grants) => ({ 'bytes/with its request and entries': await bytesOfAll(grants) }),
};

const MARK = 'result: ';

async function inOwnProcess(task: string, grants: number): Promise<Readonly<Record<string, number>>> {
  console.error(`${new Date().toISOString()} ${task}, ${grants.toLocaleString('en')} grants`);
  const args = [...process.execArgv, fileURLToPath(import.meta.url), task, String(grants)];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const line = stdout.split('\n').find((text) => text.startsWith(MARK));
  if (status !== 0 || line === undefined) throw new Error(`${task} at ${grants} ended with ${status}\n${stdout}`);
  await probe();
  return JSON.parse(line.slice(MARK.length)) as Readonly<Record<string, number>>;
}

/** A task with more than {@link MIDDLE} grants takes minutes, so it runs once. */
async function runsOf(task: string, grants: number, prefix = ''): Promise<Figures> {
  const runs = grants > MIDDLE ? 1 : RUNS;
  const found: Readonly<Record<string, number>>[] = [];
  for (let run = 0; run < runs; run++) found.push(await inOwnProcess(task, grants));
  return figuresOf(prefix, found);
}

async function measure(): Promise<void> {
  await beginRun();
  const imports = timeImports();
  const sizes: Figures[] = [];
  for (const grants of SIZES) sizes.push(await runsOf('checks', grants), await runsOf('first check', grants));
  const figures: Figures = Object.assign(
    figuresOf('import/', [imports.ms]),
    figuresOf('kB/', [await bundleSizes(root)]),
    ...sizes,
    await runsOf('sweep', WHOLE),
    await runsOf('memory', Math.min(REQUESTS, WHOLE)),
    await runsOf('http', 1, 'http/'),
    await runsOf('streams', 1, 'streams/'),
  ) as Figures;
  const problem = isSteady(imports)
    ? undefined
    : `The empty file of the imports took ${Math.round(100 * imports.deviation)} % more or less from round to round: they say nothing.`;
  await endRun('npm run bench', figures, report({ figures, runs: RUNS, sizes: SIZES, emptyMs: imports.emptyMs }), problem);
}

const [task = '', grants] = process.argv.slice(2);
if (Object.hasOwn(TASKS, task)) {
  console.log(`${MARK}${JSON.stringify(await TASKS[task]?.(Number(grants)))}`);
  // Cedar and lru-cache leave timers behind.
  process.exit(0);
} else await measure();
