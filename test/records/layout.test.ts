import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { BOOKMARKS } from '../../src/records/bookmark.js';
import {
  count,
  headOf,
  instant,
  list,
  oneOf,
  optional,
  set,
  sparse,
  struct,
  text,
  variants,
  type Field,
} from '../../src/records/fields.js';
import { encode, KINDS } from '../../src/records/index.js';
import { columns, encodeAs, kindOf, type Columns, type Kind } from '../../src/records/kind.js';
import { newValues, silent, since, withSilent } from '../../src/records/marks.js';
import { hasMore, neededLayout, NEW, withMore } from '../../src/records/layout.js';
import { aGrant, anEntry, aRequest } from '../../src/testing.js';
import { refusal } from '../engine/an-engine.js';

type End = { readonly status: 'done'; readonly at: number } | { readonly status: 'frozen'; readonly at: number };

/** A made-up kind of layout 4, with a mark at each place that may have one. */
interface Memo {
  readonly kind: 'memo';
  readonly id: string;
  readonly version: number;
  readonly author: string | undefined;
  readonly level: 'low' | 'high' | 'highest';
  readonly pinned: boolean;
  readonly parts: readonly { readonly text: string; readonly tags: readonly ('new' | 'old')[]; readonly length: number | undefined }[];
  readonly end: End | undefined;
  readonly label: string | undefined;
  readonly mood: 'calm' | 'alarmed' | undefined;
}

/** The functions of the codec, for a record that the sources lack. */
const codec = { kindOf, withSilent, encodeAs } as unknown as {
  kindOf(table: Field<Memo>, make: (fields: Memo) => Memo, columnsOf: (record: Memo) => Columns): Kind<Memo>;
  withSilent(kind: Kind<Memo>): Kind<Memo>;
  encodeAs(kind: Kind<Memo>, record: Memo): Row;
};

const MEMO: Kind<Memo> = codec.withSilent(
  codec.kindOf(
    struct<Memo>()({
      ...headOf('memo'),
      author: since(2, optional(text)),
      level: newValues({ high: 2, highest: 3 }, oneOf('low', 'high', 'highest')),
      pinned: since(2, sparse(set, 'pin')),
      parts: list(
        struct<Memo['parts'][number]>()({
          text,
          tags: list(newValues({ new: 4 }, oneOf('new', 'old'))),
          length: since(3, optional(count)),
        }),
      ),
      end: newValues({ frozen: 3 }, optional(variants<End>()('status')({ done: { at: instant }, frozen: { at: instant } }))) as never,
      label: silent(2, text),
      mood: silent(2, newValues({ alarmed: 3 }, oneOf('calm', 'alarmed'))),
    }),
    ({ kind, id, version, author, level, pinned = false, parts, end, label, mood }) => ({
      kind,
      id,
      version,
      author,
      level,
      pinned,
      parts,
      end,
      label,
      mood,
    }),
    () => columns(undefined, undefined, true, 0),
  ),
);

const PLAIN: Memo = {
  ...({ kind: 'memo', id: 'm1', version: 1, author: undefined, level: 'low', pinned: false, parts: [] } as const),
  ...{ end: undefined, label: undefined, mood: undefined },
};

const rowOf = (over: Partial<Memo> = {}): Row => JSON.parse(JSON.stringify(codec.encodeAs(MEMO, { ...PLAIN, ...over }))) as Row;
const decode = (over: Partial<Memo>, body: JsonObject = {}) => {
  const row = rowOf(over);
  return MEMO.decode({ ...row, body: { ...row.body, ...body } });
};

/** Adds a made-up kind to a table of the sources while `work` runs. */
function withKind<T>(to: object, name: string, value: unknown, work: () => T): T {
  Object.assign(to, { [name]: value });
  try {
    return work();
  } finally {
    Reflect.deleteProperty(to, name);
  }
}

const withMemo = <T>(work: () => T): T => withKind(KINDS, 'memo', MEMO, work);

describe('a silent field', () => {
  it('lies in `more` of the body, and is read from there', () => {
    expect(rowOf({ label: 'x', mood: 'calm' }).body).toEqual({ level: 'low', parts: [], more: { label: 'x', mood: 'calm' } });
    expect(decode({ label: 'x' })).toEqual({ ...PLAIN, label: 'x' });
    expect(decode({})).toEqual(PLAIN);
    expect(rowOf().body).toEqual({ level: 'low', parts: [] });
  });

  it('L30 makes the row malformed at any other place, and with a value that this version does not write', async () => {
    for (const body of [{ label: 'x' }, { more: { label: 7 } }, { more: { label: null } }, { more: { mood: 'furious' } }, { more: 'x' }]) {
      await refusal(() => decode({}, body), 'ERR_JIT_CORRUPT');
    }
    expect(decode({}, { more: { label: 'x', later: [1] } })).toEqual({ ...PLAIN, label: 'x' });
  });

  it('is no reason to read a row again, because its record has it', () => {
    withMemo(() => {
      expect([rowOf(), rowOf({ label: 'x', mood: 'calm' })].map(hasMore)).toEqual([false, false]);
      const later = { ...rowOf(), body: { ...rowOf().body, more: { label: 'x', later: 1 } } };
      expect([later, { ...later, kind: 'other' }, { ...rowOf({ label: 'x' }), kind: 'constructor' }].map(hasMore)).toEqual([
        true,
        true,
        true,
      ]);
    });
  });

  it('of a later version stays, and a known one can be cleared', () => {
    withMemo(() => {
      const before = rowOf({ label: 'x', mood: 'calm' });
      const later = { ...before, body: { ...before.body, more: { label: 'x', mood: 'calm', later: { deep: [1] }, constructor: 1 } } };
      expect(withMore(rowOf(), before)).toEqual(rowOf());
      expect(withMore(rowOf({ label: 'y' }), before)).toEqual(rowOf({ label: 'y' }));
      expect(withMore(rowOf(), later).body['more']).toEqual({ later: { deep: [1] }, constructor: 1 });
      expect(withMore(rowOf({ label: 'y' }), later).body['more']).toEqual({ label: 'y', later: { deep: [1] }, constructor: 1 });
    });
  });

  it('compiles only at the first level of a record', () => {
    const refused = [
      // @ts-expect-error processes of an earlier layout write the objects of a list as a whole
      struct<Memo['parts'][number]>()({ text, tags: list(oneOf('new', 'old')), length: silent(2, count) }),
      // @ts-expect-error an earlier process writes none
      struct<Pick<Memo, 'kind' | 'id' | 'version' | 'level'>>()({ ...headOf('memo'), level: silent(2, oneOf('low', 'high', 'highest')) }),
      // @ts-expect-error a list of silent fields
      list(silent(2, text)),
    ];
    expect(refused).toHaveLength(3);
  });
});

describe('neededLayout()', () => {
  const needed = (row: Row) => withMemo(() => neededLayout({ put: [encode(aGrant()), row], append: [] }));

  it.each<readonly [string, Partial<Memo>, number | undefined]>([
    ['without a binding field', { label: 'x', mood: 'calm' }, undefined],
    ['with a binding field', { author: 'user:maya' }, 2],
    ['with a text that names a property of every object', { author: 'constructor' }, 2],
    ['with a new value', { level: 'high' }, 2],
    ['with a newer value', { level: 'highest' }, 3],
    ['with a field under another name', { pinned: true }, 2],
    [
      'with a field inside a list',
      {
        parts: [
          { text: 'a', tags: [], length: undefined },
          { text: 'b', tags: [], length: 1 },
        ],
      },
      3,
    ],
    ['with a new value in a list inside a list', { parts: [{ text: 'a', tags: ['old', 'new'], length: undefined }] }, 4],
    ['with old values only', { parts: [{ text: 'a', tags: ['old'], length: undefined }], end: { status: 'done', at: 1 } }, undefined],
    ['with a new variant', { end: { status: 'frozen', at: 1 } }, 3],
    ['with a new value of a silent field', { mood: 'alarmed' }, 3],
  ])('is for a row %s the oldest that reads it', (_, over, layout) => {
    expect(needed(rowOf(over))).toBe(layout);
  });

  it('is for the row of a bookmark the oldest that reads its fields', () => {
    withKind(BOOKMARKS, 'stamp', { seq: count, by: since(2, optional(text)) }, () => {
      const of = (body: JsonObject) => neededLayout({ put: [{ ...rowOf(), kind: 'stamp', body }], append: [] });
      expect([of({ seq: 1 }), of({ seq: 1, by: 'user:maya' })]).toEqual([undefined, 2]);
    });
  });

  it('is for a kind and for a type of entry the one that introduced it', () => {
    withKind(NEW, 'memo', 3, () => expect(needed(rowOf({ level: 'high' }))).toBe(3));
    const append = [anEntry({ type: 'grant.issued' }), anEntry({ type: 'grant.seen' })];
    withKind(NEW, 'grant.seen', 4, () => expect(neededLayout({ put: [rowOf()], append })).toBe(4));
  });

  it('is undefined for what layout 1 has', () => {
    expect(neededLayout({ put: [encode(aGrant()), encode(aRequest())], append: [anEntry({ type: 'grant.issued' })] })).toBeUndefined();
    expect(neededLayout({ put: [], append: [] })).toBeUndefined();
  });
});

it('a marked field is read where a row has it, and missing where an earlier process wrote the row', () => {
  const whole = { author: 'user:maya', level: 'highest', end: { status: 'frozen', at: 1 } } as const;
  expect(decode(whole)).toEqual({ ...PLAIN, ...whole });
  expect(decode({})).toEqual(PLAIN);
});
