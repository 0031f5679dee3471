import { describe, expect, it } from 'vitest';
import type { GrantStore, Row, RowKey } from '../../src/index.js';
import { verifyStore } from '../../src/journal.js';
import { aRow } from '../../src/testing.js';
import { ANA, anEngine, ask, MAYA, SAM, SCOPE } from '../engine/an-engine.js';
import { Moody } from '../property/moody.js';
import { over } from './bent-store.js';

/** Two open grants and one that was revoked, all of one subject, with the row that it was before, and an open request of another. */
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

/** The same store, which gives rows by the round: 0 while they are listed, then 1, 2 and so on as suspects are read again. */
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
      // The row of the horizon is read again with the suspects, and never before.
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

describe('verifyStore() reads again what differs', () => {
  it('L42 and nothing else: a row that is right everywhere is read once', async () => {
    const { store } = await aLife();
    const keys: RowKey[] = [];
    const watched = over(store, { get: async (asked) => (keys.push(...asked), store.get(asked)) });
    const { ok, rows } = await verifyStore(watched);
    expect(ok).toBe(true);
    expect(keys).toHaveLength(rows + 1);
    expect(keys.filter(({ id }) => typeof id !== 'string')).toEqual([]);
  });

  it('L26 names a row of which the list alone is wrong, of a kind that live() never gives', async () => {
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

  it('L26 names a difference between a row that the journal has and its copy, though it is gone in the next round', async () => {
    const { store, request } = await aLife();
    const find = (rows: readonly Row[], round: number) =>
      round > 1 ? rows : rows.map((row) => (row.id === request.id ? { ...row, sortAt: 1 } : row));
    expect(await named(byRound(store, { find }))).toEqual([`request ${request.id}`]);
  });

  const lone = aRow({ kind: 'use', id: 'lone' });
  const isLone = ({ kind, id }: RowKey) => kind === 'use' && id === 'lone';

  it('L26 names a row that the journal lacks and every answer gives, though it is gone in the next round', async () => {
    const { store } = await aLife();
    const forged = byRound(store, {
      get: (row, key, round) => (isLone(key) && round <= 1 ? lone : row),
      find: (rows, round) => (round <= 1 ? [...rows, lone] : rows),
    });
    expect(await named(forged)).toEqual(['use lone']);
  });

  it('L33 waits one round where the answers differ about a row that the journal lacks: a purge may have removed it', async () => {
    const { store } = await aLife();
    const purged = byRound(store, {
      get: (row, key, round) => (isLone(key) && round <= 1 ? lone : row),
      find: (rows, round) => (round < 1 ? [...rows, lone] : rows),
    });
    expect(await verifyStore(purged)).toMatchObject({ ok: true, differences: [], unproven: [] });
  });

  it('L26 waits no longer than that', async () => {
    const { store } = await aLife();
    const kept = byRound(store, {
      get: (row, key) => (isLone(key) ? lone : row),
      find: (rows, round) => (round < 1 ? [...rows, lone] : rows),
    });
    expect(await named(kept)).toEqual(['use lone']);
  });
});

describe('verifyStore() asks live()', () => {
  it('L26 at every place of a row: each of two open grants that it leaves out is named', async () => {
    const { store, one, two } = await aLife();
    for (const id of [one, two]) {
      const bent = withLive(store, (rows, { scope }) => rows.filter((row) => scope !== undefined || row.id !== id));
      expect(await named(bent)).toEqual([`grant ${id}`]);
    }
  });

  it('L26 also for subjects who have no grants', async () => {
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

  it('L26 names a row that it returns at two wrong places, whichever of the two is right when it is asked again', async () => {
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
  ])('L26 names %j as no row that it may give', async (row, kind, id) => {
    const { store } = await aLife();
    const bent = withLive(store, (rows, { subject, scope }) => (subject === ANA && scope === undefined ? [...rows, row] : rows));
    const differences = await differencesOf(bent);
    expect(differences.map((one) => ({ ...one, id: one.id.replaceAll('"', '') }))).toEqual([
      { kind, id, problem: 'is not a row that live() may return' },
    ]);
  });

  it('L26 names the row of locks once, beside whatever else is wrong', async () => {
    const { store, before, revoked } = await aLife();
    const bent = withLive(store, (rows) => [{ kind: 'request', id: 'r' }, ...rows, { kind: 'lock', id: 'open' }, before]);
    const found = await named(bent);
    expect(found.filter((name) => name === 'lock open')).toHaveLength(1);
    expect(found).toContain(`grant ${revoked}`);
  });
});
