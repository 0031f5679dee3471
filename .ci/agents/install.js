/*
 * The script `dependencies` of package.json, which npm runs after it has changed node_modules. The agent SDKs ask for
 * Node 22 and work on 20: as dependencies of the repository they would make each `npm ci` on 20 warn.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

const folder = import.meta.dirname;
// On Windows npm is a script, which only a shell starts.
const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' });
if (npm.status !== 0) process.exit(1);

const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
for (const name of Object.keys(dependencies)) {
  const link = join(folder, '../../node_modules', name);
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { recursive: true, force: true });
  symlinkSync(join(folder, 'node_modules', name), link, 'junction');
}
