import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diagrams, ENDS, explainedEnds, lifecyclePage, PAGE } from './lifecycle.js';
import { root, textOf } from './pages.js';

describe('docs/reference/lifecycle.md', () => {
  it('L8 draws the states from the table in code: run `npx vitest run test/docs -u` after changing it', async () => {
    expect(textOf(PAGE).match(/^```mermaid$/gm)).toHaveLength(diagrams.length);
    await expect(await lifecyclePage()).toMatchFileSnapshot(join(root, PAGE));
  });

  it('L8 explains exactly the ends in the table in code', () => {
    expect(explainedEnds().sort()).toEqual([...ENDS].sort());
  });
});
