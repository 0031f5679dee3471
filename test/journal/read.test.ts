import { describe, expect, it, vi } from 'vitest';
import { GENESIS } from '../../src/journal/link.js';
import { readEntries, readJournal } from '../../src/journal/read.js';
import { verifyJournal } from '../../src/journal/verify.js';
import type { GrantStore, JournalSlice } from '../../src/core/store-port.js';
import type { AuditEntry } from '../../src/records/index.js';
import { anchorOf, journalOf } from './sample.js';

/** A store with only a journal. */
function journalStore(entries: AuditEntry[], start = GENESIS): { readonly store: GrantStore; readonly asked: unknown[] } {
  const asked: unknown[] = [];
  const journal = ({ after, limit }: { readonly after: number; readonly limit: number }): Promise<JournalSlice> => {
    asked.push({ after, limit });
    const head = entries.length === 0 ? start : anchorOf(entries.at(-1)!);
    return Promise.resolve({ entries: entries.filter((entry) => entry.seq > after).slice(0, limit), start, head });
  };
  return { store: { journal } as unknown as GrantStore, asked };
}

async function readAll(...args: Parameters<typeof readJournal>): Promise<AuditEntry[]> {
  const all: AuditEntry[] = [];
  for await (const entry of readJournal(...args)) all.push(entry);
  return all;
}

describe('readJournal()', () => {
  const entries = journalOf(10);

  it.each([1, 3, 5, 9, 10, 11, 500])('reads all entries in order, in pages of %s', async (pageSize) => {
    const { store, asked } = journalStore([...entries]);
    expect(await readAll(store, 0, pageSize)).toEqual(entries);
    expect(asked).toHaveLength(Math.ceil(10 / pageSize) + 1);
    expect(asked[0]).toEqual({ after: 0, limit: pageSize });
  });

  it('yields nothing for an empty journal', async () => {
    expect(await readAll(journalStore([]).store)).toEqual([]);
  });

  it('reads from the entry after a seq', async () => {
    const { store, asked } = journalStore([...entries]);
    expect(await readAll(store, 7)).toEqual(entries.slice(7));
    expect(asked[0]).toEqual({ after: 7, limit: 250 });
    expect(await readAll(store, 10)).toEqual([]);
  });

  it('starts at the oldest entry that a purge has left', async () => {
    const start = anchorOf(entries[3]!);
    const { store } = journalStore(entries.slice(4), start);
    expect(await readAll(store)).toEqual(entries.slice(4));
    expect(await verifyJournal(readJournal(store), { after: start })).toMatchObject({ ok: true, count: 6 });
  });

  it('also yields entries that are written during the read', async () => {
    const growing = entries.slice(0, 4);
    const read: AuditEntry[] = [];
    for await (const entry of readJournal(journalStore(growing).store, 0, 2)) {
      read.push(entry);
      if (entry.seq === 4) growing.push(...entries.slice(4));
    }
    expect(read).toEqual(entries);
  });

  it('L30 rejects when a page cannot be read, instead of ending', async () => {
    const { store } = journalStore([...entries]);
    const journal = vi.spyOn(store, 'journal');
    const read: AuditEntry[] = [];
    const reading = (async () => {
      for await (const entry of readJournal(store, 0, 4)) {
        read.push(entry);
        journal.mockRejectedValueOnce(new Error('ECONNRESET'));
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ERR_JIT_STORE', message: 'store.journal: ECONNRESET' });
    expect(read).toEqual(entries.slice(0, 4));
    await expect(verifyJournal(readJournal({ journal: () => Promise.reject(new Error('down')) } as unknown as GrantStore))).rejects.toThrow(
      'down',
    );
  });

  it.each([1, 7])(
    'L33 rejects with the advice to read again, not with corruption, where a purge trims the next entries, from %s on',
    async (after) => {
      const { store } = journalStore(entries.slice(8), anchorOf(entries[7]!));
      await expect(readAll(store, after)).rejects.toMatchObject({
        code: 'ERR_JIT_CONFLICT',
        message: expect.stringMatching(`trimmed entries ${after + 1} to 8 .* read it again from its start`) as string,
      });
      expect(await readAll(store, 8)).toEqual(entries.slice(8));
    },
  );

  it('yields nothing where a purge has trimmed every entry', async () => {
    const { store } = journalStore([], anchorOf(entries[9]!));
    expect(await readAll(store)).toEqual([]);
  });

  it('L30 rejects where a store returns no entries before its head', async () => {
    const { store } = journalStore([]);
    const journal = () => Promise.resolve({ entries: [], start: GENESIS, head: anchorOf(entries[9]!) });
    await expect(readAll({ ...store, journal })).rejects.toMatchObject({
      code: 'ERR_JIT_STORE',
      operation: 'journal',
      message: expect.stringMatching('no entry after 0, but the head is entry 10') as string,
    });
    await expect(readAll({ ...store, journal }, 10)).resolves.toEqual([]);
  });

  it.each([undefined, NaN, 0, 4])('L30 yields a page whose last seq is %s, and does not continue from there', async (seq) => {
    const { store } = journalStore([...entries]);
    const page = [...entries.slice(4, 6), { ...entries[6]!, seq: seq as number }];
    const journal = () => Promise.resolve({ entries: page, start: GENESIS, head: anchorOf(entries[9]!) });
    const read: AuditEntry[] = [];
    const reading = (async () => {
      for await (const entry of readJournal({ ...store, journal }, 4)) read.push(entry);
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'ERR_JIT_STORE',
      operation: 'journal',
      message: expect.stringMatching('does not advance') as string,
    });
    expect(read).toEqual(page);
  });

  it.each([
    ['store', [null]],
    ['store', [{}]],
    ['after', [journalStore([]).store, -1]],
    ['after', [journalStore([]).store, '0']],
    ['pageSize', [journalStore([]).store, 0, 1.5]],
    ['pageSize', [journalStore([]).store, 0, Infinity]],
  ])('names the invalid argument: %s', async (argument, args) => {
    await expect(readAll(...(args as never as Parameters<typeof readJournal>))).rejects.toMatchObject({
      code: 'ERR_JIT_INVALID_ARGUMENT',
      argument,
    });
  });

  it('lets timers run between its pages, also over a synchronous store', async () => {
    let ran = false;
    const timer = setTimeout(() => (ran = true), 0);
    let ranBefore = false;
    for await (const { seq } of readJournal(journalStore([...entries]).store, 0, 2)) if (seq === 9) ranBefore = ran;
    clearTimeout(timer);
    expect(ranBefore).toBe(true);
  });

  it('requests no more pages than its reader consumes', async () => {
    const { store, asked } = journalStore([...entries]);
    for await (const entry of readJournal(store, 0, 2)) if (entry.seq === 2) break;
    expect(asked).toHaveLength(1);
  });
});

describe('readEntries()', () => {
  const entries = journalOf(2);

  it.each([
    ['a list', entries],
    ['a set', new Set(entries)],
    ['the iterator of readJournal', readJournal(journalStore([...entries]).store)],
  ])('accepts %s unchanged', (_, value) => {
    expect(readEntries('entries', value)).toBe(value);
  });

  it.each([
    undefined,
    null,
    7,
    'entries',
    {},
    { length: 0 },
    { [Symbol.iterator]: 'next' },
    Object.assign(() => entries, { [Symbol.iterator]: () => entries.values() }),
  ])('L30 refuses a value that is neither entries nor text: case %#', (value) => {
    expect(() => readEntries('entries', value)).toThrow(
      expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'entries' }) as Error,
    );
  });
});
