import { describe, expect, it } from 'vitest';
import type { Row } from '../../src/store.js';
import { usageRow } from '../../src/kernel/ledger/grant-use.js';
import { aGranted, anEngine } from '../engine/an-engine.js';

describe('the usage row of a grant', () => {
  it('is looked for only where the grant has one: a check of n grants without it does not read n rows for each (L42)', async () => {
    const { engine } = anEngine();
    let reads = 0;
    const rows = new Proxy<readonly Row[]>([], { get: (list, key) => (reads++, Reflect.get(list, key) as unknown) });
    const plain = await aGranted(engine);
    expect([usageRow(rows, plain), reads]).toEqual([undefined, 0]);
    expect([usageRow(rows, { ...plain, idleTtlMs: 1 }), reads > 0]).toEqual([undefined, true]);
  });
});
