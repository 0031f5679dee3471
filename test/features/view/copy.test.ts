import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import { Cells } from '../../../src/features/view/cells.js';
import { BY_ROWS, LiveCopy, NO_GRANT } from '../../../src/features/view/live-copy.js';
import { IdNumbers } from '../../../src/features/view/id-numbers.js';
import type { Row } from '../../../src/store.js';
import { encode } from '../../../src/records/index.js';
import { aGrant, START_AT } from '../../../src/testing.js';
import { Dice } from '../../model/dice.js';
import { viewScopes } from '../../prove/view-scopes.js';

const SUBJECTS = ['user:a', 'user:b', 'user:c', 'user:d', 'user:e'];
const SCOPES = ['a', 'b', 'c', 'd', 'e'];

interface Held {
  readonly id: string;
  readonly from: number;
  readonly until: number;
  readonly isCounted: boolean;
}

/** A copy beside a plain map of all grants. The copy drops those that have ended whenever it likes. */
class CopyBeside {
  readonly #copy: LiveCopy;
  readonly #held = new Map<string, readonly Held[]>();
  readonly #keepsIds: boolean;
  #now = START_AT;
  #ids = 0;

  constructor(maxSubjects: number, maxScopes: number, keepsIds: boolean) {
    this.#keepsIds = keepsIds;
    this.#copy = new LiveCopy({ usesCells: true, keepsIds, maxSubjects, maxScopes });
  }

  step(dice: Dice): void {
    const [copy, subject, scope, now] = [this.#copy, dice.of(SUBJECTS), dice.of(SCOPES), this.#now];
    const held = this.#of(subject, scope);
    const next = this.#aGrant(dice);
    switch (dice.of(['begin', 'begin', 'read', 'add', 'add', 'end', 'end', 'end', 'forget', 'sweep', 'promote', 'wait', 'clear'])) {
      case 'begin': {
        const isPlain = !next.isCounted && next.from <= now;
        if (copy.has(subject, scope) || !isPlain) return;
        this.#set(subject, scope, [next]);
        if (!copy.begin(subject, scope, next.from, next.until, next.id)) this.#read(subject, scope);
        return;
      }
      case 'read':
        this.#set(subject, scope, [...held.slice(-1), next].slice(dice.roll(3)));
        return this.#read(subject, scope);
      case 'add':
        this.#set(subject, scope, [...held, next]);
        if (!copy.add(subject, scope, rowOf(subject, scope, next), now)) this.#read(subject, scope);
        return;
      case 'end': {
        const id = held.length > 0 ? dice.of(held).id : next.id;
        const left = held.filter((one) => one.id !== id);
        this.#set(subject, scope, left);
        if (!copy.end(subject, scope, id, now)) this.#read(subject, scope);
        return;
      }
      case 'forget':
        this.#set(subject, scope, []);
        return copy.forget(subject, scope);
      case 'sweep':
        return copy.sweep(dice.roll(40), now);
      case 'promote':
        return copy.promote(subject, scope, now);
      case 'wait':
        this.#now += dice.roll(3);
        return;
      case 'clear':
        if (!dice.once(10)) return;
        this.#held.clear();
        return copy.clear();
    }
  }

  compare(): void {
    let pairs = 0;
    for (const subject of SUBJECTS) {
      for (const scope of SCOPES) {
        const found = this.#found(subject, scope);
        const usable = this.#of(subject, scope).filter((one) => this.#isUsable(one));
        assert.deepEqual([subject, scope, ...found.usable].sort(), [subject, scope, ...usable.map(({ id }) => id)].sort());
        assert.equal(this.#copy.has(subject, scope), found.isKept);
        if (found.isKept) pairs += 1;
      }
    }
    assert.equal(this.#copy.size, pairs);
  }

  #found(subject: string, scope: string): { readonly usable: readonly string[]; readonly isKept: boolean } {
    const [copy, now] = [this.#copy, this.#now];
    const rows = copy.live({ subject, scope });
    const place = copy.placeOf(subject, scope);
    for (const { id } of rows) assert.deepEqual(copy.pairOf(id), { subject, scope });
    if (place < 0) {
      if (place === NO_GRANT) assert.deepEqual(rows, []);
      else assert.equal(place, BY_ROWS);
      const held = this.#of(subject, scope);
      const usable = rows.flatMap(({ id }) => held.filter((one) => one.id === id && this.#isUsable(one)));
      return { usable: usable.map(({ id }) => id), isKept: rows.length > 0 };
    }
    assert.deepEqual(rows, []);
    const [only] = this.#of(subject, scope).filter((one) => this.#isUsable(one));
    const id = copy.grantIdAt(place);
    assert.equal(id === undefined, !this.#keepsIds);
    if (!(now < copy.endAt(place))) return { usable: [], isKept: true };
    assert.equal(copy.endAt(place), only?.until);
    return { usable: [id ?? (only as Held).id], isKept: true };
  }

  #read(subject: string, scope: string): void {
    const rows = this.#of(subject, scope).map((one) => rowOf(subject, scope, one));
    this.#copy.read(subject, scope, rows, this.#now);
  }

  #aGrant(dice: Dice): Held {
    const from = this.#now + dice.of([-3, -1, 0, 0, 0, 1, 4]);
    return { id: `g${++this.#ids}`, from, until: from + 1 + dice.roll(12), isCounted: dice.once(5) };
  }

  #of = (subject: string, scope: string): readonly Held[] => this.#held.get(`${subject} ${scope}`) ?? [];
  #set = (subject: string, scope: string, held: readonly Held[]): unknown => this.#held.set(`${subject} ${scope}`, held);
  #isUsable = ({ from, until, isCounted }: Held): boolean => !isCounted && from <= this.#now && this.#now < until;
}

function rowOf(subject: string, scope: string, { id, from, until, isCounted }: Held): Row {
  const window = { issuedAt: from, startsAt: from, firstStartsAt: from, activatedAt: from, expiresAt: until };
  return encode(aGrant({ ...window, id, subject, scope, maxUses: isCounted ? 3 : undefined }));
}

describe('LiveCopy', () => {
  it.each([
    ['ids', 100, 100],
    ['ids', 3, 100],
    ['ids', 100, 2],
    ['nothing', 3, 3],
    ['ids', 0, 5],
  ] as const)('answers as a plain map: keep %s, at most %i subject numbers and %i scope numbers', (keep, maxSubjects, maxScopes) => {
    for (let seed = 0; seed < 60; seed++) {
      const dice = new Dice(seed);
      const both = new CopyBeside(maxSubjects, maxScopes, keep === 'ids');
      for (let step = 0; step < 120; step++) {
        both.step(dice);
        if (step % 3 === 0) both.compare();
      }
      both.compare();
    }
  });

  it('gives no answer of one pair for another, with more scopes than there are numbers', async () => {
    expect(await viewScopes.run({ seed: 8, scale: 0.002 })).toMatchObject({ violations: [] });
  });
});

describe('Cells', () => {
  it('finds what a plain map holds, through removals, sweeps and growth', () => {
    for (let seed = 0; seed < 40; seed++) {
      const dice = new Dice(seed);
      const cells = new Cells(true);
      const held = new Map<string, readonly [end: number, id: string]>();
      const spread = dice.of([3, 30, 2 ** 21]);
      for (let step = 0; step < 600; step++) {
        const pair = [dice.roll(spread), dice.roll(spread)] as const;
        const key = pair.join();
        const cell = cells.find(...pair);
        assert.equal(cell === -1, !held.has(key));
        if (cell !== -1) assert.deepEqual([cells.endAt(cell), cells.idAt(cell)], held.get(key));
        if (cell !== -1 && dice.once(2)) {
          cells.remove(cell);
          held.delete(key);
        } else if (cell === -1) {
          const entry = [dice.roll(100), `g${step}`] as const;
          cells.add(...pair, ...entry);
          held.set(key, entry);
        }
        if (dice.once(20)) {
          const before = dice.roll(100);
          cells.sweep(dice.roll(5_000), before, (old, subject, scope) => {
            assert.ok((held.get(`${subject},${scope}`)?.[0] ?? Infinity) < before);
            held.delete(`${subject},${scope}`);
            cells.remove(old);
          });
        }
        assert.equal(cells.count, held.size);
      }
      for (const [key, [end]] of held) assert.equal(cells.endAt(cells.find(...(key.split(',').map(Number) as [number, number]))), end);
    }
  });

  it('removes every ended pair within one circle of its sweep', () => {
    const cells = new Cells(false);
    for (let scope = 0; scope < 1_000; scope++) cells.add(7, scope, scope, undefined);
    for (let looks = 0; looks < 4_096; looks += 64) cells.sweep(64, 500, (cell) => cells.remove(cell));
    assert.equal(cells.count, 500);
  });
});

describe('Numbers', () => {
  it('gives a number to no two names at a time, and none from the bound on', () => {
    const dice = new Dice(8);
    const numbers = new IdNumbers(4);
    const users = new Map<string, number>();
    for (let step = 0; step < 3_000; step++) {
      const name = dice.of(SCOPES.concat('f'));
      const number = numbers.of(name);
      assert.equal(number === -1, !users.has(name));
      if (number !== -1) assert.equal(numbers.nameOf(number), name);
      if (number !== -1 && dice.once(2)) {
        numbers.drop(number);
        users.set(name, (users.get(name) ?? 0) - 1);
        if (users.get(name) === 0) users.delete(name);
        continue;
      }
      const taken = numbers.take(name);
      assert.equal(taken === -1, !users.has(name) && users.size === 4);
      assert.ok(taken < 4);
      if (taken !== -1) users.set(name, (users.get(name) ?? 0) + 1);
      const all = [...users.keys()].map((one) => numbers.of(one));
      assert.equal(new Set(all).size, all.length);
    }
  });
});
