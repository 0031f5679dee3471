import { describe, expect, it } from 'vitest';
import type { GrantStore } from '../../src/index.js';
import type { Row, RowKey } from '../../src/store.js';
import { verifyStore } from '../../src/journal.js';
import { RECORD_KINDS } from '../../src/journal/replay/drafts.js';
import { aRow } from '../../src/testing.js';
import { ANA, anEngine, ask, MAYA, SAM, SCOPE } from '../engine/an-engine.js';
import { Moody } from '../property/moody.js';
import { over } from './bent-store.js';

/** Two open grants and a revoked one of one subject, its row from before the revoke, and an open request of another subject. */
async function aLife() {
  const made = anEngine({ approver: new Moody() });
  const { engine, store } = made;
  const granted = async (scope: string) => `${(await ask(engine, { scope, justification: 'approve' })).request.id}.1`;
  const [revoked, one, two] = [await granted(SCOPE), await granted('b:x'), await granted('c:x')];
  const [before] = (await store.get([{ kind: 'grant', id: revoked }])) as readonly [Row];
  await engine.revoke(revoked, { by: SAM, reason: 'left' });
  const { request } = await ask(engine, { subject: ANA, scope: 'd:x', justification: 'review' });
  await engine.flushAudit();
  return { ...made, revoked, before, one, two, request };
}

type Asked = { readonly subject: string; readonly scope?: string | undefined };
const withLive = (store: GrantStore, bend: (rows: readonly Row[], query: Asked) => readonly unknown[]) =>
  over(store, { live: async (query) => bend(await store.live(query), query) as Row[] });

const differencesOf = async (store: GrantStore) => (await verifyStore(store)).differences;
const named = async (store: GrantStore) => (await differencesOf(store)).map(({ kind, id }) => `${kind} ${id}`);

/** The same store with answers by the round: 0 while rows are listed, then 1, 2 and so on when suspects are read again. */
function byRound(
  store: GrantStore,
  bend: {
    get?: (row: Row | undefined, key: RowKey, round: number) => unknown;
    find?: (rows: readonly Row[], round: number) => readonly unknown[];
  },
) {
  let round = 0;
  return over(store, {
    get: async (keys) => {
      // The row of the horizon is read again with the suspects, never earlier.
      if (round > 0 || keys.some(({ kind }) => kind === 'horizon')) round += 1;
      const rows = await store.get(keys);
      return rows.map((row, i) => (bend.get === undefined ? row : bend.get(row, keys[i] as RowKey, round))) as Row[];
    },
    find: async (query) => {
      const { items, next } = await store.find(query);
      const rows = query.kind === 'request' || query.kind === 'use' ? (bend.find?.(items, round) ?? items) : items;
      return { items: rows.filter((row) => (row as Row).kind === query.kind) as Row[], next };
    },
  });
}

describe('verifyStore() reads rows again that differ', () => {
  it('L42 and no others: a row that is right everywhere is read once', async () => {
    const { store } = await aLife();
    const keys: RowKey[] = [];
    const watched = over(store, { get: async (asked) => (keys.push(...asked), store.get(asked)) });
    const { ok, rows } = await verifyStore(watched);
    expect(ok).toBe(true);
    expect(keys).toHaveLength(rows + 1);
    expect(keys.filter(({ id }) => typeof id !== 'string')).toEqual([]);
  });

  it('L26 names a row that is wrong only in the list, of a kind that live() never returns', async () => {
    const { store, request } = await aLife();
    const bent = byRound(store, { find: (rows) => rows.map((row) => (row.id === request.id ? { ...row, sortAt: 1 } : row)) });
    expect(await differencesOf(bent)).toEqual([
      {
        kind: 'request',
        id: request.id,
        problem: expect.stringMatching(/^find\(\) returns a different row: sortAt is 1 \(get\(\): \d+\)$/) as string,
      },
    ]);
  });

  it('L26 names a difference between a row in the journal and its copy, also if the difference is gone in the next round', async () => {
    const { store, request } = await aLife();
    const find = (rows: readonly Row[], round: number) =>
      round > 1 ? rows : rows.map((row) => (row.id === request.id ? { ...row, sortAt: 1 } : row));
    expect(await named(byRound(store, { find }))).toEqual([`request ${request.id}`]);
  });

  const lone = aRow({ kind: 'use', id: 'lone' });
  const isLone = ({ kind, id }: RowKey) => kind === 'use' && id === 'lone';

  it('L26 names a row that is not in the journal and that every read returns, also if it is gone in the next round', async () => {
    const { store } = await aLife();
    const forged = byRound(store, {
      get: (row, key, round) => (isLone(key) && round <= 1 ? lone : row),
      find: (rows, round) => (round <= 1 ? [...rows, lone] : rows),
    });
    expect(await named(forged)).toEqual(['use lone']);
  });

  it('L33 waits one round where the reads differ about a row that is not in the journal: a purge may have removed it', async () => {
    const { store } = await aLife();
    const purged = byRound(store, {
      get: (row, key, round) => (isLone(key) && round <= 1 ? lone : row),
      find: (rows, round) => (round < 1 ? [...rows, lone] : rows),
    });
    expect(await verifyStore(purged)).toMatchObject({ ok: true, differences: [], unproven: [] });
  });

  it('L26 names such a row after one round', async () => {
    const { store } = await aLife();
    const kept = byRound(store, {
      get: (row, key) => (isLone(key) ? lone : row),
      find: (rows, round) => (round < 1 ? [...rows, lone] : rows),
    });
    expect(await named(kept)).toEqual(['use lone']);
  });
});

describe('verifyStore() calls live()', () => {
  it('L26 at every place of a row: it names each of two open grants that live() omits', async () => {
    const { store, one, two } = await aLife();
    for (const id of [one, two]) {
      const bent = withLive(store, (rows, { scope }) => rows.filter((row) => scope !== undefined || row.id !== id));
      expect(await named(bent)).toEqual([`grant ${id}`]);
    }
  });

  it('L26 for subjects without grants too', async () => {
    const { store, before } = await aLife();
    const forged = withLive(store, (rows, { subject }) =>
      subject === ANA ? [...rows, { ...before, id: 'forged.1', subject: ANA }] : rows,
    );
    expect(await named(forged)).toEqual(['grant forged.1']);
  });

  it('L26 names a row that it returns to another subject', async () => {
    const { store, before, revoked } = await aLife();
    const stray = withLive(store, (rows, { subject, scope }) => (subject === ANA && scope === undefined ? [...rows, before] : rows));
    expect(await named(stray)).toEqual([`grant ${revoked}`]);
  });

  it('L26 names a row that live() returns at two wrong places, whichever place is right at the second call', async () => {
    const { engine, store, before, revoked } = await aLife();
    await ask(engine, { subject: 'user:noor', scope: 'e:x', justification: 'review' });
    for (const flaky of [ANA, 'user:noor']) {
      let asked = 0;
      const stray = withLive(store, (rows, { subject }) => {
        if (subject === MAYA || subject === SAM) return rows;
        return subject === flaky && ++asked > 1 ? rows : [...rows, before];
      });
      expect(await named(stray)).toEqual([`grant ${revoked}`]);
    }
  });

  it.each([
    [{ kind: 'request', id: 'r' }, 'request', 'r'],
    [{ kind: 'request', id: 'open' }, 'request', 'open'],
    [{ kind: 'lock', id: 'other' }, 'lock', 'other'],
    [{ kind: 'grant', id: 7 }, 'grant', '7'],
    [{ kind: 7, id: 'g' }, 'grant', 'g'],
    [{}, 'grant', 'undefined'],
    [null, 'grant', 'undefined'],
    ['text', 'grant', 'undefined'],
  ])('L26 names %j as a row that live() may not return', async (row, kind, id) => {
    const { store } = await aLife();
    const bent = withLive(store, (rows, { subject, scope }) => (subject === ANA && scope === undefined ? [...rows, row] : rows));
    const differences = await differencesOf(bent);
    expect(differences.map((one) => ({ ...one, id: one.id.replaceAll('"', '') }))).toEqual([
      { kind, id, problem: 'is not a row that live() may return' },
    ]);
  });

  it('L26 names the row of locks once, next to other differences', async () => {
    const { store, before, revoked } = await aLife();
    const bent = withLive(store, (rows) => [{ kind: 'request', id: 'r' }, ...rows, { kind: 'lock', id: 'open' }, before]);
    const found = await named(bent);
    expect(found.filter((name) => name === 'lock open')).toHaveLength(1);
    expect(found).toContain(`grant ${revoked}`);
  });
});

describe('verifyStore() of a store with an open lock', () => {
  /** The life, with a lock on a scope that nothing in it overlaps. `old`: the row of locks in its earlier version. */
  async function aLockedLife() {
    const life = await aLife();
    const set = async (scope: string) => (await life.engine.lock({ scope }, { by: SAM, reason: 'INC-9' })).lock.id;
    const first = await set('y:x');
    const [old] = (await life.store.get([{ kind: 'lock', id: 'open' }])) as readonly [Row];
    const ids = [first, await set('z:x')];
    await life.engine.flushAudit();
    return { ...life, old, ids };
  }

  const isLocks = ({ kind }: RowKey) => kind === 'lock';
  type Bend = (rows: readonly Row[], old: Row) => readonly unknown[];
  const WRONG: readonly (readonly [string, Bend])[] = [
    ['omits', (rows) => rows.filter((row) => !isLocks(row))],
    ['returns in an earlier version', (rows, old) => rows.map((row) => (isLocks(row) ? old : row))],
    ['returns with another end', (rows) => rows.map((row) => (isLocks(row) ? { ...row, until: 7 } : row))],
    ['returns as closed', (rows) => rows.map((row) => (isLocks(row) ? { ...row, open: false } : row))],
  ];

  it('L42 reads the row of locks once where every answer of live() has it', async () => {
    const { store } = await aLockedLife();
    const keys: RowKey[] = [];
    const { ok, rows } = await verifyStore(over(store, { get: async (asked) => (keys.push(...asked), store.get(asked)) }));
    expect([ok, keys.filter(isLocks).length, keys.length]).toEqual([true, 1, rows + 1]);
  });

  it.each(WRONG)('L26 names the row of locks that live() %s', async (_, bend) => {
    const { store, old } = await aLockedLife();
    expect(await named(withLive(store, (rows) => bend(rows, old)))).toEqual(['lock open']);
  });

  it.each(WRONG)('L26 names the row of locks that live() %s for one subject alone', async (_, bend) => {
    const { store, old } = await aLockedLife();
    for (const one of [ANA, MAYA]) {
      const bent = withLive(store, (rows, { subject, scope }) => (subject === one && scope === undefined ? bend(rows, old) : rows));
      expect(await named(bent)).toEqual(['lock open']);
    }
  });

  it('L26 names the row of locks that find() or get() lacks', async () => {
    const { store } = await aLockedLife();
    const unlisted = over(store, {
      find: async (query) => {
        const { items, next } = await store.find(query);
        return { items: items.filter((row) => !isLocks(row)), next };
      },
    });
    const lost = over(store, {
      get: async (keys) => (await store.get(keys)).map((row, i) => (isLocks(keys[i] as RowKey) ? undefined : row)),
    });
    expect([await named(unlisted), await named(lost)]).toEqual([['lock open'], ['lock open']]);
  });

  it('L26 names the row of locks that live() still returns after the last lock was lifted', async () => {
    const { engine, store, old, ids } = await aLockedLife();
    for (const id of ids) await engine.unlock(id, { by: SAM, reason: 'over' });
    await engine.flushAudit();
    const keys: RowKey[] = [];
    expect(await named(over(store, { get: async (asked) => (keys.push(...asked), store.get(asked)) }))).toEqual([]);
    expect(keys.filter(isLocks)).toHaveLength(1);
    for (const one of [ANA, MAYA]) {
      const bent = withLive(store, (rows, { subject, scope }) => (subject === one && scope === undefined ? [...rows, old] : rows));
      expect(await named(bent)).toEqual(['lock open']);
    }
  });

  it('L26 names a grant that live() omits or returns wrongly while it returns the row of locks', async () => {
    const { store, one, before, revoked } = await aLockedLife();
    expect(await named(withLive(store, (rows) => rows.filter(({ id }) => id !== one)))).toEqual([`grant ${one}`]);
    expect(await named(withLive(store, (rows) => [...rows, before]))).toEqual([`grant ${revoked}`]);
  });
});

describe('verifyStore() of a live() that returns an open grant for another subject or scope', () => {
  type Place = (asked: Asked) => boolean;
  const PLACES: readonly (readonly [string, Place])[] = [
    ['subject', ({ subject, scope }) => subject === ANA && scope === undefined],
    ['scope', ({ scope }) => scope === 'c:x'],
  ];
  /** Returns the grant of the scope b:x there too, at the calls that `when` selects. */
  async function aStray(isThere: Place, when: (calls: number) => boolean) {
    const { store, one } = await aLife();
    const [row] = (await store.get([{ kind: 'grant', id: one }])) as readonly [Row];
    let calls = 0;
    return { one, bent: withLive(store, (rows, asked) => (isThere(asked) && when(++calls) ? [...rows, row] : rows)) };
  }

  it.each(PLACES)('L26 names it: another %s', async (_, isThere) => {
    const { one, bent } = await aStray(isThere, () => true);
    expect(await differencesOf(bent)).toEqual([{ kind: 'grant', id: one, problem: 'live() still returns it at version 1, but must not' }]);
  });

  it.each(PLACES)('L26 finds nothing wrong if it no longer does at the second call: another %s', async (_, isThere) => {
    const { bent } = await aStray(isThere, (calls) => calls === 1);
    expect(await named(bent)).toEqual([]);
  });
});

describe('verifyStore() of a live() that omits an open grant', () => {
  it('L26 names it where only the answer about its scope lacks it', async () => {
    const { store, one } = await aLife();
    const bent = withLive(store, (rows, { scope }) => rows.filter((row) => scope === undefined || row.id !== one));
    expect(await named(bent)).toEqual([`grant ${one}`]);
  });
});

describe('verifyStore() finds a suspect again in the list', () => {
  /** Twenty grants of as many instants, in a store that lists three to a page. `asked`: how many pages of grants were read. */
  async function aLongList(bend: (rows: readonly Row[], ids: readonly string[]) => readonly Row[] = (rows) => rows) {
    const { engine, store, clock } = anEngine({ approver: new Moody() });
    const ids: string[] = [];
    for (let i = 0; i < 20; i++) {
      ids.push(`${(await ask(engine, { scope: `s:${i}`, justification: 'approve' })).request.id}.1`);
      await clock.advance(1);
    }
    await engine.flushAudit();
    let asked = 0;
    const listed = over(store, {
      find: async (query) => {
        const { items, next } = await store.find({ ...query, limit: 3 });
        if (query.kind === 'grant') asked += 1;
        return { items: query.kind === 'grant' ? bend(items, ids) : items, next };
      },
    });
    return { ids, listed, asked: () => asked };
  }

  it('L42 on its page alone, and L26 right where only live() was wrong, for a moment', async () => {
    const { ids, listed, asked } = await aLongList();
    let calls = 0;
    const flaky = withLive(listed, (rows, { scope }) =>
      scope === undefined && ++calls === 1 ? rows.filter(({ id }) => id !== ids[13]) : rows,
    );
    expect(await named(flaky)).toEqual([]);
    expect([calls, asked()]).toEqual([2, 7 + 1]);
  });

  it('L26 on a late page where no other read returns it', async () => {
    const forge = (row: Row): readonly Row[] => [row, { ...row, id: `${row.id}-forged` }];
    const { ids, listed } = await aLongList((rows, all) => rows.flatMap((row) => (row.id === all[13] ? forge(row) : [row])));
    expect(await differencesOf(listed)).toEqual([
      { kind: 'grant', id: `${ids[13]}-forged`, problem: 'find() still returns it at version 1, but must not' },
    ]);
  });
});

describe('verifyStore() where every row is a suspect', () => {
  it('L26 asks live() only about subjects, and find() only for the kinds of records', async () => {
    const { store, one } = await aLife();
    const [subjects, kinds] = [new Set<unknown>(), new Set<string>()];
    const bent = over(store, {
      find: async (query) => (kinds.add(query.kind), { items: [], next: undefined }),
      get: async (asked) => (await store.get(asked)).map((row, i) => (asked[i]?.id === one ? undefined : row)),
      live: async (query) => (subjects.add(query.subject), store.live(query)),
    });
    expect((await named(bent)).length).toBeGreaterThan(5);
    expect([...subjects]).toEqual([MAYA]);
    expect([...kinds].sort()).toEqual(RECORD_KINDS.toSorted());
  });
});
