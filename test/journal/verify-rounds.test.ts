import { describe, expect, it } from 'vitest';
import type { GrantStore, Row, RowKey } from '../../src/index.js';
import { verifyStore } from '../../src/journal.js';
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
