import { AIM_HEAD, aimRows, milliseconds } from './aims.js';
import { CONTESTANTS, TIMED, timedName, type Timed, type Way } from './checks.js';
import { LIMIT, type Contestant } from './contestants.js';
import { count, ratio, shown, type Figure } from './figure.js';
import { markdown } from './table.js';

/** The figures of one contestant at one size. */
export interface CheckFigures {
  /** By {@link timedName}. */
  readonly ratios: ReadonlyMap<string, Figure>;
  readonly bytes: Figure;
}

export interface Measured {
  readonly machine: string;
  readonly runs: number;
  readonly sizes: readonly {
    readonly grants: number;
    /** By the contestant's name. */
    readonly checks: ReadonlyMap<string, CheckFigures>;
    /** Over the commit alone. */
    readonly sweep: Figure;
  }[];
  readonly memory: {
    readonly grants: number;
    readonly ten: { readonly live: Figure; readonly checked: Figure };
    readonly one: { readonly live: Figure; readonly checked: Figure };
    readonly whole: Figure;
  };
  /** Milliseconds over an empty module. */
  readonly importMs: ReadonlyMap<string, Figure>;
  /** The import, over that of `jit-access`. */
  readonly imports: ReadonlyMap<string, Figure>;
  readonly kilobytes: ReadonlyMap<string, number>;
}

/** All tables, as Markdown. */
export function report(measured: Measured): string {
  const { machine, runs, sizes } = measured;
  return [
    `Measured on ${machine}. Each figure is the median of ${runs} runs, with the lowest and the highest of them. Each run is a process of its own. Times are CPU times.`,
    '### The aims',
    markdown(AIM_HEAD, aimRows(measured)),
    '### What enforces expiry',
    markdown(
      ['contestant', 'mechanism'],
      CONTESTANTS.map(({ name, expiry }) => [name, expiry]),
    ),
    '### Checks, awaited',
    'Each ratio is over LIMIT in an async function, unless its row says otherwise. A contestant without an async function of its own is called in one.',
    checkTable('awaited', measured),
    '### Checks, called',
    'Each ratio is over LIMIT, without a promise.',
    checkTable('called', measured),
    omissions(sizes.map(({ grants }) => grants)),
    '### Sweeps',
    'A sweep ends a hundred due grants among the live ones. The ratio is over its commit alone: the same rows and entries with their digests, into a namespace that holds nothing else.',
    markdown(
      ['live grants', 'sweep of 100 due grants'],
      sizes.map(({ grants, sweep }) => [count(grants), ratio(sweep)]),
    ),
    '### Memory',
    'Bytes for each grant, ten a subject, with everything that the contestant holds.',
    memoryTable(measured),
    markdown(['a grant of jit-access, in memory', 'live grants', 'bytes'], memoryRows(measured)),
    '### Start-up and size',
    'Imports in fresh processes, less that of an empty file. Sizes minified and gzipped, with all files that must be shipped.',
    markdown(['package', 'import', 'size'], importRows(measured)),
  ].join('\n\n');
}

function checkTable(way: Way, { sizes }: Measured): string {
  const rows = CONTESTANTS.flatMap((contestant) =>
    TIMED.filter((timed) => timed.way === way).flatMap((timed) => {
      const figures = sizes.map(({ checks }) => checks.get(contestant.name)?.ratios.get(timedName(timed)));
      if (figures.every((figure) => figure === undefined)) return [];
      return [[nameOf(contestant), answerOf(timed), ...figures.map((figure) => (figure === undefined ? '-' : ratio(figure)))]];
    }),
  );
  return markdown(['contestant', 'answer', ...sizes.map(({ grants }) => `${count(grants)} live`)], rows);
}

const nameOf = (contestant: Contestant): string => (contestant === LIMIT ? `${LIMIT.name}, over itself` : contestant.name);

function answerOf({ answer, kind, over }: Timed): string {
  const words = { held: 'yes', 'not held': 'no', unknown: 'no, subject unknown' }[kind];
  if (answer === 'yes or no') return words;
  return `decision: ${words}${over === 'decision' ? '; over LIMIT with a decision' : ''}`;
}

/** Why cells of the tables are empty. */
function omissions(sizes: readonly number[]): string {
  const reasons = CONTESTANTS.flatMap(({ name, most: bound }) => {
    const without = sizes.filter((grants) => bound !== undefined && grants > bound[0]);
    return bound === undefined || without.length === 0 ? [] : [`${name} at ${without.map(count).join(' and ')} (${bound[1]})`];
  });
  return reasons.length === 0 ? 'No contestant is omitted.' : `Omitted: ${reasons.join('; ')}.`;
}

const bytes = (figure: Figure): string => shown(figure, count, ' B');

function memoryTable({ sizes }: Measured): string {
  const rows = CONTESTANTS.map(({ name }) => [
    name,
    ...sizes.map(({ checks }) => {
      const figures = checks.get(name);
      return figures === undefined ? '-' : bytes(figures.bytes);
    }),
  ]);
  return markdown(['contestant', ...sizes.map(({ grants }) => `${count(grants)} live`)], rows);
}

function memoryRows({ memory: { grants, ten, one, whole } }: Measured): string[][] {
  return [
    ['live: record, indexes and expiry; ten a subject', count(grants), bytes(ten.live)],
    ['the same, after a check of each', count(grants), bytes(ten.checked)],
    ['live: record, indexes and expiry; one a subject', count(grants), bytes(one.live)],
    ['the same, after a check of each', count(grants), bytes(one.checked)],
    ['with its request and its three journal entries; ten a subject', count(grants), bytes(whole)],
  ];
}

function importRows({ importMs, imports, kilobytes }: Measured): string[][] {
  return [...importMs].map(([name, ms]) => {
    const over = imports.get(name);
    const time = name.startsWith('jit-access') || over === undefined ? milliseconds(ms) : `${ratio(over)} of jit-access`;
    return [`\`${name}\``, time, `${(kilobytes.get(name) ?? NaN).toFixed(1)} kB`];
  });
}
