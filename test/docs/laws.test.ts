import { describe, expect, it } from 'vitest';
import { filesByLaw, heldLaws, lawCount } from './laws.js';

describe('docs/explanation/laws.md', () => {
  it('lists the 48 laws, each held by a test that names it, except those whose subject is not built', () => {
    expect(lawCount).toBe(48);
    const held = [...filesByLaw.keys()].sort((a, b) => a - b);
    expect(held).toEqual(heldLaws);
  });
});
