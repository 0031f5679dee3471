import { describe, expect, it, vi } from 'vitest';
import type { Grant, JitEngine } from '../../src/index.js';
import { MAX_CHANGE } from '../../src/core/change-size.js';
import { verifyStore } from '../../src/journal.js';
import { ScriptedApprover } from '../../src/testing.js';
import { aGranted, anEngine, grantsOf, LEE, MAYA, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';

const TTL = 15 * MINUTE;
const APPROVE = { outcome: 'approve' } as const;
/** The longest texts that the engine accepts, of characters that JSON escapes. */
const TEXT = '"'.repeat(4_096);
const METADATA = { note: '\\'.repeat(4_080) };

/** An engine, with extension requests that wait for a reviewer (`pending`) or are approved at once (`granted`). */
function aChain() {
  const approver = new ScriptedApprover({ decide: APPROVE, groupsOf: ['ops'] });
  const made = anEngine({ approver, limits: { reviewWithin: '1h' } });
  const { engine } = made;
  const extend = async (grant: Grant, requestedBy = MAYA, ttl = TTL) =>
    engine.extend(grant.id, { requestedBy, ttl, justification: TEXT, ticket: TEXT, metadata: METADATA });
  const pending = async (grant: Grant, requestedBy = MAYA, { approvals = 1, ttl = TTL } = {}) => {
    approver.script.decide = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals }] } };
    const { outcome, request } = await extend(grant, requestedBy, ttl);
    expect(outcome).toBe('pending');
    return request;
  };
  const granted = async (grant: Grant): Promise<Grant> => {
    approver.script.decide = APPROVE;
    const result = await extend(grant);
    if (result.outcome !== 'granted') throw new Error(`expected a grant, got ${result.outcome}`);
    return result.grants[0] as Grant;
  };
  /** A tree with this many grants: each is extended by up to three others. */
  const tree = async (size: number, root?: Grant): Promise<readonly Grant[]> => {
    const grants = [root ?? (await aGranted(engine, { ttl: TTL }))];
    for (let i = 1; i < size; i++) grants.push(await granted(grants[Math.floor((i - 1) / 3)] as Grant));
    return grants;
  };
  return { ...made, approver, pending, granted, tree };
}

const times = (count: number, what: string): readonly string[] => Array.from({ length: count }, () => what);

const endsOf = async (engine: JitEngine) => {
  const requests = (await engine.listRequests({ subject: MAYA, limit: 100 })).items;
  const found = await Promise.all(requests.map(({ id }) => engine.getRequest(id)));
  return {
    grants: found.flatMap((one) => one?.grants ?? []).map(({ end }) => end?.cause),
    open: requests.filter(({ end }) => end === undefined).length,
  };
};

describe('an extension chain', () => {
  it('L12 L42 of the maximum size ends in one change that fits every store', async () => {
    const { engine, store, tree, pending } = aChain();
    const grants = await tree(49);
    const waiting = [];
    for (const grant of grants.slice(20, 30)) waiting.push(await pending(grant));
    // The 50th grant comes from one of the 10 requests. After it, no other request can be opened.
    expect((await engine.approve(waiting[0]?.id as string, { by: SAM })).outcome).toBe('granted');
    const commit = vi.spyOn(store, 'commit');
    await engine.revoke((grants[0] as Grant).id, { by: SAM, reason: TEXT });
    const changes = commit.mock.calls.map(([change]) => change).filter(({ put }) => put.some(({ kind }) => kind === 'grant'));
    const [change] = changes;
    expect(changes).toHaveLength(1);
    expect(change?.put.map(({ kind }) => kind).sort()).toEqual([...times(50, 'grant'), ...times(9, 'request')]);
    expect(change?.append).toHaveLength(59);
    // Leaves most of the maximum change size for fields that later versions add.
    expect(Buffer.byteLength(JSON.stringify(change))).toBeLessThan(MAX_CHANGE.bytes / 4);
    const { grants: ends, open } = await endsOf(engine);
    expect(ends.sort()).toEqual([...times(49, 'origin_ended'), 'revoked']);
    expect(open).toBe(0);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('L12 L42 ends in several changes where the reviews of its requests are longer than one change', async () => {
    const { engine, store, tree, pending } = aChain();
    const [root] = (await tree(1)) as [Grant];
    for (let i = 10; i > 0; i--) {
      const { id } = await pending(root, MAYA, { approvals: 100, ttl: i * MINUTE });
      for (let r = 0; r < 27; r++) await engine.approve(id, { by: `user:r${r}`, reason: TEXT, comment: TEXT });
    }
    const commit = vi.spyOn(store, 'commit');
    expect((await engine.revoke(root.id, { by: SAM, reason: TEXT })).status).toBe('revoked');
    const changes = commit.mock.calls.map(([{ put }]) => put.map(({ kind }) => kind).filter((kind) => kind !== 'subject'));
    // The grant ends in the first change, with as many requests as fit.
    expect(changes.length).toBeGreaterThan(1);
    expect(changes.map((kinds) => kinds.includes('grant'))).toEqual(changes.map((_, i) => i === 0));
    expect((await endsOf(engine)).open).toBe(0);
    expect((await verifyStore(store)).ok).toBe(true);
  });

  it('L42 has at most 50 grants over all its branches: a further extension is refused, and a pending one is denied', async () => {
    const { engine, tree, pending, granted } = aChain();
    const grants = await tree(49);
    const waits = await pending(grants[48] as Grant);
    const last = await granted(grants[5] as Grant);
    for (const grant of [grants[0] as Grant, grants[48] as Grant, last]) {
      const refused = await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL / 3 }), 'ERR_JIT_LIMIT');
      expect(refused).toMatchObject({ limit: 'extensions', max: 50, got: 51 });
    }
    const late = await engine.approve(waits.id, { by: SAM });
    expect(late).toMatchObject({ outcome: 'denied', request: { end: { cause: 'limit' } } });
    expect(late.request.end?.reason).toContain('at most 50 grants');
  });

  it('L42 gets one grant when two approvals race for the last place', async () => {
    const { engine, store, tree, pending } = aChain();
    const grants = await tree(49);
    const waiting = [await pending(grants[10] as Grant), await pending(grants[40] as Grant)];
    store.inject('all', { fault: 'yield' });
    const results = await Promise.all(waiting.map(({ id }) => engine.approve(id, { by: SAM })));
    expect(results.map(({ outcome }) => outcome).sort()).toEqual(['denied', 'granted']);
  });

  it('L42 has at most 10 open extension requests over all its branches, also when two requests race for the last place', async () => {
    const { engine, store, tree, pending } = aChain();
    const grants = await tree(12);
    for (const grant of grants.slice(0, 9)) await pending(grant);
    store.inject('all', { fault: 'yield' });
    const [first, second] = await Promise.allSettled(
      grants.slice(9, 11).map(({ id }) => engine.extend(id, { requestedBy: MAYA, ttl: TTL })),
    );
    expect([first?.status, second?.status].sort()).toEqual(['fulfilled', 'rejected']);
    const refused = await refusal(engine.extend((grants[11] as Grant).id, { requestedBy: MAYA, ttl: TTL }), 'ERR_JIT_LIMIT');
    expect(refused).toMatchObject({ limit: 'extensionRequests', max: 10, got: 11 });
    // An identical ask returns the open request.
    expect(await engine.extend((grants[0] as Grant).id, { requestedBy: MAYA, ttl: TTL })).toMatchObject({ reused: true });
  });

  it('L42 frees the places of requests whose deadline has passed, also without a sweeper', async () => {
    const { engine, clock, tree, pending } = aChain();
    const root = await aGranted(engine, { ttl: '2h' });
    const [, ...others] = await tree(11, root);
    for (const grant of others) await pending(grant);
    await clock.advance(60 * MINUTE);
    await pending(root);
    expect((await endsOf(engine)).open).toBe(1);
  });

  it('L44 reserves half of the places for its subject: other requesters share 5', async () => {
    const { engine, tree, pending } = aChain();
    const grants = await tree(6);
    for (const [i, grant] of grants.slice(0, 5).entries()) await pending(grant, i % 2 === 0 ? LEE : 'user:tom');
    const ask = { ttl: TTL, requestedBy: 'user:kim' };
    expect(await refusal(engine.extend((grants[5] as Grant).id, ask), 'ERR_JIT_LIMIT')).toMatchObject({
      limit: 'extensionRequests',
      max: 5,
      got: 6,
    });
    for (const grant of grants.slice(0, 5)) await pending(grant);
    expect(await refusal(engine.extend((grants[5] as Grant).id, { ...ask, requestedBy: MAYA }), 'ERR_JIT_LIMIT')).toMatchObject({
      max: 10,
    });
  });

  it('L42 starts at one grant of a bundle: the other grants have chains of their own', async () => {
    const { engine, pending } = aChain();
    const [first, second] = await grantsOf(engine, { scopes: ['a', 'b'] });
    for (let i = 10; i > 0; i--) await pending(first as Grant, MAYA, { ttl: i * MINUTE });
    const refused = await refusal(engine.extend((first as Grant).id, { requestedBy: MAYA, ttl: MINUTE / 2 }), 'ERR_JIT_LIMIT');
    expect(refused).toMatchObject({ limit: 'extensionRequests' });
    await pending(second as Grant);
  });
});
