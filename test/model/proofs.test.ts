import { describe, expect, it } from 'vitest';
import { boundary } from '../prove/boundary.js';
import { hostile } from '../prove/hostile.js';
import { journal } from '../prove/journal.js';
import { explore, schedules } from '../prove/schedules.js';

/* A short run of `npm run prove`: the same code, fewer cases of each. */
describe('JitEngine', () => {
  it('L1 L2 L6 20,000 checks at exactly a start or an end allow from the start and deny from the end', async () => {
    expect(await boundary.run({ seed: 8, scale: 0.02 })).toMatchObject({ violations: [] });
  });

  it('L8 L9 L10 L11 L12 L25 hold in 20,000 orders of two or three concurrent verbs', async () => {
    expect(await schedules.run({ seed: 8, scale: 0.04 })).toEqual({ count: 20_000, unit: 'schedules', violations: [] });
  }, 600_000);

  it('L9 L12 hold in every order of two verbs that interfere, to a depth of six choices', async () => {
    let orders = 0;
    for (const pair of [
      ['ana approves', 'lee denies'],
      ['ana approves', 'maya cancels'],
      ['revoke', 'extend'],
      ['revoke', 'consume'],
      ['ask', 'ask again'],
      ['ask', 'ask for another scope'],
    ] as const) {
      orders += await explore(pair, 6);
    }
    expect(orders).toBeGreaterThan(300);
  });

  it('L20 L23 L30 20,000 generated texts through every call change no access and no prototype', async () => {
    expect(await hostile.run({ seed: 8, scale: 0.02 })).toEqual({ count: 20_000, unit: 'texts', violations: [] });
  });
});

describe('verifyJournal()', () => {
  it('L26 agrees with an independent RFC 8785 and SHA-256 over 5,000 entries, and locates an edit', async () => {
    expect(await journal.run({ seed: 8, scale: 0.05 })).toEqual({ count: 5_000, unit: 'entries', violations: [] });
  });
});
