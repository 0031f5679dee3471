import { describe, expect, it } from 'vitest';
import { ClosedError } from '../../src/core/errors.js';
import { GENESIS } from '../../src/journal/link.js';
import {
  askJournal,
  askLive,
  askPage,
  askRows,
  askStore,
  askWindow,
  isCommitAnswer,
  isPageAfter,
  isRows,
} from '../../src/journal/store-reads.js';
import { aRow } from '../../src/testing.js';
import { anchorOf, journalOf } from './sample.js';

const refused = { code: 'ERR_JIT_STORE', message: expect.stringMatching('the answer of the store is malformed') as string };
const answers = (answer: unknown) => () => Promise.resolve(answer as never);

describe('calls to a store', () => {
  it('return synchronously where the store does', () => {
    expect(askStore('live', () => [], isRows)).toEqual([]);
    expect(() => askStore('live', () => 7 as never, isRows)).toThrow('store.live: the answer of the store is malformed');
  });

  it("L30 pass on a JitError unchanged, and wrap every other error with the method's name", async () => {
    const closed = new ClosedError();
    const rejects = (error: unknown) => askStore('find', () => Promise.reject(error as Error), isRows);
    await expect(rejects(closed)).rejects.toBe(closed);
    const cause = new Error('ECONNRESET');
    await expect(rejects(cause)).rejects.toMatchObject({
      code: 'ERR_JIT_STORE',
      operation: 'find',
      message: 'store.find: ECONNRESET',
      cause,
    });
    await expect(rejects('odd')).rejects.toMatchObject({ code: 'ERR_JIT_STORE', cause: 'odd' });
    const throws = () =>
      askStore(
        'get',
        () => {
          throw cause;
        },
        isRows,
      );
    expect(throws).toThrow(expect.objectContaining({ code: 'ERR_JIT_STORE', operation: 'get', cause }) as Error);
  });

  const head = anchorOf(journalOf(3)[2]!);
  const slice = { entries: [], start: GENESIS, head };

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no entries', { ...slice, entries: undefined }],
    ['no start', { ...slice, start: undefined }],
    ['no head', { ...slice, head: null }],
    ['a seq that is a text', { ...slice, head: { ...head, seq: '3' } }],
    ['a negative seq', { ...slice, start: { ...GENESIS, seq: -1 } }],
    ['a fractional seq', { ...slice, head: { ...head, seq: 2.5 } }],
    ['no hash', { ...slice, head: { seq: 3 } }],
    ['a short hash', { ...slice, head: { seq: 3, hash: 'ab' } }],
    ['a hash in upper case', { ...slice, head: { seq: 3, hash: 'A'.repeat(64) } }],
    ['a hash that is a list', { ...slice, head: { seq: 3, hash: ['a'.repeat(64)] } }],
    ['a hash with an additional character at the front', { ...slice, head: { seq: 3, hash: `x${'a'.repeat(64)}` } }],
    ['a hash with an additional character at the end', { ...slice, head: { seq: 3, hash: `${'a'.repeat(64)}x` } }],
    ['a start after its head', { ...slice, start: { ...head, seq: 4 } }],
  ])('L30 refuse a slice of the journal with %s', async (_, answer) => {
    expect(await askJournal({ journal: answers(slice) }, { after: 0, limit: 1 })).toBe(slice);
    await expect(askJournal({ journal: answers(answer) }, { after: 0, limit: 1 })).rejects.toMatchObject(refused);
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['no items', { next: undefined }],
    ['a next that is not a string', { items: [], next: 7 }],
    ['a next that is not a cursor', { items: [], next: 'a' }],
    ['a next that repeats its own page', { items: [], next: '[1,"a"]' }],
  ])('L30 refuse a page with %s', async (_, answer) => {
    const page = { items: [], next: '[1,"b"]' };
    const query = { kind: 'grant', after: '[1,"a"]', limit: 1 };
    expect(await askPage({ find: answers(page) }, query)).toBe(page);
    await expect(askPage({ find: answers(answer) }, query)).rejects.toMatchObject(refused);
  });

  it("L30 wrap every other error of a check with its method's name, and refuse an invalid answer", async () => {
    const query = { subject: 'user:maya', at: 0 };
    const rows = [aRow()];
    expect(askLive({ live: () => rows }, query)).toBe(rows);
    const cause = new Error('ECONNRESET');
    const throws = () =>
      askLive(
        {
          live: () => {
            throw cause;
          },
        },
        query,
      );
    expect(throws).toThrow(expect.objectContaining({ code: 'ERR_JIT_STORE', operation: 'live', cause }) as Error);
    expect(() => askLive({ live: () => null as never }, query)).toThrow(
      expect.objectContaining({ ...refused, operation: 'live' }) as Error,
    );
    await expect(askLive({ live: answers(undefined) }, query)).rejects.toMatchObject({ ...refused, operation: 'live' });
    await expect(askRows({ get: answers(undefined) }, [{ kind: 'grant', id: 'a' }])).rejects.toMatchObject({ operation: 'get' });
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['too few', []],
    ['too many', [undefined, undefined]],
  ])('L30 refuse %s rows', async (_, answer) => {
    const rows = [aRow({ kind: 'grant', id: 'a' })];
    expect(await askRows({ get: answers(rows) }, [{ kind: 'grant', id: 'a' }])).toBe(rows);
    await expect(askRows({ get: answers(answer) }, [{ kind: 'grant', id: 'a' }])).rejects.toMatchObject(refused);
  });
});

describe('askWindow()', () => {
  it("returns the store's window, or undefined without one or without windowOf", () => {
    const window = { until: 5 };
    expect(askWindow({ windowOf: () => window as never }, 's', 'a')).toBe(window);
    expect(askWindow({ windowOf: () => undefined }, 's', 'a')).toBeUndefined();
    expect(askWindow({}, 's', 'a')).toBeUndefined();
  });

  it.each([null, 7, 'window'])('L30 refuses %j as a window', (answer) => {
    const ask = () => askWindow({ windowOf: () => answer as never }, 's', 'a');
    expect(ask).toThrow(expect.objectContaining({ ...refused, operation: 'windowOf' }) as Error);
  });

  it('L30 names the method where the store throws', () => {
    const ask = () =>
      askWindow(
        {
          windowOf: () => {
            throw new Error('ECONNRESET');
          },
        },
        's',
        'a',
      );
    expect(ask).toThrow(expect.objectContaining({ code: 'ERR_JIT_STORE', operation: 'windowOf' }) as Error);
  });
});

describe('isCommitAnswer()', () => {
  const knowing = { id: 'c', expect: [], put: [], append: [], knows: GENESIS } as never;
  const plain = { id: 'c', expect: [], put: [], append: [] } as never;
  it.each([
    ['committed', plain, true],
    ['conflict', plain, true],
    ['behind', knowing, true],
    ['behind', plain, false],
    ['other', knowing, false],
    [undefined, knowing, false],
  ])('L30 accepts %s: case %#, %s', (outcome, change, isAnswer) => {
    expect(isCommitAnswer({ outcome, head: GENESIS }, change)).toBe(isAnswer);
    expect(isCommitAnswer({ outcome, head: { seq: 1 } }, change)).toBe(false);
  });

  it.each([undefined, null, 7, 'committed'])('L30 refuses %j', (answer) => {
    expect(isCommitAnswer(answer, plain)).toBe(false);
  });
});

describe('isPageAfter()', () => {
  it.each([
    [undefined, true],
    ['b', true],
    ['a', false],
    [7, false],
    [null, false],
  ])('L30 accepts a page whose next is %j: %s', (next, isPage) => {
    expect(isPageAfter('a')({ items: [], next })).toBe(isPage);
  });
});
