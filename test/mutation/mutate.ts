/*
 * Changes the core in one place at a time, and asks of the tests that they find it: `npm run mutate`.
 *
 *   npm run mutate -- [--only scope,time] [--last] [--write] [--mutate 'src/lifecycle/quorum.ts'] [what else Stryker takes]
 *
 * `--only` changes and judges these rooms alone; rooms.ts names them. What an earlier run has found of code and tests that
 * are still the same, Stryker takes over (`--force`: it does not). `--last` only judges what the last run found. `--write`
 * puts the scores into docs/explanation/assurance.md, and leaves there what was found of the other rooms. Ends with 0 only where every
 * room has its score, and every survivor that has to be listed is.
 */
import { spawnSync } from 'node:child_process';
import { MadePart } from '../docs/made-part.js';
import { filesIn } from './changed.js';
import { lastRun } from './report.js';
import { roomOf, ROOMS, type Room } from './rooms.js';
import { complaints, scoresOf } from './scores.js';
import { SURVIVORS } from './survivors.js';
import { tableOf, wholeTable } from './table.js';

const args = process.argv.slice(2);
const at = args.indexOf('--only');
const only = at === -1 ? undefined : roomsOf(args.splice(at, 2)[1] ?? '');
const [isLast, writes] = [takes('--last'), takes('--write')];
if (writes && args.includes('--mutate')) throw new Error('a part of a room has no row in docs/explanation/assurance.md: use --only');

if (!isLast) {
  const part = only === undefined ? [] : ['--mutate', filesIn(only).join(',')];
  const stryker = '.ci/mutation/node_modules/@stryker-mutator/core/bin/stryker.js';
  const { status } = spawnSync(process.execPath, [stryker, 'run', '.ci/mutation/stryker.config.js', ...part, ...args], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

// The report also contains the results of earlier runs elsewhere.
const mutants = lastRun().filter(({ file }) => only?.some((room) => room === roomOf(file)) ?? true);
const scores = scoresOf(mutants);
const wrong = complaints(mutants, SURVIVORS);
const today = new Date().toISOString().slice(0, 10);
console.log([tableOf(scores, today), ...wrong].join('\n'));
if (writes) {
  const page = new MadePart('docs/explanation/assurance.md', 'npm run mutate');
  await page.write(wholeTable(scores, today, page.read()));
}
process.exitCode = wrong.length === 0 ? 0 : 1;

function takes(option: string): boolean {
  const i = args.indexOf(option);
  return i !== -1 && args.splice(i, 1).length > 0;
}

/** @param names separated by commas */
function roomsOf(names: string): Room[] {
  return names.split(',').map((name) => {
    const room = ROOMS.find((one) => one.name === name);
    if (room === undefined) throw new Error(`no room is named "${name}": ${ROOMS.map((one) => one.name).join(', ')}`);
    return room;
  });
}
