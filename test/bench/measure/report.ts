import type { CheckTimes, Timing } from './checks.js';
import { LIMIT, OURS } from './contestants.js';
import { markdown } from './table.js';

export interface Measured {
  readonly machine: string;
  readonly sizes: readonly {
    readonly grants: number;
    readonly checks: readonly CheckTimes[];
    readonly sweep: { readonly ms: number; readonly ratio: number; readonly low: number; readonly high: number };
  }[];
  readonly memory: {
    readonly grants: number;
    readonly ten: { readonly live: number; readonly checked: number };
    readonly one: { readonly live: number; readonly checked: number };
    readonly whole: { readonly grants: number; readonly bytes: number };
  };
  readonly importMs: ReadonlyMap<string, number>;
  readonly kilobytes: ReadonlyMap<string, number>;
}

/** The budget for the engine with one approver, in kilobytes: the first row of test/figures/sizes.json. */
const BUDGET_KB = 38;

/** All tables, as Markdown. */
export function report(measured: Measured): string {
  const { machine } = measured;
  return [
    `Measured on ${machine}. Ratios and times are medians; ± is half the span of the middle half of the rounds.`,
    '### The aims',
    markdown(['aim', 'at most', 'measured', ''], aims(measured)),
    '### Checks',
    'A call beside two nested `Map`s and a look at the clock; what is awaited beside an `async` function around them. Ten grants a subject, each on a scope of its own, all of them held.',
    ...measured.sizes.map(({ grants, checks }) =>
      markdown([`${count(grants)} live`, 'called', 'awaited', 'with its decision', 'who keeps the time', 'memory'], checks.map(checkRow)),
    ),
    '### Sweeps',
    'A hundred grants have ended, among so many that have not; beside it the commit alone of the same hundred, with their entries and digests, into a store that holds nothing else.',
    markdown(
      ['live grants', 'sweep of 100 due', 'beside its commit alone'],
      measured.sizes.map(({ grants, sweep }) => [
        count(grants),
        `${sweep.ms.toFixed(1)} ms`,
        `${times(sweep.ratio)} (${times(sweep.low)} to ${times(sweep.high)})`,
      ]),
    ),
    '### Memory',
    markdown(['what', 'bytes'], memoryRows(measured)),
    '### Start-up and size',
    'Beyond the import of an empty module, in a fresh process; minified and gzipped, with what has to be shipped along.',
    markdown(
      ['package', 'import', 'size'],
      [...measured.importMs].map(([name, ms]) => [
        `\`${name}\``,
        `${ms.toFixed(1)} ms`,
        `${(measured.kilobytes.get(name) ?? NaN).toFixed(1)} kB`,
      ]),
    ),
  ].join('\n\n');
}

function aims({ sizes, memory, importMs, kilobytes }: Measured): string[][] {
  const rows: string[][] = [];
  const aim = (what: string, bound: number, got: number | undefined, shown: (value: number) => string, noise = '') => {
    if (got !== undefined) rows.push([what, shown(bound), `${shown(got)}${noise}`, got <= bound ? 'met' : 'missed']);
  };
  for (const { grants, checks } of sizes) {
    const ours = checks.find(({ name }) => name === OURS.name);
    const bound = grants > 100_000 ? 2.2 : 1.6;
    aim(`\`isAllowed\`, ${count(grants)} live`, bound, ours?.awaited?.ratio, times, noiseOf(ours?.awaited));
    aim(`\`check\` with its decision, ${count(grants)} live`, Math.max(bound, 1.8), ours?.decided?.ratio, times, noiseOf(ours?.decided));
  }
  for (const { grants, sweep } of sizes) aim(`sweep of 100 due, ${count(grants)} live`, 2, sweep.ratio, times);
  aim('a live grant, ten a subject', 400, memory.ten.live, bytes);
  aim('a live grant, one a subject', 600, memory.one.live, bytes);
  aim('importing `jit-access`, beyond an empty module', 3, importMs.get('jit-access'), (ms) => `${ms.toFixed(1)} ms`);
  aim('`JitEngine` with one approver', BUDGET_KB, kilobytes.get('jit-access'), (kb) => `${kb.toFixed(1)} kB`);
  return rows;
}

function checkRow({ name, time, call, awaited, decided, bytes: held, leftOut }: CheckTimes): string[] {
  const shown = (timing: Timing | undefined, isLimit = name === LIMIT.name) =>
    timing === undefined ? '' : isLimit ? duration(timing.ns) : `${times(timing.ratio)}${noiseOf(timing)}, ${duration(timing.ns)}`;
  if (leftOut !== undefined) return [name, 'left out: ' + leftOut, '', '', time, ''];
  return [name, shown(call), shown(awaited), shown(decided), time, Number.isFinite(held) ? bytes(held) : ''];
}

function memoryRows({ memory: { grants, ten, one, whole } }: Measured): string[][] {
  return [
    [`a live grant with record, indexes and expiry; ten a subject, ${count(grants)} live`, bytes(ten.live)],
    ['the same, each of them checked once: the store keeps what it was decoded to', bytes(ten.checked)],
    [`a live grant with record, indexes and expiry; one a subject, ${count(grants)} live`, bytes(one.live)],
    ['the same, each of them checked once', bytes(one.checked)],
    [
      `the whole footprint of a grant: with its request and its three entries in the journal; ten a subject, ${count(whole.grants)} live`,
      bytes(whole.bytes),
    ],
  ];
}

const count = (grants: number): string => grants.toLocaleString('en');
const times = (ratio: number): string => `${ratio < 100 ? ratio.toFixed(2) : count(Math.round(ratio))}x`;
const bytes = (held: number): string => `${count(Math.round(held))} B`;
const noiseOf = (timing: Timing | undefined): string => (timing === undefined ? '' : ` ± ${Math.round(timing.noise * 100)} %`);
const duration = (ns: number): string =>
  ns < 10_000 ? `${ns.toFixed(0)} ns` : ns < 10_000_000 ? `${(ns / 1e3).toFixed(0)} µs` : `${(ns / 1e6).toFixed(0)} ms`;
