/*
 * Runs every program in a folder, one after the other, as a reader would: with the built package, outside the repository.
 * A failing program ends with an exit code. The files that a program imports are in folders next to it.
 *
 * tsx test/package/run-each.ts <folder> [options for node]
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './entries.js';

const [folder = '', ...options] = process.argv.slice(2);
// The demo runs on the real clock and takes long: `npm run demo`.
const programs = readdirSync(join(root, folder)).filter((file) => file.endsWith('.ts') && file !== 'demo.ts');

for (const program of programs) {
  console.log(`\n--- ${folder}/${program}`);
  const { status } = spawnSync(process.execPath, [...options, '--import', 'tsx', join(folder, program)], { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    console.error(`${folder}/${program} ended with ${status}`);
    process.exitCode = 1;
  }
}
