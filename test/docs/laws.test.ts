import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesByLaw, heldLaws, lawCount, lawsPage } from './laws.js';
import { root } from './pages.js';

describe('docs/explanation/laws.md', () => {
  it('lists the 47 laws, each held by a test that names it, except those whose subject is not built', () => {
    expect(lawCount).toBe(47);
    const held = [...filesByLaw.keys()].sort((a, b) => a - b);
    expect(held).toEqual(heldLaws);
  });

  it('states which tests hold which law: run `npx vitest run test/docs -u` after naming a law in another file', async () => {
    await expect(await lawsPage()).toMatchFileSnapshot(join(root, 'docs/explanation/laws.md'));
  });
});
