import { aRow, START_AT } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import type { Row } from '../../../src/ports.js';
import { LiveIndex } from '../../../src/stores/memory/live-index.js';

/** An index, and the ids of the rows that questions have looked at: those whose `until` was read. */
function watched(rows: readonly Row[]): { readonly index: LiveIndex; readonly looks: Set<string> } {
  const index = new LiveIndex();
  const looks = new Set<string>();
  for (const row of rows) {
    index.add(
      Object.defineProperty({ ...row }, 'until', {
        get() {
          looks.add(row.id);
          return row.until;
        },
      }),
    );
  }
  return { index, looks };
}

describe('LiveIndex', () => {
  it('L34 looks at the rows of the subject on the scope alone', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => aRow({ id: `r${i}`, subject: `user:${i % 100}`, scope: `db:${(i / 100) | 0}` }));
    const { index, looks } = watched(rows);
    expect(index.find('user:7', 'db:3', START_AT)).toHaveLength(1);
    expect(looks.size).toBe(1);
    expect(index.find('user:7', 'db:none', START_AT)).toHaveLength(0);
    expect(index.find('user:none', 'db:3', START_AT)).toHaveLength(0);
    expect(looks.size).toBe(1);
    expect(index.find('user:7', undefined, START_AT)).toHaveLength(100);
    expect(looks.size).toBe(100);
  });

  it('hands out nothing through which what it keeps could be changed', () => {
    const index = new LiveIndex();
    const [a, b, c] = [aRow({ id: 'a' }), aRow({ id: 'b', scope: 'db:other' }), aRow({ id: 'c', scope: 'db:other' })];
    for (const row of [a, b, c]) index.add(row);
    const reads: readonly (readonly [scope: string | undefined, at: number, rows: readonly Row[]])[] = [
      ['db-prod:write', START_AT, [a]],
      ['db:other', START_AT, [b, c]],
      [undefined, START_AT, [a, b, c]],
      ['db-prod:write', Infinity, []],
      ['db:other', Infinity, []],
      ['db:none', START_AT, []],
    ];
    for (const [scope, at, rows] of reads) {
      const list = index.find('user:maya', scope, at);
      Reflect.set(list, 'length', 0);
      Reflect.set(list, 0, aRow({ id: 'forged' }));
      expect(index.find('user:maya', scope, at)).toEqual(rows);
    }
    Reflect.set(index.find('user:nobody', undefined, START_AT), 0, a);
    expect(index.find('user:nobody', undefined, START_AT)).toEqual([]);
  });

  it('leaves a list that was handed out as it was', () => {
    const index = new LiveIndex();
    const [a, b] = [aRow({ id: 'a' }), aRow({ id: 'b' })];
    index.add(a);
    const before = index.find('user:maya', 'db-prod:write', START_AT);
    index.add(b);
    const between = index.find('user:maya', 'db-prod:write', START_AT);
    index.remove(a);
    expect(before).toEqual([a]);
    expect(between).toEqual([a, b]);
    expect(index.find('user:maya', 'db-prod:write', START_AT)).toEqual([b]);
  });

  it('gives rows whose until is unknown at every instant', () => {
    const index = new LiveIndex();
    index.add(aRow({ kind: 'usage', id: 'u', until: undefined }));
    expect(index.find('user:maya', undefined, 8.64e15)).toHaveLength(1);
  });

  it('removes nothing but the row that it is given, itself', () => {
    const index = new LiveIndex();
    const row = aRow({ id: 'a' });
    index.add(row);
    for (const other of [aRow({ id: 'a' }), aRow({ subject: 'user:noor' }), aRow({ scope: 'db:other' }), aRow({ open: false })]) {
      index.remove(other);
      expect(index.find('user:maya', undefined, START_AT)).toEqual([row]);
    }
    index.remove(row);
    index.remove(row);
    expect(index.find('user:maya', undefined, START_AT)).toEqual([]);
  });
});
