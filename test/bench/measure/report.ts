import { USES } from './bundles.js';
import { bytesName, checkName, CONTESTANTS, TIMED, type Timed, type Way } from './checks.js';
import type { Contestant } from './contestants.js';
import { count, ratio, shown, type Figure } from './figure.js';
import { hasCerbos } from './cerbos.js';
import { OPERATIONS, SERVERS } from './http.js';
import type { Figures } from './results.js';
import { ASKS, STREAM_CASES } from './streams.js';
import { markdown } from './table.js';

export interface Run {
  readonly figures: Figures;
  readonly runs: number;
  /** Numbers of live grants. */
  readonly sizes: readonly number[];
  /** CPU time of a process that runs an empty file. */
  readonly emptyMs: number;
}

/** All tables, as Markdown. */
export function report(run: Run): readonly string[] {
  const { figures, runs, sizes, emptyMs } = run;
  return [
    `Times are CPU times. Each figure is the median of ${runs} run${runs === 1 ? '' : 's'}, with the lowest and the highest of them; a figure without these is of one run. Each run is a process of its own.`,
    '### Checks, awaited',
    'Over LIMIT in an async function. A contestant without an async function of its own is called in one.',
    checkTable('awaited', run),
    '### Checks, called',
    'Over LIMIT, without a promise.',
    checkTable('called', run),
    omissions(sizes),
    'The first `engine.check` of a grant decodes its row, and waits for memory:',
    markdown(
      ['live grants', 'first check'],
      sizes.map((grants) => [count(grants), us(figures[`first check/${grants}`])]),
    ),
    '### What enforces expiry',
    markdown(
      ['contestant', 'mechanism'],
      CONTESTANTS.map(({ name, expiry }) => [name, expiry]),
    ),
    '### HTTP',
    `CPU of the server for each call, over \`node:http\`, with 16 connections.${hasCerbos ? '' : ' Cerbos is left out: `npm ci --prefix .ci/cerbos` installs it.'}`,
    httpTable(figures),
    '### Event streams',
    'The longest turn of the event loop of a server with 1,000 open streams. Each ask is approved, without a pause in between.',
    markdown(
      ['events', ...ASKS.map((times) => `${times} asked and approved`)],
      Object.keys(STREAM_CASES).map((name) => [name, ...ASKS.map((times) => ms(figures[`streams/${name}/${times}`]))]),
    ),
    '### Sweep',
    'A sweep ends a hundred due grants among a hundred thousand live ones. Its commit alone: the same rows and entries with their digests, into a namespace that holds nothing else.',
    markdown(['sweep', 'over its commit alone'], [[ms(figures['sweep/ms']), times(figures['sweep/over its commit'])]]),
    '### Memory',
    'Bytes for each live grant, ten a subject, with everything that the contestant holds.',
    memoryTable(run),
    '### Imports and size',
    `CPU time of a fresh process over that of an empty file, which took ${emptyMs.toFixed(1)} ms in the same rounds. Sizes minified and gzipped, with all files that must be shipped.`,
    markdown(['package', 'import', 'size'], importRows(figures)),
  ];
}

const NONE = '-';
const cell = (print: (figure: Figure) => string) => (figure: Figure | undefined) => (figure === undefined ? NONE : print(figure));
const times = cell(ratio);
const us = cell((figure) => shown(figure, digits, ' us'));
const ms = cell((figure) => shown(figure, digits, ' ms'));
const bytes = cell((figure) => shown(figure, count, ' B'));
const digits = (value: number): string => (value < 10 ? value.toFixed(1) : count(value));

function checkTable(way: Way, { figures, sizes }: Run): string {
  const rows = CONTESTANTS.flatMap((contestant) =>
    TIMED.filter((timed) => timed.way === way).flatMap((timed) => {
      const found = sizes.map((grants) => figures[checkName(grants, contestant, timed)]);
      if (found.every((figure) => figure === undefined)) return [];
      return [[contestant.name, callOf(contestant, timed), answerOf(timed), ...found.map(times)]];
    }),
  );
  return markdown(['contestant', 'what is called', 'answer', ...sizes.map((grants) => `${count(grants)} live`)], rows);
}

function callOf({ calls: [isAllowed, check] }: Contestant, { way, answer }: Timed): string {
  const call = answer === 'decision' ? check : isAllowed;
  return call === undefined ? '' : `\`${way === 'awaited' ? 'await ' : ''}${call}\``;
}

const answerOf = ({ answer, kind }: Timed): string =>
  answer === 'decision' ? 'yes, with its grant' : { held: 'yes', 'not held': 'no', unknown: 'no, subject unknown' }[kind];

/** Why cells of the tables are empty. */
function omissions(sizes: readonly number[]): string {
  const reasons = CONTESTANTS.flatMap(({ name, most }) => {
    const without = sizes.filter((grants) => most !== undefined && grants > most[0]);
    return most === undefined || without.length === 0 ? [] : [`${name} at ${without.map(count).join(' and ')} (${most[1]})`];
  });
  return reasons.length === 0 ? 'No contestant is omitted.' : `Omitted: ${reasons.join('; ')}.`;
}

function httpTable(figures: Figures): string {
  const rows = Object.entries(OPERATIONS).map(([operation, { what }]) => [
    what,
    ...SERVERS.map((server) => us(figures[`http/${operation}/${server}`])),
    times(figures[`http/${operation}/over by hand`]),
  ]);
  return markdown(['what a client calls', ...SERVERS, 'jit-access over by hand'], rows);
}

function memoryTable({ figures, sizes }: Run): string {
  // With few grants, what every contestant holds anyway decides.
  const grants = sizes[1] ?? sizes[0] ?? 0;
  const whole = bytes(figures['bytes/with its request and entries']);
  return `${markdown(
    ['contestant', `${count(grants)} live`],
    CONTESTANTS.map((contestant) => [contestant.name, bytes(figures[bytesName(grants, contestant)])]),
  )}

In the store of the engine, a grant with its request and its three journal entries takes ${whole}.`;
}

const importRows = (figures: Figures): string[][] =>
  Object.keys(USES).map((name) => [`\`${name}\``, imported(figures[`import/${name}`]), kilobytes(figures[`kB/${name}`])]);
const imported = cell(({ median }) => `${median.toFixed(1)} ms`);
const kilobytes = cell(({ median }) => `${median.toFixed(1)} kB`);
