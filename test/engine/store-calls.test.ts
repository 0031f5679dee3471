import { describe, expect, it } from 'vitest';
import { autoApprove, reviewers, type Approver, type JitEngine } from '../../src/index.js';
import { ScriptedApprover, type FaultyStore } from '../../src/testing.js';
import { aGranted, ANA, anEngine, aPending, ask, LEE, MAYA, MINUTE, SAM, SCOPE } from './an-engine.js';

const people = reviewers({ members: [SAM, ANA, LEE] });
/** Decides without declaring it, so that the request and its decision are two commits. */
const slow = new ScriptedApprover({ decide: { outcome: 'approve' } });
const pure = autoApprove(() => true, { pure: true });
const holders = new ScriptedApprover({
  decide: {
    outcome: 'review',
    quorum: { groups: [{ name: 'ops', approvals: 1 }] },
    terms: { maxHolders: [{ rule: 'r', max: 2, scopes: [SCOPE] }] },
  },
  groupsOf: ['ops'],
});

/** An engine whose first commit is past: what an engine reads once does not count. */
async function anUsedEngine(approver: Approver) {
  const made = anEngine({ approver });
  await ask(made.engine, { subject: 'user:first', scope: 'first' });
  return made;
}

/** The calls of the store that a verb makes. */
async function callsOf(store: FaultyStore, work: () => Promise<unknown>): Promise<readonly string[]> {
  const before = store.calls.length;
  await work();
  return store.calls.slice(before).map(({ method }) => method);
}

const KEY = { idempotencyKey: 'k' };

describe('the calls of the store', () => {
  const asks: readonly (readonly [string, Approver, readonly string[]])[] = [
    ['approved after a wait', slow, ['context', 'commit', 'commit']],
    ['decided at once', pure, ['context', 'commit']],
    ['that waits for a review', people, ['context', 'commit']],
  ];
  for (const [what, approver, calls] of asks) {
    it(`of requestAccess, ${what}: ${calls.length}, with and without a key`, async () => {
      const { engine, store } = await anUsedEngine(approver);
      expect(await callsOf(store, () => ask(engine))).toEqual(calls);
      expect(await callsOf(store, () => ask(engine, { scope: 'keyed', ...KEY }))).toEqual(calls);
      expect(await callsOf(store, () => ask(engine, { subject: ANA, scope: 'for-others', requestedBy: LEE }))).toEqual(calls);
    });
  }

  it('of approve: 2, with maxHolders 3', async () => {
    const two = await anUsedEngine(people);
    const { id } = await aPending(two.engine);
    expect(await callsOf(two.store, () => two.engine.approve(id, { by: SAM }))).toEqual(['context', 'commit']);
    const three = await anUsedEngine(holders);
    const held = await aPending(three.engine);
    expect(await callsOf(three.store, () => three.engine.approve(held.id, { by: SAM }))).toEqual(['context', 'get', 'commit']);
  });

  it('of revoke: 2 without an extension', async () => {
    const { engine, store } = await anUsedEngine(pure);
    const grant = await aGranted(engine);
    expect(await callsOf(store, () => engine.revoke(grant.id, { by: SAM }))).toEqual(['context', 'commit']);
  });

  const read = (engine: JitEngine, id: string) => () => engine.getRequest(id);
  it('of getRequest: 1 up to four scopes, then 2', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxUses: 3 } } });
    const { engine, store } = await anUsedEngine(approver);
    const four = await ask(engine, { scopes: ['a', 'b', 'c', 'd'], ttl: MINUTE });
    const five = await ask(engine, { scopes: ['e', 'f', 'g', 'h', 'i'], ttl: MINUTE });
    expect(await callsOf(store, read(engine, four.request.id))).toEqual(['get']);
    expect(await callsOf(store, read(engine, five.request.id))).toEqual(['get', 'get']);
    expect((await engine.getRequest(five.request.id))?.grants.map(({ scope }) => scope)).toEqual(['e', 'f', 'g', 'h', 'i']);
  });

  it('of ten parallel asks of one subject: no commit conflicts, so each ask makes the calls of one', async () => {
    for (const [approver, calls] of [
      [pure, 2],
      [people, 2],
    ] as const) {
      const { engine, store } = await anUsedEngine(approver);
      const before = store.calls.length;
      store.inject('all', { fault: 'yield', seed: 3 });
      await Promise.all(Array.from({ length: 10 }, (_, i) => ask(engine, { subject: MAYA, scope: `s${i}` })));
      store.clear();
      expect(store.calls.slice(before).filter(({ method }) => method === 'commit')).toHaveLength(10);
      expect(store.calls.length - before).toBe(10 * calls);
    }
  });
});
