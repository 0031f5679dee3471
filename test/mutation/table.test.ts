import { describe, expect, it } from 'vitest';
import { ROOMS } from './rooms.js';
import type { Score } from './scores.js';
import { tableOf, wholeTable } from './table.js';

const score = (name: string, found: number): Score => {
  const room = ROOMS.find((one) => one.name === name);
  if (room === undefined) throw new Error(name);
  return { room, found, survived: [], ignored: 2 };
};
const cellsOf = (table: string, name: string) =>
  table
    .split('\n')
    .find((line) => line.startsWith(`| ${name} `))
    ?.split(/ *\| */)
    .slice(1, -1);

const all = ROOMS.map(({ name }) => score(name, 1_000));
const earlier = wholeTable(all, '2026-01-01', '');

describe('wholeTable()', () => {
  it('has a row for each room that was run, and one for all rooms where all were run', () => {
    expect(cellsOf(earlier, 'scope')).toEqual(['scope', '1,000', '1,000', '0', '100.00', '95', '2', '2026-01-01']);
    expect(cellsOf(earlier, 'all of it')).toEqual(['all of it', '11,000', '11,000', '0', '100.00', '90', '22', '2026-01-01']);
  });

  it('keeps the dated rows of rooms that were not run, and the row of all rooms', () => {
    const table = wholeTable([score('scope', 500)], '2026-02-02', earlier);
    expect(cellsOf(table, 'scope')).toEqual(['scope', '500', '500', '0', '100.00', '95', '2', '2026-02-02']);
    expect(cellsOf(table, 'time')).toEqual(cellsOf(earlier, 'time'));
    expect(cellsOf(table, 'all of it')).toEqual(cellsOf(earlier, 'all of it'));
    expect(table.split('\n')).toHaveLength(earlier.split('\n').length);
  });

  it('marks a room that was never run, and drops a removed room', () => {
    const table = wholeTable([score('scope', 500)], '2026-02-02', tableOf([score('time', 7)], '2026-01-01').replaceAll('time', 'gone'));
    expect(cellsOf(table, 'time')).toEqual(['time', '', '', '', '', '95', '', 'not yet']);
    expect(table).not.toContain('gone');
  });
});
