import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { minify } from '../.tsup/minified.js';

it('returns the value of each annotated call, wherever a line of the package is broken', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jit-access-minified-'));
  const file = join(folder, 'made.mjs');
  // One statement of each length: the break falls on each place of it.
  const lengths = Array.from({ length: 130 }, (_, n) => n);
  const lines = lengths.map((n) => `export function f${n}(a, ${'b'.repeat(n + 1)}) { if (a) return /* @__PURE__ */ new Set([a]); }`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  writeFileSync(`${file}.map`, JSON.stringify({ version: 3, sources: ['made.ts'], names: [], mappings: '' }));
  await minify(file);
  expect(readFileSync(file, 'utf8')).not.toMatch(/\b(return|throw|yield)(\s*\/\*[^*]*\*\/)*\n/);
  const made = (await import(pathToFileURL(file).href)) as Readonly<Record<string, (a: number) => Set<number>>>;
  expect(lengths.map((n) => made[`f${n}`]?.(n + 1)?.has(n + 1))).toEqual(lengths.map(() => true));
  rmSync(folder, { recursive: true });
});
