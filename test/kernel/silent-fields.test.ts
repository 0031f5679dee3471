import { randomUUID } from 'node:crypto';
import { acceptRollback, purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, type Grant, type GrantStore, type JsonObject } from '../../src/index.js';
import type { Change, CommitAnswer } from '../../src/store.js';
import { verifyStore } from '../../src/journal.js';
import { text } from '../../src/records/fields.js';
import { KINDS } from '../../src/records/index.js';
import { silent } from '../../src/records/marks.js';
import { ScriptedApprover } from '../../src/testing.js';
import { ANA, anEngine, aGranted, aPending, ask, HOUR, MAYA, refusal, SAM, SCOPE } from '../engine/an-engine.js';
import { RewindableStore } from './rewindable-store.js';

/** The silent fields that a newer version keeps in a row. */
const moreOf = (kind: string, id: string): JsonObject => ({ label: `${kind} ${id}`, deep: { list: [1, { x: null }] } });

/** A store to which a newer version also writes. */
class NewerStore extends MemoryGrantStore {
  /** The kinds of the rows that were rewritten with their silent fields, and those that have lost them. */
  readonly kept = new Set<string>();
  readonly lost = new Set<string>();
  readonly #kinds = new Set<string>();

  override async commit(change: Change): Promise<CommitAnswer> {
    const before = await this.get(change.put.map(({ kind, id }) => ({ kind, id })));
    const answer = await super.commit(change);
    if (answer.outcome !== 'committed') return answer;
    for (const [i, { kind, id, body }] of change.put.entries()) {
      this.#kinds.add(kind);
      if (before[i]?.body['more'] === undefined) continue;
      const isKept = JSON.stringify(body['more']) === JSON.stringify(moreOf(kind, id));
      (isKept ? this.kept : this.lost).add(kind);
    }
    return answer;
  }

  /** The newer version writes its silent fields into every row. */
  async mark(): Promise<void> {
    for (const kind of this.#kinds) {
      const { items } = await this.find({ kind, limit: 1_000 });
      const put = items.map((row) => ({ ...row, body: { ...row.body, more: moreOf(kind, row.id) } }));
      await super.commit({ id: randomUUID(), expect: put.map(({ id, version }) => ({ kind, id, version })), put, append: [] });
    }
  }
}

/** Without a `context` that belongs to its `live`. The engine composes the answer. */
class ComposedStore extends NewerStore {
  override live: NewerStore['live'] = (query) => super.live(query);
}

const setUp = (store: NewerStore) => {
  const approver = new ScriptedApprover({
    decide: ({ scopes }) =>
      scopes[0] === 'used'
        ? { outcome: 'approve', terms: { maxUses: 3, idleTtlMs: HOUR } }
        : scopes[0] === 'few'
          ? { outcome: 'approve', rule: 'few', terms: { maxHolders: [{ rule: 'few', max: 2, scopes: ['few'] }] } }
          : { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } },
    groupsOf: ['ops'],
  });
  return { ...anEngine({ store, approver, recordUse: true }), store };
};

describe('silent fields, which only a newer version reads', () => {
  it.each([
    ['in one question', NewerStore],
    ['by get, live and find', ComposedStore],
  ])('are kept by every verb that rewrites a row which it reads %s, and change no answer', async (_, Store) => {
    const { engine, clock, store, told } = setUp(new Store());
    const step = async <T>(work: Promise<T>): Promise<T> => {
      const result = await work;
      await engine.idle();
      await store.mark();
      return result;
    };
    const asked = await step(aPending(engine, { ttl: '2h' }));
    await step(engine.comment(asked.id, { by: SAM, text: 'looks right' }));
    const { request } = await step(engine.amend(asked.id, { by: MAYA, ttl: '3h' }));
    const approved = await step(engine.approve(request.id, { by: SAM }));
    const [grant] = (approved as unknown as { readonly grants: readonly [Grant] }).grants;
    expect(await step(engine.isAllowed(MAYA, SCOPE))).toBe(true);
    const extended = await step(engine.extend(grant.id, { requestedBy: MAYA, ttl: '1h' }));
    await step(engine.approve(extended.request.id, { by: SAM }));
    const pending = await step(aPending(engine, { scope: 'second' }));
    await step(engine.cancel(pending.id, { by: MAYA }));
    await step(ask(engine, { scope: 'used' }));
    await step(engine.consume(MAYA, 'used', { idempotencyKey: 'k1' }));
    for (const subject of [MAYA, ANA]) await step(ask(engine, { scope: 'few', subject }));
    const { lock } = await step(engine.lock({ scope: 'second' }, { by: SAM, reason: 'incident' }));
    await step(engine.unlock(lock.id, { by: SAM }));
    for (let i = 0; i < 2; i++) {
      await clock.advance(2 * HOUR);
      await engine.isAllowed(MAYA, SCOPE);
      await step(engine.sweep());
    }
    await step(engine.revoke(grant.id, { by: SAM }));
    await step(engine.revokeAll({ subject: MAYA }, { by: SAM }));
    expect([...store.lost]).toEqual([]);
    expect([...store.kept].sort()).toEqual(expect.arrayContaining(['grant', 'holders', 'lock', 'request', 'subject', 'usage']));
    expect((await verifyStore(store)).differences).toEqual([]);
    expect(told).toEqual([]);
    await clock.advance('400d');
    await step(engine.sweep());
    for (const hours of [2, 1]) await step(purge(engine, { before: clock.now() - hours * HOUR, by: SAM, force: true }));
    expect([...store.lost]).toEqual([]);
    expect(store.kept).toContain('horizon');
    await engine.close();
  });

  it('are kept by a process whose first verb takes a use', async () => {
    const { engine, clock, store } = setUp(new NewerStore());
    await ask(engine, { scope: 'used' });
    await engine.idle();
    await store.mark();
    const { engine: fresh } = anEngine({ store, clock });
    await fresh.consume(MAYA, 'used');
    expect([...store.lost]).toEqual([]);
    expect([...store.kept]).toContain('usage');
  });

  it('are read again only while a row has some that this version does not know', async () => {
    const reads: string[] = [];
    class CountingStore extends MemoryGrantStore {
      override get: GrantStore['get'] = (keys) => {
        reads.push(...keys.map(({ kind }) => kind));
        return super.get(keys);
      };
    }
    const readsOf = async (more: JsonObject | undefined) => {
      const store = new CountingStore();
      const { engine } = anEngine({ store });
      const { id } = await aPending(engine);
      await engine.idle();
      const [row] = await store.get([{ kind: 'request', id }]);
      if (row === undefined) throw new Error('there is no request');
      const { kind, version, body } = row;
      const put = [{ ...row, body: more === undefined ? body : { ...body, more } }];
      await store.commit({ id: randomUUID(), expect: [{ kind, id, version }], put, append: [] });
      reads.length = 0;
      await engine.cancel(id, { by: MAYA });
      const count = reads.filter((read) => read === 'request').length;
      return [count, (await store.get([{ kind, id }]))[0]?.body['more']];
    };
    expect(await readsOf(undefined)).toEqual([1, undefined]);
    expect(await readsOf({ label: 'x', later: 'y' })).toEqual([2, { label: 'x', later: 'y' }]);
    // A record of this version has its own silent fields, so that its row has them as well. This record is one that cleared it.
    const fields = KINDS.request.fields as unknown as Record<string, unknown>;
    fields['label'] = silent(2, text);
    try {
      expect(await readsOf({ label: 'x' })).toEqual([1, undefined]);
      expect(await readsOf({ label: 'x', later: 'y' })).toEqual([2, { later: 'y' }]);
    } finally {
      delete fields['label'];
    }
  });

  it('of the list of accepted rollbacks are kept, too', async () => {
    const store = new RewindableStore();
    const { engine } = anEngine({ store });
    const lose = async () => {
      const kept = await store.headSeq();
      await aPending(engine, { scope: randomUUID() });
      await engine.idle();
      await store.goBackTo(kept);
      await refusal(ask(engine, { scope: 'new' }), 'ERR_JIT_ROLLBACK');
      await acceptRollback(engine, { by: SAM, reason: 'restored' });
    };
    await aGranted(engine);
    await lose();
    const key = { kind: 'accepted', id: 'accepted' };
    const [row] = await store.get([key]);
    if (row === undefined) throw new Error('there is no list');
    const more = moreOf('accepted', 'accepted');
    const put = [{ ...row, body: { ...row.body, more } }];
    await store.commit({ id: 'newer', expect: [{ ...key, version: row.version }], put, append: [] });
    await lose();
    expect((await store.get([key]))[0]).toMatchObject({ version: row.version + 1, body: { more } });
  });
});
