import { describe, expect, it } from 'vitest';
import { bookmark, readBookmark } from '../../src/records/bookmark.js';
import type { Row } from '../../src/store.js';
import { refusal } from '../engine/an-engine.js';

describe('bookmark()', () => {
  it('is an open row without subject and instants, with every column', () => {
    expect(bookmark('cursor', 'siem', 3, { seq: 7 })).toStrictEqual({
      kind: 'cursor',
      id: 'siem',
      version: 3,
      subject: undefined,
      scope: undefined,
      open: true,
      createdAt: 0,
      from: undefined,
      until: undefined,
      dueAt: undefined,
      sortAt: undefined,
      body: { seq: 7 },
    });
  });

  it('L30 takes only the fields that the table of its kind declares, also from a variable', () => {
    const body = { seq: 7, note: 'x' };
    // @ts-expect-error: an undeclared field has no layout
    expect(bookmark('cursor', 'siem', 1, body).body).toEqual(body);
  });
});

describe('readBookmark()', () => {
  it('reads the number of a row, and 0 without a row', () => {
    expect(readBookmark(bookmark('cursor', 'siem', 1, { seq: 7 }), 'seq')).toBe(7);
    expect(readBookmark(undefined, 'seq')).toBe(0);
  });

  it('L30 refuses a row without a valid number, instead of reading 0', async () => {
    const row = bookmark('cursor', 'siem', 1, { seq: 7 });
    for (const body of [{}, { seq: '7' }, { seq: -1 }, { seq: 1.5 }, { seq: null }, { before: 7 }, null, 'seq', undefined]) {
      await refusal(() => readBookmark({ ...row, body } as unknown as Row, 'seq'), 'ERR_JIT_CORRUPT');
    }
    expect(await refusal(() => readBookmark({ ...row, body: {} }, 'seq'), 'ERR_JIT_CORRUPT')).toMatchObject({
      kind: 'bookmark',
      id: 'seq',
    });
    await refusal(() => readBookmark('row' as unknown as Row, 'seq'), 'ERR_JIT_CORRUPT');
  });
});
