/*
 * `node .ci/install.js bench release` installs these folders of .ci, where they are missing or older than their lockfile. What is in
 * them, only one command or the release needs: neither `npm ci` nor `npm test` waits for it.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './pack.js';

const writtenAt = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

for (const name of process.argv.slice(2)) {
  const folder = join(import.meta.dirname, name);
  if (writtenAt(join(folder, 'node_modules/.package-lock.json')) >= writtenAt(join(folder, 'package-lock.json'))) continue;
  console.error(`Installs .ci/${name}`);
  run('npm', 'ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund');
}
