import { aRow } from 'jit-access/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Row } from '../../../src/core/store-port.js';
import { OrderedRows, type OrderedPage } from '../../../src/stores/memory/ordered-rows.js';

/** Rows by `dueAt`, then id, in an order that counts its comparisons and the fields it reads, next to a map of the current rows. */
class Counted {
  comparisons = 0;
  /** The most comparisons of a single write. */
  dearest = 0;
  readonly current = new Map<string, Row>();
  readonly rows = new OrderedRows((a, b) => {
    this.comparisons += 1;
    return before(a, b);
  });

  put(id: string, dueAt: number): Row {
    const row = aRow({ id, dueAt });
    this.remove(id);
    this.current.set(id, row);
    this.#write(() => this.rows.add(row));
    return row;
  }

  remove(id: string): void {
    const old = this.current.get(id);
    this.current.delete(id);
    if (old !== undefined) this.#write(() => this.rows.remove(old));
  }

  #write(write: () => void): void {
    const before = this.comparisons;
    write();
    this.dearest = Math.max(this.dearest, this.comparisons - before);
  }

  due(at: number, limit = Infinity, after?: Row): readonly Row[] {
    const isBehind = (row: Row) => {
      this.comparisons += 1;
      return after !== undefined && !before(after, row);
    };
    const isBeyond = (row: Row) => {
      this.comparisons += 1;
      return (row.dueAt as number) > at;
    };
    return this.rows.read({ limit, isBehind, isBeyond }).rows;
  }

  reset(): void {
    this.comparisons = this.dearest = 0;
  }
}

function before(a: Row, b: Row): boolean {
  return a.dueAt === b.dueAt ? a.id < b.id : (a.dueAt as number) < (b.dueAt as number);
}

const sorted = (rows: Iterable<Row>): Row[] => [...rows].sort((a, b) => (before(a, b) ? -1 : 1));

/** The numbers below `count` in a scrambled order. */
const shuffled = (count: number): number[] => Array.from({ length: count }, (_, i) => (i * 7919) % count);

/** The longest lists that were written in their middle, which moves the items after it: of rows, and of such lists. */
function lengthsMoved(work: () => void): { readonly rows: number; readonly lists: number } {
  const { splice } = Array.prototype;
  const longest = { rows: 0, lists: 0 };
  const spy = vi.spyOn(Array.prototype, 'splice').mockImplementation(function (this: unknown[], ...given) {
    const kind = Array.isArray(this[0]) ? 'lists' : 'rows';
    longest[kind] = Math.max(longest[kind], this.length);
    return Reflect.apply(splice, this, given) as unknown[];
  });
  try {
    work();
  } finally {
    spy.mockRestore();
  }
  return longest;
}

describe('OrderedRows', () => {
  it('reads rows in order after insertion in any order', () => {
    const counted = new Counted();
    for (const i of shuffled(1_000)) counted.put(`r${i}`, i);
    expect(counted.due(Infinity).map((row) => row.dueAt)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    expect(counted.due(9).map((row) => row.dueAt)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(counted.due(-1)).toEqual([]);
    expect(new Counted().due(Infinity)).toEqual([]);
  });

  it('returns each row once, in its newest version, and no removed row', () => {
    const counted = new Counted();
    for (const i of shuffled(100)) counted.put(`r${i}`, i);
    for (let i = 0; i < 100; i += 2) counted.put(`r${i}`, 1_000 + i);
    for (let i = 0; i < 100; i += 5) counted.remove(`r${i}`);
    expect(counted.due(Infinity)).toEqual(sorted(counted.current.values()));
  });

  it('reads several lists as one', () => {
    const [a, b] = [new Counted(), new Counted()];
    const [odd, even] = [new OrderedRows(before), new OrderedRows(before)];
    for (const i of shuffled(50)) (i % 2 === 0 ? even : odd).add(aRow({ id: `r${i}`, dueAt: i }));
    const read = (page: OrderedPage) => odd.read(page, [even]).rows.map((row) => row.dueAt);
    expect(read({ limit: 10 })).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(read({ limit: 5, isBackwards: true })).toEqual([49, 48, 47, 46, 45]);
    expect(a.rows.read({ limit: 10 }, [b.rows])).toEqual({ rows: [], next: undefined });
  });

  it('skips rows that are not wanted, and stops at the limit', () => {
    const counted = new Counted();
    for (const i of shuffled(100)) counted.put(`r${i}`, i);
    const { rows, next } = counted.rows.read({ limit: 3, isWanted: (row) => (row.dueAt as number) % 10 === 7 });
    expect(rows.map((row) => row.dueAt)).toEqual([7, 17, 27]);
    expect(next).toBe(rows.at(-1));
  });

  it.each([
    [false, [0, 4], [5, 9], [95, 99]],
    [true, [99, 95], [94, 90], [4, 0]],
  ])('reads at most the given number of rows, backwards: %s, and returns where to continue', (isBackwards, first, second, last) => {
    const counted = new Counted();
    for (const i of shuffled(100)) counted.put(`r${String(i).padStart(2, '0')}`, i);
    const pages: number[][] = [];
    const looked: number[] = [];
    const isWanted = (row: Row) => looked.push(row.dueAt as number) > 0 && (row.dueAt as number) % 50 === 7;
    for (let next: Row | undefined, more = true; more; more = next !== undefined) {
      const place = next;
      const isBehind = place && ((row: Row) => (isBackwards ? before(row, place) : !before(place, row)));
      const page = counted.rows.read({ limit: 3, look: 5, isBackwards, isBehind, isWanted });
      pages.push(page.rows.map((row) => row.dueAt as number));
      expect(looked.length).toBe(5 * pages.length);
      next = page.next;
    }
    expect([looked[0], looked[4], looked[5], looked[9], looked[95], looked[99]]).toEqual([...first, ...second, ...last]);
    expect(pages.flat()).toEqual(isBackwards ? [57, 7] : [7, 57]);
    expect(pages).toHaveLength(20);
  });

  it('returns the pages of a sorted list of the current rows, after any writes and with any limit', () => {
    const write = fc.record({ id: fc.integer({ min: 0, max: 200 }), dueAt: fc.integer({ min: 0, max: 20 }), gone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 800 }), fc.integer({ min: 1, max: 9 }), fc.nat(25), (writes, limit, at) => {
        const counted = new Counted();
        for (const [i, { id, dueAt, gone }] of writes.entries()) {
          if (gone) counted.remove(`r${id}`);
          else counted.put(`r${id}`, dueAt);
          if (i % 37 === 0)
            expect(counted.due(dueAt, limit)).toEqual(
              sorted(counted.current.values())
                .filter((row) => (row.dueAt as number) <= dueAt)
                .slice(0, limit),
            );
        }
        const pages: Row[] = [];
        for (let page = counted.due(at, limit); page.length > 0; page = counted.due(at, limit, pages.at(-1))) pages.push(...page);
        expect(pages).toEqual(sorted(counted.current.values()).filter((row) => (row.dueAt as number) <= at));
      }),
    );
  });

  it('L34 the cost of a page depends on its length and the depth of the index, not on the number of stored rows', () => {
    const costOf = (stored: number) => {
      const counted = new Counted();
      for (const i of shuffled(stored)) counted.put(`r${i}`, i);
      counted.due(0);
      counted.reset();
      expect(counted.due(9, 100)).toHaveLength(10);
      return counted.comparisons;
    };
    const [small, large] = [costOf(1_000), costOf(64_000)];
    expect(large).toBeLessThan(3 * small);
    expect(large).toBeLessThan(1_000);
  });

  it('L34 sweeping 10,000 rows in pages, each handled before the next is read, is in order and costs n log n', () => {
    const count = 10_000;
    const counted = new Counted();
    for (const i of shuffled(count)) counted.put(`r${i}`, i >> 2);
    counted.reset();
    const swept: Row[] = [];
    for (let page = counted.due(Infinity, 100); page.length > 0; page = counted.due(Infinity, 100)) {
      swept.push(...page);
      for (const row of page) counted.remove(row.id);
    }
    expect(swept).toHaveLength(count);
    expect(swept).toEqual(sorted(swept));
    expect(counted.comparisons).toBeLessThan(count * 6 * Math.log2(count));
  });

  it('adds a row at a cost that grows with the logarithm of the stored rows', () => {
    const counted = new Counted();
    const count = 32_768;
    for (const i of shuffled(count)) counted.put(`r${i}`, i);
    expect(counted.comparisons).toBeLessThan(count * 2 * Math.log2(count));
  });

  it('L42 no single write costs more than the depth of the index, or moves more than a short list [V6]', () => {
    const counted = new Counted();
    const count = 32_768;
    const moved = lengthsMoved(() => {
      for (const i of shuffled(count)) counted.put(`r${i}`, i);
      for (const i of shuffled(count)) counted.put(`r${i}`, count + i);
      for (const i of shuffled(count)) counted.remove(`r${i}`);
    });
    expect(counted.due(Infinity)).toEqual([]);
    // One search over the lists, and one in a list of at most 70.
    expect(counted.dearest).toBeLessThanOrEqual(Math.log2(count) + Math.log2(70) + 2);
    expect(moved.rows).toBeLessThanOrEqual(70);
    // Two neighbouring lists hold 35 rows or more.
    expect(moved.lists).toBeLessThanOrEqual(2 * Math.ceil(count / 35) + 1);
  });

  it.each(['from the first on', 'from the last on'])('merges short lists after many removals, %s', (order) => {
    const counted = new Counted();
    for (const i of shuffled(70_000)) counted.put(`r${i}`, i);
    const from = order === 'from the first on' ? 0 : 69_999;
    for (let i = 0; i < 70_000; i++) if (i % 100 !== 0) counted.remove(`r${Math.abs(from - i)}`);
    // Of 700 rows: without merging, each would have its own list.
    const { lists } = lengthsMoved(() => {
      for (const id of [...counted.current.keys()]) counted.remove(id);
    });
    expect(lists).toBeLessThanOrEqual(2 * (700 / 35) + 1);
    expect(counted.due(Infinity)).toEqual([]);
  });

  it('stays in order after the removal of a row that it does not contain', () => {
    const counted = new Counted();
    for (const i of shuffled(100)) counted.put(`r${i}`, i);
    counted.rows.remove(aRow({ id: 'r50', dueAt: 50 }));
    counted.rows.remove(aRow({ id: 'other', dueAt: 1_000 }));
    expect(counted.due(Infinity)).toEqual(sorted(counted.current.values()));
  });
});
