import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Grant } from '../../src/index.js';
import { idsOfChain, walkChain, walkToFirst } from '../../src/kernel/loading/walk-chain.js';
import { aGrant, START_AT } from '../../src/testing.js';

/** Grants by id, each with the ids of its extensions; and the ids that were read, round by round. */
function stored(named: Readonly<Record<string, readonly string[]>>) {
  const grants = new Map(
    Object.entries(named).map(([id, successors]) => [
      id,
      aGrant({ id, successors: successors.map((grantId) => ({ grantId, at: START_AT })) }),
    ]),
  );
  const rounds: (readonly string[])[] = [];
  const read = (ids: readonly string[]) => {
    rounds.push(ids);
    return Promise.resolve(ids.flatMap((id) => grants.get(id) ?? []).map((grant) => ({ grant, usage: undefined })));
  };
  const walk = async (...first: readonly string[]) => {
    const { successors, ids } = await walkChain(
      first.map((id) => grants.get(id) as Grant),
      read,
    );
    return { found: successors.map(({ grant }) => grant.id), ids: [...ids] };
  };
  return { walk, rounds };
}

describe('walkChain()', () => {
  it('finds all extensions of a grant, one round for each step, and reads a round together', async () => {
    const { walk, rounds } = stored({ a: ['b', 'c'], b: ['d'], c: ['e', 'f'], d: [], e: [], f: [] });
    expect(await walk('a')).toEqual({ found: ['b', 'c', 'd', 'e', 'f'], ids: ['a', 'b', 'c', 'd', 'e', 'f'] });
    expect(rounds).toEqual([
      ['b', 'c'],
      ['d', 'e', 'f'],
    ]);
  });

  it('reads nothing for a grant without extensions', async () => {
    const { walk, rounds } = stored({ a: [] });
    expect(await walk('a')).toEqual({ found: [], ids: ['a'] });
    expect(rounds).toEqual([]);
  });

  it('skips grants that cannot be read, and names them', async () => {
    const { walk } = stored({ a: ['gone', 'b'], b: [] });
    expect(await walk('a')).toEqual({ found: ['b'], ids: ['a', 'gone', 'b'] });
  });

  it('starts with several grants, and returns none of them again', async () => {
    const { walk, rounds } = stored({ a: ['b'], b: ['c'], c: [] });
    expect(await walk('a', 'b')).toEqual({ found: ['c'], ids: ['a', 'b', 'c'] });
    expect(rounds).toEqual([['c']]);
  });

  it('terminates on any rows, cycles included, and reads each id at most once', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    const graph = fc.record(Object.fromEntries(ids.map((id) => [id, fc.array(fc.constantFrom(...ids), { maxLength: 4 })])));
    await fc.assert(
      fc.asyncProperty(graph, async (named) => {
        const { walk, rounds } = stored(named);
        const { found } = await walk('a');
        expect(new Set(rounds.flat()).size).toBe(rounds.flat().length);
        const reachable = new Set<string>();
        const visit = (id: string) => {
          for (const next of named[id] ?? []) {
            if (next === 'a' || reachable.has(next)) continue;
            reachable.add(next);
            visit(next);
          }
        };
        visit('a');
        expect([...found].sort()).toEqual([...reachable].sort());
      }),
      { numRuns: 200 },
    );
  });
});

describe('walkToFirst()', () => {
  /** Grants by id, each with the id of the grant that it extends; and the ids that were read, round by round. */
  const walk = async (extending: Readonly<Record<string, string | undefined>>, ...ids: readonly string[]) => {
    const read: (readonly string[])[] = [];
    const found = await walkToFirst(ids, (next) => {
      read.push(next);
      return Promise.resolve(next.filter((id) => id in extending).map((id) => aGrant({ id, extends: extending[id] })));
    });
    return { found: [...found.keys()], read };
  };

  it('L42 finds the grants that a grant extends, up to the first, and no branch', async () => {
    const { found } = await walk({ a: undefined, b: 'a', other: 'a', c: 'b', d: 'c' }, 'c');
    expect(found).toEqual(['c', 'b', 'a']);
  });

  it('L42 reads the next grants of several chains together', async () => {
    const { found, read } = await walk({ a: undefined, b: 'a', c: 'b', x: undefined, y: 'x' }, 'c', 'y');
    expect(read).toEqual([['c', 'y'], ['b', 'x'], ['a']]);
    expect(found).toEqual(['c', 'y', 'b', 'x', 'a']);
  });

  it('L42 stops at a grant that is missing or cannot be read', async () => {
    expect(await walk({ b: 'gone', c: 'b' }, 'c')).toEqual({ found: ['c', 'b'], read: [['c'], ['b'], ['gone']] });
    expect(await walk({}, 'gone')).toEqual({ found: [], read: [['gone']] });
  });

  it('L42 reads each grant of a cycle once', async () => {
    expect(await walk({ a: 'b', b: 'a' }, 'a')).toEqual({ found: ['a', 'b'], read: [['a'], ['b']] });
  });
});

describe('idsOfChain()', () => {
  /** Grants by id, each with the grants that extend it. */
  const grants = (named: Readonly<Record<string, readonly string[]>>) => {
    const originOf = (id: string) => Object.keys(named).find((other) => named[other]?.includes(id));
    const successorsOf = (id: string) => (named[id] ?? []).map((grantId) => ({ grantId, at: START_AT }));
    return new Map(Object.keys(named).map((id) => [id, aGrant({ id, extends: originOf(id), successors: successorsOf(id) })]));
  };

  it('L42 is the first grant of the chain and every branch, and no grant of another chain', () => {
    const all = grants({ a: ['b', 'c'], b: ['d'], c: [], d: [], x: ['y'], y: [] });
    expect([...idsOfChain('b', all)].sort()).toEqual(['a', 'b', 'c', 'd']);
    expect([...idsOfChain('y', all)].sort()).toEqual(['x', 'y']);
  });

  it('L42 counts a grant that is named and cannot be read, and is empty where the grant itself was not found', () => {
    expect([...idsOfChain('a', grants({ a: ['gone'] }))]).toEqual(['a', 'gone']);
    expect([...idsOfChain('gone', grants({ a: ['gone'] }))]).toEqual([]);
  });

  it('L42 ends on a cycle', () => {
    expect([...idsOfChain('a', grants({ a: ['b'], b: ['a'] }))].sort()).toEqual(['a', 'b']);
  });
});
