import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesByLaw, lawCount, lawsPage } from './laws.js';
import { root } from './pages.js';

describe('docs/laws.md', () => {
  it('lists the 35 laws, each held by a test that names it', () => {
    expect(lawCount).toBe(35);
    const held = [...filesByLaw.keys()].sort((a, b) => a - b);
    expect(held).toEqual(Array.from({ length: lawCount }, (_, i) => i + 1));
  });

  it('says which tests hold which law: run `npx vitest run test/docs -u` after naming a law in another file', async () => {
    await expect(await lawsPage()).toMatchFileSnapshot(join(root, 'docs/laws.md'));
  });
});
