import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ENTRIES, exportsOf } from '../.tsup/entries.js';

const path = fileURLToPath(new URL('../package.json', import.meta.url));

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
}

/* `npx vitest run test/entries.test.ts -u` writes package.json. Types stand before code: TypeScript takes the first condition. */
it('exports of package.json are the entries, and the files without code', async () => {
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
  const files = Object.entries(manifest.exports).filter(([, target]) => typeof target === 'string');
  const exports = { ...exportsOf(Object.keys(ENTRIES)), ...Object.fromEntries(files) };
  await expect(`${JSON.stringify({ ...manifest, exports }, undefined, 2)}\n`).toMatchFileSnapshot(path);
});
