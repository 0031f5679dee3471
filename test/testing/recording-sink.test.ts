import { anEntry, RecordingSink } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { link, GENESIS } from '../../src/journal/link.js';
import { yieldToOthers } from '../../src/core/turns.js';

const entries = link(GENESIS, [anEntry({ id: 'c1.1' }), anEntry({ id: 'c1.2', type: 'grant.expired' })]);

describe('RecordingSink', () => {
  it('is shared and named recording by default', () => {
    expect(new RecordingSink()).toMatchObject({ name: 'recording', follow: 'shared' });
    expect(new RecordingSink({ name: 'siem', follow: 'local' })).toMatchObject({ name: 'siem', follow: 'local' });
  });

  it('records deliveries, including repeated ones', async () => {
    const sink = new RecordingSink();
    await sink.write(entries);
    await sink.write(entries.slice(1));
    expect(sink.entries).toEqual([...entries, entries[1]]);
    expect(sink.types).toEqual(['grant.issued', 'grant.expired', 'grant.expired']);
    expect(sink.writes).toEqual([entries, entries.slice(1)]);
  });

  it('fails the given number of times, and records nothing then', async () => {
    const sink = new RecordingSink();
    const down = new Error('down');
    sink.fail(2, down);
    await expect(sink.write(entries)).rejects.toBe(down);
    await expect(sink.write(entries)).rejects.toBe(down);
    await sink.write(entries);
    expect(sink.entries).toEqual(entries);
    expect(sink.writes).toHaveLength(3);
    sink.fail();
    await expect(sink.write(entries)).rejects.toThrow('failed on request');
    sink.fail(5);
    sink.fail(0);
    await sink.write(entries);
  });

  it('hangs until it is released', async () => {
    const sink = new RecordingSink();
    sink.hang();
    sink.hang();
    let settled = 0;
    const writes = [sink.write(entries), sink.write(entries)].map((write) => write.finally(() => (settled += 1)));
    await yieldToOthers();
    expect(settled).toBe(0);
    expect(sink.entries).toEqual([]);
    sink.release();
    await Promise.all(writes);
    expect(sink.entries).toHaveLength(4);
    await sink.write(entries);
    sink.release();
    expect(sink.entries).toHaveLength(6);
  });

  it('can fail a delivery that it delayed', async () => {
    const sink = new RecordingSink();
    sink.hang();
    const written = sink.write(entries);
    sink.fail();
    sink.release();
    await expect(written).rejects.toThrow('failed on request');
    expect(sink.entries).toEqual([]);
  });
});
