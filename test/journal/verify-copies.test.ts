import { describe, expect, it } from 'vitest';
import type { GrantStore } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { verifyStore } from '../../src/journal.js';
import { anEngine, ask, MAYA, SAM, SCOPE } from '../engine/an-engine.js';
import { Moody } from '../property/moody.js';
import { over } from './bent-store.js';

/** Two grants of one subject, the first of them revoked, with its row from before the revoke. */
async function aRevoked() {
  const made = anEngine({ approver: new Moody() });
  const { engine, store } = made;
  const { request } = await ask(engine, { justification: 'approve' });
  const id = `${request.id}.1`;
  const [before] = (await store.get([{ kind: 'grant', id }])) as readonly [Row];
  await engine.revoke(id, { by: SAM, reason: 'left' });
  const { request: open } = await ask(engine, { scope: 'b:x', justification: 'approve' });
  await engine.flushAudit();
  return { ...made, id, before, openId: `${open.id}.1` };
}

/** A store that keeps the answers of `live` as a separate list, which only its own commits would change. */
const withLive = (store: GrantStore, bend: (rows: readonly Row[], query: { readonly scope?: string | undefined }) => readonly Row[]) =>
  over(store, { live: async (query) => bend(await store.live(query), query) });

const named = async (store: GrantStore) => {
  const { ok, differences } = await verifyStore(store);
  return { ok, named: differences.map(({ kind, id }) => `${kind} ${id}`) };
};

describe('verifyStore() compares each row as get, find and live return it [V8] (L26)', () => {
  it('finds a consistent store good', async () => {
    const { store } = await aRevoked();
    expect(await named(store)).toEqual({ ok: true, named: [] });
  });

  it('names a revoked grant that live() still returns in its old version [V8a]', async () => {
    const { store, id, before } = await aRevoked();
    const stale = withLive(store, (rows, { scope }) => (scope === SCOPE ? [...rows, before] : rows));
    expect(await named(stale)).toEqual({ ok: false, named: [`grant ${id}`] });
    expect((await verifyStore(stale)).differences[0]?.problem).toMatch(/^live\(\) still returns it at version 1/);
  });

  it('names a revoked grant that live() returns only to a query without a scope [V8a]', async () => {
    const { store, id, before } = await aRevoked();
    const stale = withLive(store, (rows, { scope }) => (scope === undefined ? [...rows, before] : rows));
    expect(await named(stale)).toEqual({ ok: false, named: [`grant ${id}`] });
  });

  it('names an open grant that live() returns in another version, with another end, or not at all [V8a]', async () => {
    const { store, openId } = await aRevoked();
    const bends: readonly ((row: Row) => readonly Row[])[] = [
      (row) => [{ ...row, version: row.version + 1 }],
      (row) => [{ ...row, until: (row.until ?? 0) + 1 }],
      (row) => [{ ...row, body: { ...row.body, expiresAt: 1 } }],
      (row) => [{ ...row, open: false }],
      () => [],
    ];
    for (const bend of bends) {
      const bent = withLive(store, (rows) => rows.flatMap((row) => (row.id === openId ? bend(row) : [row])));
      expect(await named(bent)).toEqual({ ok: false, named: [`grant ${openId}`] });
    }
  });

  it('names a grant that live() returns and that was never written [V8a]', async () => {
    const { store, before } = await aRevoked();
    const forged = withLive(store, (rows) => [...rows, { ...before, id: 'forged.1' }]);
    expect(await named(forged)).toEqual({ ok: false, named: ['grant forged.1'] });
    const none = withLive(store, (rows) => [...rows, { ...before, kind: 'request' }, null as never]);
    expect((await verifyStore(none)).ok).toBe(false);
  });

  it('names every row where find() returns none, instead of comparing 0 rows [V8b]', async () => {
    const { store } = await aRevoked();
    const { rows } = await verifyStore(store);
    const empty = over(store, { find: async () => ({ items: [], next: undefined }) });
    const verified = await verifyStore(empty);
    expect(verified).toMatchObject({ ok: false, rows: 0 });
    expect(verified.differences).toHaveLength(rows);
    expect(verified.differences[0]?.problem).toMatch(/^find\(\) does not return it/);
  });

  it('names a row that find() omits or returns in its old version [V8b]', async () => {
    const { store, id, before } = await aRevoked();
    for (const bend of [() => [], () => [before]]) {
      const bent = over(store, {
        find: async (query) => {
          const { items, next } = await store.find(query);
          return { items: items.flatMap((row) => (row.id === id ? bend() : [row])), next };
        },
      });
      expect(await named(bent)).toEqual({ ok: false, named: [`grant ${id}`] });
    }
  });

  it('names a row that get() lacks while find() and live() return it [V8c]', async () => {
    const { store, openId } = await aRevoked();
    const bent = over(store, { get: async (keys) => (await store.get(keys)).map((row) => (row?.id === openId ? undefined : row)) });
    expect(await named(bent)).toEqual({ ok: false, named: [`grant ${openId}`] });
  });

  it('names a row that get() returns in its old version while find() and live() are right [V8c]', async () => {
    const { store, id, before } = await aRevoked();
    const bent = over(store, { get: async (keys) => (await store.get(keys)).map((row) => (row?.id === id ? before : row)) });
    expect(await named(bent)).toEqual({ ok: false, named: [`grant ${id}`] });
  });

  it('requests rows by page, and finds a row again on its page', async () => {
    const { engine, store } = anEngine({ approver: new Moody() });
    const ids: string[] = [];
    for (let i = 0; i < 30; i++) ids.push(`${(await ask(engine, { scope: `s:${i}`, justification: 'approve' })).request.id}.1`);
    await engine.flushAudit();
    const last = ids.sort().at(-2) as string;
    const paged = (leftOut: string) =>
      over(store, {
        find: async (query) => {
          const { items, next } = await store.find({ ...query, limit: 3 });
          return { items: items.filter(({ id }) => id !== leftOut), next };
        },
      });
    expect(await named(paged('none'))).toEqual({ ok: true, named: [] });
    expect(await named(paged(last))).toEqual({ ok: false, named: [`grant ${last}`] });
  });

  it('finds nothing wrong while the engine issues, uses and revokes grants', async () => {
    const { engine, store } = anEngine({ approver: new Moody() });
    await ask(engine, { justification: 'approve' });
    let turn = 0;
    const next = async () => {
      if (++turn > 60) return;
      const { request } = await ask(engine, { subject: MAYA, scope: `t:${turn % 7}-${turn}`, justification: 'approve' });
      if (turn % 2 === 0) await engine.revoke(`${request.id}.1`, { by: SAM, reason: 'done' });
    };
    const busy = over(store, {
      get: async (keys) => (await next(), store.get(keys)),
      find: async (query) => (await next(), store.find(query)),
      live: async (query) => (await next(), store.live(query)),
    });
    expect(await verifyStore(busy)).toMatchObject({ ok: true, differences: [] });
    expect(turn).toBeGreaterThan(20);
  });
});
