/*
 * Runs the tests of the durable stores: `npm run test:stores`.
 *
 *   npm run test:stores                      every store with each of its drivers that is installed
 *   npm run test:stores -- postgres valkey   the named engines and drivers, which must be installed
 *   npm run test:stores -- postgres://...    the server of this URL, in schemas that the tests create and drop; with --portable
 *                                            only the contract suite, with portable statements, for a server that is not PostgreSQL
 *   npm run test:stores -- --short ...       without the durable tests, which start and kill processes
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { chosenRuns, type Run } from './engines.js';

const USAGE =
  'npm run test:stores [-- sqlite | better-sqlite3 | postgres | postgres-15 | postgres.js | redis | valkey | patroni | kysely | postgres://...]... [--short] [--portable]';

function main(): number {
  let runs: readonly Run[];
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { short: { type: 'boolean', default: false }, portable: { type: 'boolean', default: false } },
    });
    runs = chosenRuns(positionals, values.short, values.portable);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  // Ends at the first store that fails, so that the failed tests are the last lines.
  return runs.every(runTests) ? 0 : 1;
}

function runTests({ name, args, env }: Run): boolean {
  console.log(`\n--- ${name}`);
  const vitest = ['vitest', 'run', '--project', 'stores', ...args];
  const { status } = spawnSync('npx', vitest, { stdio: 'inherit', env: { ...process.env, ...env }, shell: process.platform === 'win32' });
  if (status !== 0) console.error(`The tests on ${name} ended with ${status}`);
  return status === 0;
}

process.exitCode = main();
