import { timedName, type Timed } from './checks.js';
import { IN_MEMORY, VIEW } from './contestants.js';
import { count, ratio, shown, type Figure } from './figure.js';
import type { Measured } from './report.js';

/** The greatest ratio that each number of live grants may have. */
type Most = Readonly<Record<number, number>>;
const most = (few: number, many: number, million: number): Most => ({ 1_000: few, 100_000: many, 1_000_000: million });

/** The aims of the contestants of this package. */
const CHECKS: readonly { readonly what: string; readonly name: string; readonly timed: Timed; readonly most: Most }[] = [
  {
    what: 'awaited `isAllowed`, yes',
    name: IN_MEMORY.name,
    timed: { way: 'awaited', answer: 'yes or no', kind: 'held', over: 'yes or no' },
    most: most(1.2, 1, 0.8),
  },
  {
    what: 'awaited `check`, yes',
    name: IN_MEMORY.name,
    timed: { way: 'awaited', answer: 'decision', kind: 'held', over: 'yes or no' },
    most: most(1.45, 1.2, 0.95),
  },
  {
    what: 'awaited `isAllowed`, no',
    name: IN_MEMORY.name,
    timed: { way: 'awaited', answer: 'yes or no', kind: 'not held', over: 'yes or no' },
    most: most(1.25, 1.25, 1.25),
  },
  {
    what: 'view, called `isAllowed`, yes',
    name: VIEW.name,
    timed: { way: 'called', answer: 'yes or no', kind: 'held', over: 'yes or no' },
    most: most(1.15, 0.75, 0.6),
  },
  {
    what: 'view, called `check`, yes',
    name: VIEW.name,
    timed: { way: 'called', answer: 'decision', kind: 'held', over: 'yes or no' },
    most: most(1.2, 0.8, 0.6),
  },
  {
    what: 'view, called `isAllowed`, no',
    name: VIEW.name,
    timed: { way: 'called', answer: 'yes or no', kind: 'not held', over: 'yes or no' },
    most: most(1.2, 0.95, 0.9),
  },
];
const VIEW_BYTES = 65;
const VIEW_IMPORT_MS = 1.1;
const VIEW_KILOBYTES = 8;
const SWEEP = 1.5;
const IMPORT_MS = 6;
const BYTES_AT_TEN = 400;
const BYTES_AT_ONE = 600;
/** The budget of the engine with one approver: see .tsup/entries.ts. */
const KILOBYTES = 38;

export const AIM_HEAD = ['aim', 'live grants', 'at most', 'measured', ''] as const;

/** A row for each aim, met or missed. */
export function aimRows({ sizes, memory, importMs, kilobytes }: Measured): string[][] {
  const rows: string[][] = [];
  const aim = (what: string, grants: number | undefined, bound: string, measured: string, isMet: boolean) =>
    rows.push([what, grants === undefined ? '' : count(grants), bound, measured, isMet ? 'met' : '**missed**']);
  const ratioAim = (what: string, grants: number, bound: number | undefined, got: Figure | undefined) => {
    if (bound !== undefined && got !== undefined) aim(what, grants, `${bound.toFixed(2)}x`, ratio(got), got.median <= bound);
  };
  for (const { what, name, timed, most: bounds } of CHECKS) {
    for (const { grants, checks } of sizes) ratioAim(what, grants, bounds[grants], checks.get(name)?.ratios.get(timedName(timed)));
  }
  for (const { grants, sweep } of sizes) ratioAim('sweep of 100 due grants, over its commit alone', grants, SWEEP, sweep);
  const bytesAim = (what: string, bound: number, got: Figure) =>
    aim(what, memory.grants, `${bound} B`, shown(got, count, ' B'), got.median <= bound);
  bytesAim('memory of a live grant, ten a subject', BYTES_AT_TEN, memory.ten.live);
  bytesAim('memory of a live grant, one a subject', BYTES_AT_ONE, memory.one.live);
  const view = sizes.find(({ grants }) => grants === memory.grants)?.checks.get(VIEW.name);
  if (view !== undefined) bytesAim("memory of a grant in a view with `keep: 'nothing'`, ten a subject", VIEW_BYTES, view.bytes);
  const importAim = (what: string, module: string, bound: number) => {
    const got = importMs.get(module);
    if (got !== undefined) {
      aim(`import of ${what}, over an empty module`, undefined, `${bound} ms`, milliseconds(got), got.median <= bound);
    }
  };
  importAim('the core', 'jit-access', IMPORT_MS);
  importAim('the view', 'jit-access/view', VIEW_IMPORT_MS);
  const sizeAim = (what: string, module: string, bound: number) => {
    const kb = kilobytes.get(module) ?? NaN;
    aim(`size of ${what}`, undefined, `${bound} kB`, `${kb.toFixed(1)} kB`, kb <= bound);
  };
  sizeAim('`JitEngine` with one approver', 'jit-access', KILOBYTES);
  sizeAim('`createView`', 'jit-access/view', VIEW_KILOBYTES);
  return rows;
}

export const milliseconds = (figure: Figure): string => shown(figure, (ms) => ms.toFixed(1), ' ms');
