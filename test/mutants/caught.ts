import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Seeded } from './seeded.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A file of the sources with the bug in it. Throws where the place isn't there exactly once: the sources have moved on. */
export function bent({ name, file, from, to }: Omit<Seeded, 'also'>): string {
  const text = readFileSync(join(ROOT, 'src', file), 'utf8');
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`${name}: ${file} has ${parts.length - 1} places like ${JSON.stringify(from)}`);
  return parts.join(to);
}

/**
 * Lets the reference model live beside an engine that has the bug, in a copy of the sources and a process of its own.
 *
 * @returns after how many lives it was found, 0 where it wasn't, and what differed
 */
export function livesUntilFound(
  bug: Seeded,
  seed: number,
  lives: number,
): { readonly found: number; readonly violation: string | undefined } {
  const folder = mkdtempSync(join(tmpdir(), 'jit-mutant-'));
  try {
    for (const part of ['src', 'test/model', 'test/mutants', 'test/tsconfig.json', 'tsconfig.json', 'package.json']) {
      cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const place of [bug, ...(bug.also === undefined ? [] : [{ name: bug.name, ...bug.also }])]) {
      writeFileSync(join(folder, 'src', place.file), bent(place));
    }
    const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'test/mutants/live-it.ts', String(seed), String(lives)], {
      cwd: folder,
      env: { ...process.env, TSX_TSCONFIG_PATH: 'test/tsconfig.json' },
      encoding: 'utf8',
    });
    const line = stdout.trim().split('\n').at(-1) ?? '';
    if (!line.startsWith('{')) throw new Error(`${bug.name}: it did not run: ${stderr}`);
    return JSON.parse(line) as { found: number; violation: string | undefined };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
