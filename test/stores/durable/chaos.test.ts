import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chaos } from './chaos.js';
import { KINDS } from './place.js';
import { isAvailable, startDurable, type Durable } from './servers.js';

// The long runs of all of this: `npm run prove`.

const SEED = 20_260_101;

/** Each shows a verb, or a capability, that took part. */
const ENTRIES = [
  'breakGlass.reviewed',
  'grant.expired',
  'grant.extended',
  'grant.issued',
  'grant.revoked',
  'grant.seen',
  'grant.used',
  'journal.purged',
  'lock.lifted',
  'request.cancelled',
  'request.commented',
  'request.denied',
  'request.reviewed',
];

describe.each(KINDS.filter((kind) => isAvailable(kind, true)))('all verbs under all faults, on %s', (kind) => {
  let durable: Durable;
  beforeAll(async () => {
    durable = await startDurable(kind, { own: true });
  });
  afterAll(() => durable.stop());

  it('L1 L2 L8 L12 L18 L31 L32 L33 L45 lose, double and contradict nothing, by the journal alone', async () => {
    const { count, faults, entries, judged, violations } = await chaos(durable, kind === 'sqlite' ? 7 : 13, 25, SEED);
    expect(violations).toEqual([]);
    expect(count).toBeGreaterThan(400);
    expect(judged).toBeGreaterThan(400);
    // Of the kinds, only kills happen several times.
    expect(faults.size).toBe(kind === 'sqlite' ? 5 : 11);
    for (const type of ENTRIES) expect(entries.get(type) ?? 0, type).toBeGreaterThan(0);
  });
});
