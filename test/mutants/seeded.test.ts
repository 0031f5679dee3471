import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { proofs } from '../prove/proofs.js';
import { bent, livesUntilFound } from './caught.js';
import { SEEDED } from './seeded.js';
import { STORE_BUGS } from './stores.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const suite = readdirSync(new URL('../../src/testing/contract/', import.meta.url))
  .map((name) => read(`src/testing/contract/${name}`))
  .join('\n');

/* `npm run prove -- --only seeded-bugs --only seeded-store-bugs` shows that each is found. */
describe('seeded bugs', () => {
  const all = [...SEEDED, ...STORE_BUGS];

  it('have unique names, and each has its one place in the sources', () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const bug of all) {
      expect(bent(bug)).toContain(bug.to);
      if (bug.also !== undefined) expect(bent({ name: bug.name, ...bug.also })).toContain(bug.also.to);
    }
  });

  it('run in a copy of the sources, where the model finds the first of them', () => {
    const [first] = SEEDED;
    expect(first && livesUntilFound(first, 1, 200).found).toBeGreaterThan(0);
  });

  it('of the stores name an existing case or proof that must find them', () => {
    for (const { name, caughtBy } of STORE_BUGS) {
      if ('proof' in caughtBy) expect(proofs.map((proof) => proof.name)).toContain(caughtBy.proof);
      else if ('test' in caughtBy)
        expect((caughtBy.test.startsWith('test/contract/') ? suite : read(caughtBy.test)).includes(caughtBy.title), name).toBe(true);
    }
  });
});
