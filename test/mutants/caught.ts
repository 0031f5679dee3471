import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Seeded } from './seeded.js';
import type { StoreBug } from './stores.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A source file with the bug in it. Throws unless the original text occurs exactly once: the sources have changed. */
export function bent({ name, file, from, to }: Omit<Seeded, 'also'>): string {
  const text = readFileSync(join(ROOT, 'src', file), 'utf8');
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`${name}: ${file} has ${parts.length - 1} places like ${JSON.stringify(from)}`);
  return parts.join(to);
}

/** Runs a function in a copy of the sources that has the bug. */
function withBug<T>(bug: Seeded, parts: readonly string[], look: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'jit-mutant-'));
  try {
    for (const part of ['src', 'test/tsconfig.json', 'tsconfig.json', 'package.json', ...parts]) {
      cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const place of [bug, ...(bug.also === undefined ? [] : [{ name: bug.name, ...bug.also }])]) {
      writeFileSync(join(folder, 'src', place.file), bent(place));
    }
    return look(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const node = (folder: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, TSX_TSCONFIG_PATH: 'test/tsconfig.json' },
    encoding: 'utf8',
  });

/**
 * Runs the reference model next to an engine with the bug, in a separate process.
 *
 * @returns after how many lives it was found, 0 if it was not, and the difference
 */
export function livesUntilFound(
  bug: Seeded,
  seed: number,
  lives: number,
): { readonly found: number; readonly violation: string | undefined } {
  return withBug(bug, ['test'], (folder) => {
    const { stdout, stderr } = node(folder, '--import', 'tsx', 'test/mutants/live-it.ts', String(seed), String(lives));
    const line = stdout.trim().split('\n').at(-1) ?? '';
    if (!line.startsWith('{')) throw new Error(`${bug.name}: it did not run: ${stderr}`);
    return JSON.parse(line) as { found: number; violation: string | undefined };
  });
}

/** Runs the test that must find a bug of a store, in a copy with the bug. @returns whether it did; another failing case does not count */
export function isCaught(bug: StoreBug, seed: number): boolean {
  const by = bug.caughtBy;
  return withBug(bug, ['test', 'docs', '.tsup', 'vitest.config.ts'], (folder) => {
    if ('proof' in by) {
      const run = ['--import', 'tsx', 'test/prove/prove.ts', '--only', by.proof, '--seed', String(seed), '--scale', String(by.scale)];
      const { status, stdout } = node(folder, ...run);
      return status === 1 && !stdout.includes('it threw') && !stdout.includes('proves nothing');
    }
    const pattern = by.title.replaceAll(/[^\w ]/g, '.');
    const run = ['--reporter', 'json', '--outputFile', 'said.json', by.test, '-t', pattern];
    const { stderr } = node(folder, 'node_modules/vitest/vitest.mjs', 'run', ...run);
    if (!existsSync(join(folder, 'said.json'))) throw new Error(`${bug.name}: ${by.test} did not run: ${stderr}`);
    const { testResults } = JSON.parse(readFileSync(join(folder, 'said.json'), 'utf8')) as Said;
    const cases = testResults.flatMap(({ assertionResults }) => assertionResults).filter(({ fullName }) => fullName.includes(by.title));
    return cases.some(({ status }) => status === 'failed');
  });
}

/** The result of a vitest run. */
interface Said {
  readonly testResults: readonly { readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[] }[];
}
