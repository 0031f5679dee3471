import { describe, expect, it } from 'vitest';
import { JournalHold } from '../../src/kernel/ledger/journal-hold.js';
import { aChange, anEntry } from '../../src/testing.js';

describe('JournalHold', () => {
  it('[A6] remembers at most 1,000 changes while none is committed, and still holds back a purge', () => {
    const hold = new JournalHold();
    const send = () => hold.addTo(aChange({ append: [anEntry()] }), ['siem']);
    for (let i = 0; i < 5_000; i++) expect(send().put).toHaveLength(1);
    const last = send();
    hold.committed(last);
    expect(send().put).toEqual([]);
    const keys = hold.take();
    expect(keys).toHaveLength(1_000);
    expect(keys).toContainEqual({ kind: 'cursor', id: last.put[0]?.id });
    expect(hold.take()).toEqual([]);
  });
});
