/*
 * Runs every example as its reader would: with the built package, from outside. One that goes wrong ends with an exit code
 * that says so. The demo has a command of its own.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './entries.js';

const files = readdirSync(join(root, 'examples')).filter((file) => file.endsWith('.ts') && file !== 'demo.ts');

for (const file of files) {
  console.log(`\n--- examples/${file}`);
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', join('examples', file)], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
