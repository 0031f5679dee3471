import { describe, expect, it } from 'vitest';
import { diagrams, ENDS, explainedEnds, PAGE } from './lifecycle.js';
import { textOf } from './pages.js';

describe('docs/reference/lifecycle.md', () => {
  it('L8 draws the states of the table in code, which `npm run generate` writes', () => {
    expect(textOf(PAGE).match(/^```mermaid$/gm)).toHaveLength(diagrams.length);
  });

  it('L8 explains exactly the ends in the table in code', () => {
    expect(explainedEnds().sort()).toEqual([...ENDS].sort());
  });
});
