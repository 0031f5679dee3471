import { aRow } from 'jit-access/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Row } from '../../../src/ports.js';
import { OrderedRows } from '../../../src/stores/memory/ordered-rows.js';

const yes = () => true;
const no = () => false;

/** Rows by `dueAt`, then id, in an order that counts its comparisons, over a map that says what is current. */
class Counted {
  comparisons = 0;
  lookups = 0;
  readonly current = new Map<string, Row>();
  readonly rows = new OrderedRows(
    (a, b) => {
      this.comparisons += 1;
      return before(a, b);
    },
    (row) => {
      this.lookups += 1;
      return this.current.get(row.id) === row;
    },
  );

  put(id: string, dueAt: number): Row {
    const row = aRow({ id, dueAt });
    const old = this.current.get(id);
    this.current.set(id, row);
    if (old !== undefined) this.rows.forget();
    this.rows.add(row);
    return row;
  }

  remove(id: string): void {
    if (this.current.delete(id)) this.rows.forget();
  }

  due(at: number, limit = Infinity, after?: Row): readonly Row[] {
    return this.rows.read(
      limit,
      (row) => after !== undefined && !before(after, row),
      (row) => (row.dueAt as number) > at,
      yes,
    );
  }

  reset(): void {
    this.comparisons = this.lookups = 0;
  }
}

function before(a: Row, b: Row): boolean {
  return a.dueAt === b.dueAt ? a.id < b.id : (a.dueAt as number) < (b.dueAt as number);
}

const sorted = (rows: Iterable<Row>): Row[] => [...rows].sort((a, b) => (before(a, b) ? -1 : 1));

/** Numbers below `count` in an order that has nothing to do with theirs. */
const shuffled = (count: number): number[] => Array.from({ length: count }, (_, i) => (i * 7919) % count);

describe('OrderedRows', () => {
  it('reads rows in order, whatever the order in which they came', () => {
    const counted = new Counted();
    for (const i of shuffled(1_000)) counted.put(`r${i}`, i);
    expect(counted.due(Infinity).map((row) => row.dueAt)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    expect(counted.due(9).map((row) => row.dueAt)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(counted.due(-1)).toEqual([]);
    expect(new Counted().due(Infinity)).toEqual([]);
  });

  it('gives a row once, in its newest version, and none that was removed', () => {
    const counted = new Counted();
    for (const i of shuffled(100)) counted.put(`r${i}`, i);
    for (let i = 0; i < 100; i += 2) counted.put(`r${i}`, 1_000 + i);
    for (let i = 0; i < 100; i += 5) counted.remove(`r${i}`);
    expect(counted.due(Infinity)).toEqual(sorted(counted.current.values()));
  });

  it('reads several together, as if they were one', () => {
    const [a, b] = [new Counted(), new Counted()];
    const both = new Map<string, Row>();
    const isCurrent = (row: Row) => both.get(row.id) === row;
    const [odd, even] = [new OrderedRows(before, isCurrent), new OrderedRows(before, isCurrent)];
    for (const i of shuffled(50)) {
      const row = aRow({ id: `r${i}`, dueAt: i });
      both.set(row.id, row);
      (i % 2 === 0 ? even : odd).add(row);
    }
    expect(odd.read(10, no, no, yes, [even]).map((row) => row.dueAt)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(a.rows.read(10, no, no, yes, [b.rows])).toEqual([]);
  });

  it('passes over what is not wanted, and stops at the limit', () => {
    const counted = new Counted();
    for (const i of shuffled(100)) counted.put(`r${i}`, i);
    const found = counted.rows.read(3, no, no, (row) => (row.dueAt as number) % 10 === 7);
    expect(found.map((row) => row.dueAt)).toEqual([7, 17, 27]);
  });

  it('is what a sorted list of the current rows would be, after any writes, in pages of any length', () => {
    const write = fc.record({ id: fc.integer({ min: 0, max: 30 }), dueAt: fc.integer({ min: 0, max: 20 }), gone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 400 }), fc.integer({ min: 1, max: 9 }), fc.nat(25), (writes, limit, at) => {
        const counted = new Counted();
        for (const [i, { id, dueAt, gone }] of writes.entries()) {
          if (gone) counted.remove(`r${id}`);
          else counted.put(`r${id}`, dueAt);
          // Reading moves the places where runs begin, so it has to happen in between too.
          if (i % 37 === 0) counted.due(dueAt, limit);
        }
        const pages: Row[] = [];
        for (let page = counted.due(at, limit); page.length > 0; page = counted.due(at, limit, pages.at(-1))) pages.push(...page);
        expect(pages).toEqual(sorted(counted.current.values()).filter((row) => (row.dueAt as number) <= at));
      }),
    );
  });

  it('L34 a page costs what is in it and the depth of the index, not what is stored', () => {
    const costOf = (stored: number) => {
      const counted = new Counted();
      for (const i of shuffled(stored)) counted.put(`r${i}`, i);
      counted.due(0);
      counted.reset();
      expect(counted.due(9, 100)).toHaveLength(10);
      return counted.comparisons + counted.lookups;
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
    expect(counted.comparisons + counted.lookups).toBeLessThan(count * 6 * Math.log2(count));
  });

  it('adds a row at a cost that grows with the logarithm of what is stored', () => {
    const counted = new Counted();
    const count = 32_768;
    for (const i of shuffled(count)) counted.put(`r${i}`, i);
    expect(counted.comparisons).toBeLessThan(count * 2 * Math.log2(count));
  });

  it('drops leftovers when they are the greater part: rows that pass through leave nothing behind', () => {
    const counted = new Counted();
    for (let i = 0; i < 100; i++) counted.put(`stays${i}`, 1_000_000 + i);
    for (let i = 0; i < 20_000; i++) {
      counted.put(`passes${i}`, i);
      counted.remove(`passes${i}`);
    }
    counted.reset();
    expect(counted.due(Infinity)).toHaveLength(100);
    // Every leftover that was still listed would have been looked up.
    expect(counted.lookups).toBeLessThan(2_000);
  });

  it('does not look at the leftovers at the front twice', () => {
    const counted = new Counted();
    for (let i = 0; i < 1_000; i++) counted.put(`r${i}`, i);
    for (let i = 0; i < 500; i++) counted.remove(`r${i}`);
    counted.due(Infinity, 1);
    counted.reset();
    expect(counted.due(Infinity, 1)[0]?.id).toBe('r500');
    expect(counted.lookups).toBeLessThan(100);
  });
});
