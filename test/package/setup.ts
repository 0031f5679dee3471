/*
 * Before the tests of this folder, once: builds the package, packs it, and installs the tarball in an empty folder, as a
 * user would. It has no dependency, so npm needs no registry. Its peers, with all that they need, are linked from node_modules.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { manifest, root } from './entries.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder in which the packed package is installed. */
    installed: string;
    /** The files of the tarball, as paths inside the package. */
    packed: string[];
    /** The bytes of these files. */
    unpackedSize: number;
  }
}

export default function setup(project: TestProject): () => void {
  // .ci/check has built it, once for all its steps, some of which run at the same time.
  if (process.env['JIT_TEST_BUILT'] === undefined) npm(root, 'run', 'build');
  const folder = mkdtempSync(join(tmpdir(), 'jit-access-'));
  const own = JSON.parse(run(root, process.execPath, '.ci/pack.js', folder, '--json')) as Packed;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', version: '1.0.0', private: true }));
  npm(folder, 'install', '--offline', '--no-audit', '--no-fund', `./${own.filename}`);
  for (const peer of Object.keys(manifest.peerDependencies ?? {})) {
    link(peer, folder);
    link(`@types/${peer}`, folder);
  }
  project.provide('installed', folder);
  project.provide(
    'packed',
    own.files.map((file) => file.path),
  );
  project.provide('unpackedSize', own.unpackedSize);
  return () => rmSync(folder, { recursive: true, force: true });
}

interface Packed {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

function link(name: string, folder: string): void {
  const [source, target] = [join(root, 'node_modules', name), join(folder, 'node_modules', name)];
  if (!existsSync(source)) return;
  mkdirSync(dirname(target), { recursive: true });
  symlinkSync(source, target, 'junction');
}

function npm(cwd: string, ...args: string[]): void {
  run(cwd, 'npm', ...args);
}

function run(cwd: string, program: string, ...args: string[]): string {
  // On Windows npm is a script, which only a shell starts.
  const shell = process.platform === 'win32' && program === 'npm';
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', maxBuffer: 1e9, shell });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed\n${stdout}${stderr}`);
  return stdout;
}
