/*
 * Before the tests of this folder, once: builds the package, packs it, and installs the tarball in an empty folder, as a
 * user would. tslib is packed from node_modules beside it, so that npm has nothing to ask a registry for.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { root } from './entries.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder in which the packed package is installed. */
    installed: string;
    /** What the tarball holds, as paths inside the package. */
    packed: string[];
  }
}

export default function setup(project: TestProject): () => void {
  npm(root, 'run', 'build');
  const folder = mkdtempSync(join(tmpdir(), 'jit-access-'));
  const [own, tslib] = ['.', './node_modules/tslib'].map((source) => pack(source, folder));
  if (own === undefined || tslib === undefined) throw new Error('npm pack gave no tarball');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', version: '1.0.0', private: true }));
  npm(folder, 'install', '--offline', '--no-audit', '--no-fund', `./${own.filename}`, `./${tslib.filename}`);
  project.provide('installed', folder);
  project.provide(
    'packed',
    own.files.map((file) => file.path),
  );
  return () => rmSync(folder, { recursive: true, force: true });
}

function pack(source: string, folder: string): { filename: string; files: { path: string }[] } | undefined {
  const report = npm(root, 'pack', source, '--json', '--ignore-scripts', '--pack-destination', folder);
  return (JSON.parse(report) as { filename: string; files: { path: string }[] }[])[0];
}

function npm(cwd: string, ...args: string[]): string {
  // On Windows npm is a script, which only a shell starts.
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8', shell: process.platform === 'win32' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed\n${stdout}${stderr}`);
  return stdout;
}
