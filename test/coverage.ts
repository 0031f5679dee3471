/*
 * Runs the tests that import the sources, one tier after the other, and checks the coverage of all of them together:
 *
 *   npm run test:coverage                runs the tiers unit, faults and stores, and checks the coverage
 *   npm run test:coverage -- unit        runs one tier and keeps its coverage in .tmp/coverage
 *   npm run test:coverage -- check       checks the coverage that is kept there
 *
 * `npm run ci` takes the parts one by one, so that it prints the seconds of each tier and each test runs once.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';

/** Those that test the built package count for nothing here. */
const PARTS = ['unit', 'faults', 'stores'];
const KEPT = '.tmp/coverage';

const keptOf = (part: string): string => `${KEPT}/${part}.json`;

function vitest(args: readonly string[], env: Readonly<Record<string, string>> = {}): boolean {
  const options = { stdio: 'inherit', env: { ...process.env, ...env }, shell: process.platform === 'win32' } as const;
  return spawnSync('npx', ['vitest', ...args], options).status === 0;
}

function run(part: string): boolean {
  rmSync(keptOf(part), { force: true });
  const reporters = ['--reporter=default', '--reporter=blob', `--outputFile.blob=${keptOf(part)}`];
  return vitest(['run', '--project', part, '--coverage', ...reporters], { JIT_COVERAGE_PART: part });
}

/** Fails where a tier has not been run: its missing coverage would look like untested code. */
function check(): boolean {
  const missing = PARTS.filter((part) => !existsSync(keptOf(part)));
  if (missing.length > 0) console.error(`No coverage of: ${missing.join(', ')}. Run npm run test:coverage -- ${missing[0]}`);
  return missing.length === 0 && vitest([`--merge-reports=${KEPT}`, '--coverage', '--reporter=json', `--outputFile=.tmp/tests.json`]);
}

const [part, ...others] = process.argv.slice(2);
const isKnown = part === undefined || part === 'check' || PARTS.includes(part);
if (!isKnown || others.length > 0) {
  console.error(`npm run test:coverage [-- ${PARTS.join(' | ')} | check]`);
  process.exitCode = 2;
} else {
  const steps = part === undefined ? [...PARTS, 'check'] : [part];
  if (!steps.every((step) => (step === 'check' ? check() : run(step)))) process.exitCode = 1;
}
