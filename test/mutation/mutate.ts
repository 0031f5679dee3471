/*
 * Changes the core in one place at a time, and asks of the tests that they find it: `npm run mutate`.
 *
 *   npm run mutate -- [--last] [--write] [--mutate 'src/lifecycle/**'] [what else Stryker takes]
 *
 * What an earlier run has found of code and tests that are still the same, Stryker takes over (`--force`: it does not).
 * `--last` only judges what the last run found. `--write` puts the scores into docs/assurance.md. Ends with 0 only where
 * every room has its score, and every survivor that has to be listed is.
 */
import { spawnSync } from 'node:child_process';
import { MadePart } from '../docs/made-part.js';
import { markdown } from '../bench/measure/table.js';
import { lastRun } from './report.js';
import { complaints, percent, scoresOf, total, type Score } from './scores.js';
import { LEAST } from './rooms.js';
import { SURVIVORS } from './survivors.js';

const args = process.argv.slice(2);
const own = ['--last', '--write'];

if (!args.includes('--last')) {
  const { status } = spawnSync('stryker', ['run', 'stryker.config.js', ...args.filter((arg) => !own.includes(arg))], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const mutants = lastRun();
const scores = scoresOf(mutants);
const table = markdown(
  ['room', 'changes', 'found', 'survived', 'of a hundred', 'at least', 'left out'],
  [...scores.map(row), lastRow(scores)],
);
const wrong = complaints(mutants, SURVIVORS);
console.log([table, ...wrong].join('\n'));
if (args.includes('--write')) await new MadePart('docs/assurance.md', 'npm run mutate').write(table);
process.exitCode = wrong.length === 0 ? 0 : 1;

function row({ room, found, survived, ignored }: Score): string[] {
  return cells(room.name, found, survived.length, ignored, room.least);
}

function lastRow(of: readonly Score[]): string[] {
  const { found, survived, ignored } = total(of);
  return cells('all of it', found, survived, ignored, LEAST);
}

function cells(name: string, found: number, survived: number, ignored: number, least: number | undefined): string[] {
  const figures = [found + survived, found, survived].map((figure) => figure.toLocaleString('en'));
  return [name, ...figures, percent(found, survived).toFixed(2), least === undefined ? '' : String(least), String(ignored)];
}
