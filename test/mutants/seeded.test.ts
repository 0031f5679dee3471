import { describe, expect, it } from 'vitest';
import { bent } from './caught.js';
import { SEEDED } from './seeded.js';

describe('seeded bugs', () => {
  it('have names of their own, and each has its one place in the sources', () => {
    expect(new Set(SEEDED.map(({ name }) => name)).size).toBe(SEEDED.length);
    for (const bug of SEEDED) {
      expect(bent(bug)).toContain(bug.to);
      if (bug.also !== undefined) expect(bent({ name: bug.name, ...bug.also })).toContain(bug.also.to);
    }
  });
});
