import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boundaryOn, PATIENT_MS } from '../prove/durable.js';
import { KINDS, openStore, type Opened } from '../stores/durable/place.js';
import { isAvailable, startDurable, type Durable } from '../stores/durable/servers.js';
import { live } from './lives.js';

// `npm run prove` has the long runs.

describe.each(KINDS.filter((kind) => isAvailable(kind)))('JitEngine beside the reference model, on %s', (kind) => {
  let durable: Durable;
  let opened: Opened;
  beforeAll(async () => {
    durable = await startDurable(kind);
    opened = await openStore(durable.place, { namespace: durable.namespace(), timeoutMs: PATIENT_MS });
  });
  afterAll(async () => {
    await opened.close();
    await durable.stop();
  });

  it('L1 L2 L3 L4 L5 L6 L8 L10 L11 L12 L13 L14 L15 L16 L17 L18 L20 L21 L25 L26 L27 L28 L33 L36 L43 500 lives of random steps obey the laws', async () => {
    const { lives, violation } = await live(() => opened.store.in(durable.namespace()), { seed: 8, numRuns: 500 });
    expect(violation).toBeUndefined();
    expect(lives).toBe(500);
  }, 600_000);

  it('L1 L2 L6 10,000 checks within a millisecond of a start or an end allow from the start and deny from the end, by each way of reading', async () => {
    const { count, violations } = await boundaryOn(durable, 10_000, { seed: 8, scale: 1 });
    expect(violations).toEqual([]);
    expect(count).toBeGreaterThanOrEqual(10_000);
  });
});
