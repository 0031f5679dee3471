import { markdown } from '../bench/measure/table.js';
import { LEAST, ROOMS } from './rooms.js';
import { percent, total, type Score } from './scores.js';

const HEAD = ['room', 'changes', 'found', 'survived', 'of a hundred', 'at least', 'left out', 'run on'];
const ALL = 'all of it';

/** @param day on which these rooms were run */
export function tableOf(scores: readonly Score[], day: string): string {
  const { found, survived, ignored } = total(scores);
  return markdown(HEAD, [...scores.map((score) => row(score, day)), cells(ALL, found, survived, ignored, LEAST, day)]);
}

/**
 * A row for each room: a room that was not run now keeps its earlier row, with its day. The row of all rooms is new
 * only where all were run.
 *
 * @param earlier the table before
 */
export function wholeTable(scores: readonly Score[], day: string, earlier: string): string {
  const fresh = rowsOf(tableOf(scores, day));
  const before = rowsOf(earlier);
  const isWhole = ROOMS.every((room) => scores.some((score) => score.room === room));
  const rowOf = (name: string, from: readonly string[][]) => from.find(([of]) => of === name);
  const rows = ROOMS.map(
    ({ name, least }) => rowOf(name, fresh) ?? rowOf(name, before) ?? [name, '', '', '', '', String(least ?? ''), '', 'not yet'],
  );
  return markdown(HEAD, [...rows, rowOf(ALL, isWhole ? fresh : before) ?? [ALL, '', '', '', '', String(LEAST), '', 'not yet']]);
}

/** The cells of a table in Markdown, without its head. */
function rowsOf(table: string): string[][] {
  const lines = table.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function row({ room, found, survived, ignored }: Score, day: string): string[] {
  return cells(room.name, found, survived.length, ignored, room.least, day);
}

function cells(name: string, found: number, survived: number, ignored: number, least: number | undefined, day: string): string[] {
  const figures = [found + survived, found, survived].map((figure) => figure.toLocaleString('en'));
  return [name, ...figures, percent(found, survived).toFixed(2), least === undefined ? '' : String(least), String(ignored), day];
}
