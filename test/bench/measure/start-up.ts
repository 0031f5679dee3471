import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quantile } from './figure.js';
import { USES } from './bundles.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const ROUNDS = 15;
/** The most by which the middle half of the empty files may differ, of their median. */
const STEADY = 0.15;

const EMPTY = 'an empty file';

export interface Imports {
  /** CPU milliseconds of a fresh process, over those of an empty file; the median of rounds. By the name of the import. */
  readonly ms: Readonly<Record<string, number>>;
  /** Of the empty file itself. */
  readonly emptyMs: number;
  /** By how much the middle half of the empty files differs, of their median. */
  readonly deviation: number;
}

export const isSteady = ({ deviation }: Pick<Imports, 'deviation'>): boolean => deviation <= STEADY;

/** Imports each package in a process of its own, and an empty file in each round. */
export function timeImports(): Imports {
  // Inside of the repository, and beside its alternatives, so that Node finds both.
  const folder = join(root, '.tmp/imports');
  mkdirSync(folder, { recursive: true });
  try {
    symlinkSync(join(root, '.ci/bench/node_modules'), join(folder, 'node_modules'), 'junction');
    const times = new Map<string, number[]>([EMPTY, ...Object.keys(USES)].map((name) => [name, []]));
    const files = new Map([...times.keys()].map((name, i) => [name, join(folder, `${i}.mjs`)]));
    for (const [name, file] of files) writeFileSync(file, `${USES[name]?.replace(/^.*from/, 'import') ?? ''}\n${PRINT}`);
    for (let round = 0; round < ROUNDS; round++) for (const [name, file] of files) times.get(name)?.push(cpuMs(file));
    const empty = times.get(EMPTY) as number[];
    const emptyMs = quantile(empty, 0.5);
    times.delete(EMPTY);
    const ms = Object.fromEntries([...times].map(([name, found]) => [name, quantile(found, 0.5) - emptyMs]));
    return { ms, emptyMs, deviation: (quantile(empty, 0.75) - quantile(empty, 0.25)) / emptyMs };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Of the whole process, since it began. */
const PRINT = 'const { user, system } = process.cpuUsage(); console.log((user + system) / 1e3);';

function cpuMs(file: string): number {
  const { stdout, status, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}
