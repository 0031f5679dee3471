/*
 * The figures of the structure, on one page: `npm run figures`. Sizes are those of the last build. It only prints:
 * code.test.ts and `npm run size` check the limits.
 */
import { existsSync, readFileSync } from 'node:fs';
import { beyond, fileSizes, functionSizes, verbsOfEngine, type Size } from './code.js';
import { modules, modulesOnCycles, src } from './modules.js';
import { printContents, printSizes } from './print-sizes.js';

function print(title: string, rows: readonly string[]): void {
  console.log(`\n${title}`);
  for (const row of rows) console.log(`  ${row}`);
}

const rowOf = ({ name, lines, allowed }: Size) => `${String(lines).padStart(5)} of ${allowed}  ${name}`;

function printLongest(what: string, sizes: readonly Size[]): void {
  print(
    `The five longest ${what} (lines, of the lines allowed); ${beyond(sizes).length} are longer than allowed`,
    sizes.slice(0, 5).map(rowOf),
  );
}

/** The output of the last run of `npm run ci`, complete or not. */
function stepTimes(): string[] {
  const path = `${src}../.tmp/step-times`;
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : ['none written: npm run ci writes them'];
}

const onCycles = modulesOnCycles();
const verbs = verbsOfEngine();

console.log(`Files in src: ${modules.length}`);
printLongest('files', fileSizes());
printLongest('functions', functionSizes());
print(`Modules on an import cycle, type imports included: ${onCycles.length}`, onCycles);
print(`Verbs of the class JitEngine: ${verbs.length}`, [verbs.join(', ')]);
if (existsSync(`${src}../dist/index.js`)) {
  await printSizes();
  printContents();
} else print('Bytes of each entry', ['nothing is built: npm run build']);
print('Seconds of each test step', stepTimes());
