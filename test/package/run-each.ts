/*
 * Runs every program in a folder, one after the other, as a reader would: with the built package, from outside. One that
 * goes wrong ends with an exit code that says so. What a program is made of lies in folders beside it.
 *
 *   tsx test/package/run-each.ts <folder> [options for node]
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './entries.js';

const [folder = '', ...options] = process.argv.slice(2);
// The demo takes its time, on the real clock: `npm run demo`.
const programs = readdirSync(join(root, folder)).filter((file) => file.endsWith('.ts') && file !== 'demo.ts');

for (const program of programs) {
  console.log(`\n--- ${folder}/${program}`);
  const { status } = spawnSync(process.execPath, [...options, '--import', 'tsx', join(folder, program)], { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    console.error(`${folder}/${program} ended with ${status}`);
    process.exitCode = 1;
  }
}
