import { describe, expect, it } from 'vitest';
import { notify, type Notice } from '../../src/notify.js';
import { verifyStore } from '../../src/journal.js';
import type { AccessResult, Grant, JitEngine, JitEngineOptions, Verdict } from '../../src/index.js';
import { runSubject } from '../../src/index.js';
import { ScriptedApprover } from '../../src/testing.js';
import { expectReplayed } from '../property/fold.js';
import { ANA, anEngine, ask, at, entriesOf, HOUR, LEE, MAYA, MINUTE, refusal, SAM } from './an-engine.js';

const SCOPES = ['db:read', 'db:write', 'web:deploy'];
const TTL = 15 * MINUTE;
const REVIEW: Verdict = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } };

/** Approves first requests, unless they are justified with `review`, and has people review extensions. */
function aBundling(options: Partial<JitEngineOptions> = {}) {
  const approver = new ScriptedApprover({
    decide: ({ extension, justification }) => (extension === undefined && justification !== 'review' ? { outcome: 'approve' } : REVIEW),
    groupsOf: ['ops'],
    breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
    mayReviewBreakGlass: true,
  });
  return { ...anEngine({ approver, ...options }), approver };
}

const granted = (result: AccessResult): readonly Grant[] => {
  if (result.outcome !== 'granted') throw new Error(`expected grants, got ${result.outcome}`);
  return result.grants;
};

async function aBundle(engine: JitEngine, over: Parameters<typeof ask>[1] = {}) {
  const result = await ask(engine, { scopes: SCOPES, ...over });
  return { id: result.request.id, grants: granted(result) };
}

const more = { requestedBy: MAYA, ttl: TTL };
const extend = async (engine: JitEngine, requestId: string, over: object = {}) =>
  (await engine.extend({ requestId }, { ...more, ...over })).request;
const found = async (engine: JitEngine, id: string) => {
  const one = await engine.getRequest(id);
  if (one === undefined) throw new Error(`no request ${id}`);
  return one;
};

describe('extend({ requestId }) (feature 9)', () => {
  it('asks for all grants of the request in one request, which one review approves, and each grant extends its own', async () => {
    const { engine, store } = aBundling();
    const { id, grants } = await aBundle(engine);
    const request = await extend(engine, id);
    expect(request).toMatchObject({ subject: MAYA, scopes: SCOPES, status: 'pending' });
    expect(request.extension).toMatchObject({
      requestId: id,
      grantIds: grants.map((grant) => grant.id),
      from: at(TTL),
      firstStartsAt: at(0),
    });
    const later = granted(await engine.approve(request.id, { by: SAM }));
    expect(later.map(({ scope, startsAt, expiresAt }) => [scope, startsAt, expiresAt])).toEqual(
      SCOPES.map((scope) => [scope, at(TTL), at(2 * TTL)]),
    );
    expect(later.map((grant) => grant.extends)).toEqual(grants.map((grant) => grant.id));
    const types = (await entriesOf(store)).filter(({ requestId }) => requestId === request.id).map(({ type }) => type);
    expect(types).toEqual([
      'request.created',
      'request.assigned',
      'request.reviewed',
      'request.approved',
      ...SCOPES.map(() => 'grant.issued'),
    ]);
    await expectReplayed(store);
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });

  it('omits grants that have ended, recorded or by time', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { idleTtlMs: 5 * MINUTE } } });
    const { engine, clock } = anEngine({ approver });
    const { id, grants } = await aBundle(engine);
    await engine.revoke(grants[0]?.id as string, { by: LEE });
    await clock.set(at(4 * MINUTE));
    await engine.check(MAYA, SCOPES[2] as string, { touch: 'wait' });
    await clock.set(at(6 * MINUTE));
    expect((await extend(engine, id)).scopes).toEqual([SCOPES[2]]);
  });

  it('omits a grant that was extended alone, until that extension has ended', async () => {
    const { engine } = aBundling();
    const { id, grants } = await aBundle(engine);
    const alone = await engine.extend(grants[1]?.id as string, more);
    const [successor] = granted(await engine.approve(alone.request.id, { by: SAM }));
    const [first, , third] = SCOPES;
    expect((await extend(engine, id)).scopes).toEqual([first, third]);
    await engine.release(successor?.id as string, { by: MAYA });
    expect((await extend(engine, id)).scopes).toEqual(SCOPES);
  });

  it('is refused where no grant is left, and names the request', async () => {
    const { engine } = aBundling();
    const { id } = await aBundle(engine);
    await engine.approve((await extend(engine, id)).id, { by: SAM });
    const extended = await refusal(engine.extend({ requestId: id }, more), 'ERR_JIT_ENDED');
    expect(extended).toMatchObject({ extendedRequestId: id, grantId: undefined });
    expect(extended.message).toContain('extend the later grants');
    await engine.release({ requestId: id }, { by: MAYA });
    await refusal(engine.extend({ requestId: id }, more), 'ERR_JIT_ENDED');
    const { request } = await ask(engine, { scopes: SCOPES, ttl: 2 * TTL, justification: 'review' });
    expect((await refusal(engine.extend({ requestId: request.id }, more), 'ERR_JIT_UNDECIDED')).message).toContain('no grants to extend');
    await engine.deny(request.id, { by: SAM });
    await refusal(engine.extend({ requestId: request.id }, more), 'ERR_JIT_ENDED');
    await refusal(engine.extend({ requestId: 'unknown' }, more), 'ERR_JIT_NOT_FOUND');
  });

  for (const verb of ['revoke', 'release'] as const) {
    it(`L10 L12 is cancelled in the same commit in which one of its grants is ended by ${verb}`, async () => {
      const { engine, store } = aBundling();
      const { id, grants } = await aBundle(engine);
      const request = await extend(engine, id);
      await engine[verb](grants[2]?.id as string, { by: MAYA });
      expect((await found(engine, request.id)).request.end).toMatchObject({ status: 'cancelled', cause: 'origin_ended' });
      const changes = (await entriesOf(store)).slice(-2).map((entry) => entry.id.slice(0, entry.id.lastIndexOf('.')));
      expect(changes[0]).toBe(changes[1]);
      await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_DECIDED');
      expect((await engine.status(MAYA)).held.map(({ scope }) => scope)).toEqual(SCOPES.slice(0, 2));
    });
  }

  it('is not blocked by the expiry of its grants', async () => {
    const { engine, clock } = aBundling();
    const { id } = await aBundle(engine);
    const request = await extend(engine, id);
    await clock.set(at(TTL + MINUTE));
    await engine.sweep();
    const later = granted(await engine.approve(request.id, { by: SAM }));
    expect(later.map(({ startsAt }) => startsAt)).toEqual(SCOPES.map(() => at(TTL + MINUTE)));
  });

  it('L10 L12 gives all grants or none when its approval races with the revocation of one of them', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { engine, store, clock } = aBundling();
      const { engine: other } = aBundling({ store, clock });
      const { id, grants } = await aBundle(engine);
      const request = await extend(engine, id);
      store.inject('all', { fault: 'yield', seed });
      const approving = other.approve(request.id, { by: SAM }).catch(() => undefined);
      await engine.revoke(grants[1]?.id as string, { by: LEE });
      await approving;
      store.clear();
      const { request: decided, grants: later } = await found(engine, request.id);
      expect(decided.end?.status).toMatch(/^(approved|cancelled)$/);
      expect(later.length).toBe(decided.end?.status === 'approved' ? 3 : 0);
      for (const { scope, end } of later) expect(end?.status).toBe(scope === SCOPES[1] ? 'revoked' : undefined);
      await clock.set(at(TTL));
      expect(await other.isAllowed(MAYA, SCOPES[1] as string)).toBe(false);
      await expectReplayed(store);
    }
  });

  it('L11 returns its request under a used key, also when a grant or all grants have ended since', async () => {
    const { engine, store } = aBundling();
    const { id, grants } = await aBundle(engine);
    const request = await extend(engine, id, { idempotencyKey: 'k' });
    await engine.revoke(grants[0]?.id as string, { by: LEE });
    const again = await engine.extend({ requestId: id }, { ...more, idempotencyKey: 'k' });
    expect(again).toMatchObject({ reused: true, outcome: 'cancelled', differs: [], request: { id: request.id } });
    await engine.release({ requestId: id }, { by: MAYA });
    const before = (await entriesOf(store)).length;
    expect((await extend(engine, id, { idempotencyKey: 'k' })).id).toBe(request.id);
    expect((await entriesOf(store)).length).toBe(before);
    const { id: other, grants: others } = await aBundle(engine, { ttl: HOUR });
    await refusal(engine.extend({ requestId: other }, { ...more, idempotencyKey: 'k' }), 'ERR_JIT_IDEMPOTENCY');
    await refusal(engine.extend(others[0]?.id as string, { ...more, idempotencyKey: 'k' }), 'ERR_JIT_IDEMPOTENCY');
    await refusal(engine.extend({ requestId: id }, { ...more, ttl: MINUTE, idempotencyKey: 'k' }), 'ERR_JIT_IDEMPOTENCY');
  });

  it('L11 returns the pending request of a repeat, also under another key', async () => {
    const { engine } = aBundling();
    const { id } = await aBundle(engine);
    const request = await extend(engine, id);
    expect(await engine.extend({ requestId: id }, more)).toMatchObject({ reused: true, request: { id: request.id } });
    expect((await extend(engine, id, { idempotencyKey: 'k' })).id).toBe(request.id);
    expect((await extend(engine, id, { idempotencyKey: 'k' })).id).toBe(request.id);
  });

  it('L15 L43 names its requester, and keeps the agent and the operator of a run', async () => {
    const run = { agent: 'agent:support', operator: MAYA };
    const { engine } = aBundling({ agents: (id) => id === 'agent:support' });
    const result = await engine.requestAccess({ run, scopes: SCOPES, ttl: TTL });
    const request = await extend(engine, result.request.id, { requestedBy: 'agent:support' });
    expect(request).toMatchObject({ subject: runSubject(run), requestedBy: 'agent:support', agent: 'agent:support', operator: MAYA });
    const { id } = await aBundle(engine);
    const asked = await extend(engine, id, { requestedBy: ANA });
    await refusal(engine.approve(asked.id, { by: ANA }), 'ERR_JIT_SELF_REVIEW');
  });

  it('L16 needs reviewers where the access was taken by break-glass', async () => {
    const approver = new ScriptedApprover({
      decide: { outcome: 'approve' },
      breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
    });
    const { engine } = anEngine({ approver });
    const taken = await engine.breakGlass({ subject: MAYA, scopes: SCOPES, ttl: TTL, justification: 'INC-1' });
    expect(await engine.extend({ requestId: taken.request.id }, more)).toMatchObject({ outcome: 'denied' });
  });

  it('L42 extends and releases 50 grants in one change each, which fits every store', async () => {
    const scopes = Array.from({ length: 50 }, (_, i) => `db-${i}:write`);
    const { engine, store } = aBundling();
    const { id } = await aBundle(engine, { scopes });
    const request = await extend(engine, id);
    expect(granted(await engine.approve(request.id, { by: SAM })).length).toBe(50);
    const { grants } = await engine.release({ requestId: id }, { by: MAYA });
    expect(grants.length).toBe(100);
    const changes = (await entriesOf(store)).filter(({ type }) => type === 'grant.revoked').map((entry) => entry.id.split('.')[0]);
    expect(new Set(changes).size).toBe(1);
  });

  it('L42 counts each chain of its grants', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve' } });
    const { engine } = anEngine({ approver, limits: { maxTotal: '30d', maxGrants: 1_000 } });
    const { id, grants } = await aBundle(engine);
    for (let i = 0; i < 49; i++) {
      const [later] = granted(await engine.extend(grants[1]?.id as string, { ...more, ttl: MINUTE }));
      await engine.release(later?.id as string, { by: MAYA });
    }
    expect(await refusal(engine.extend({ requestId: id }, more), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'extensions', max: 50, got: 51 });
    await engine.release(grants[1]?.id as string, { by: MAYA });
    expect((await extend(engine, id)).scopes).toEqual([SCOPES[0], SCOPES[2]]);
  });
});

describe('release({ requestId }) (feature 9)', () => {
  it('ends all grants of the request in one change, returns them, and cancels a pending extension once', async () => {
    const { engine, store } = aBundling();
    const { id, grants } = await aBundle(engine);
    const request = await extend(engine, id);
    const released = await engine.release({ requestId: id }, { by: MAYA, reason: 'done' });
    expect(released.grants.map((grant) => [grant.id, grant.status, grant.end?.cause])).toEqual(
      grants.map((grant) => [grant.id, 'revoked', 'released']),
    );
    expect(released.requests.map((one) => [one.id, one.status, one.end?.cause])).toEqual([[request.id, 'cancelled', 'origin_ended']]);
    for (const scope of SCOPES) expect(await engine.isAllowed(MAYA, scope)).toBe(false);
    const last = (await entriesOf(store)).slice(-4);
    expect(new Set(last.map((entry) => entry.id.split('.')[0])).size).toBe(1);
    await expectReplayed(store);
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });

  it('ends scheduled grants and the extensions of ended ones, and nothing twice', async () => {
    const { engine, clock } = aBundling();
    const scheduled = await aBundle(engine, { startsAt: at(HOUR) });
    expect((await engine.release({ requestId: scheduled.id }, { by: MAYA })).grants.length).toBe(3);
    const { id } = await aBundle(engine);
    const later = granted(await engine.approve((await extend(engine, id)).id, { by: SAM }));
    await clock.set(at(TTL));
    await engine.sweep();
    const { grants } = await engine.release({ requestId: id }, { by: MAYA });
    expect(grants.map((grant) => [grant.id, grant.end?.cause])).toEqual(later.map((grant) => [grant.id, 'origin_ended']));
    expect(await engine.release({ requestId: id }, { by: MAYA })).toEqual({ grants: [], requests: [] });
  });

  it('ends an extension that opened before the expiry of its grants was recorded', async () => {
    const { engine, clock } = aBundling();
    const { id } = await aBundle(engine);
    const request = await extend(engine, id);
    await clock.set(at(TTL));
    const released = await engine.release({ requestId: id }, { by: MAYA });
    expect(released).toMatchObject({ grants: [], requests: [{ id: request.id, status: 'cancelled' }] });
  });

  it('is for the subject only, and refused while the request is pending', async () => {
    const { engine, store } = aBundling();
    const { id } = await aBundle(engine);
    const before = (await entriesOf(store)).length;
    await refusal(engine.release({ requestId: id }, { by: SAM }), 'ERR_JIT_DENIED');
    const { request } = await ask(engine, { scopes: SCOPES, ttl: 2 * TTL, justification: 'review' });
    const undecided = await refusal(engine.release({ requestId: request.id }, { by: MAYA }), 'ERR_JIT_UNDECIDED');
    expect(undecided.message).toContain('cancel it instead');
    await engine.deny(request.id, { by: SAM });
    expect(await engine.release({ requestId: request.id }, { by: MAYA })).toEqual({ grants: [], requests: [] });
    await refusal(engine.release({ requestId: request.id }, { by: SAM }), 'ERR_JIT_DENIED');
    expect((await entriesOf(store)).slice(before).filter(({ type }) => type === 'grant.revoked')).toEqual([]);
  });

  it('L42 ends the grants one after the other where one change cannot hold their chains', async () => {
    const scopes = Array.from({ length: 50 }, (_, i) => `db-${i}:write`);
    const approver = new ScriptedApprover({ decide: { outcome: 'approve' } });
    const { engine, store } = anEngine({ approver, limits: { maxTotal: '30d', maxGrants: 2_000 } });
    const { id } = await aBundle(engine, { scopes, ttl: MINUTE });
    for (let i = 0, last = id; i < 20; i++) last = (await extend(engine, last, { ttl: MINUTE })).id;
    const { grants } = await engine.release({ requestId: id }, { by: MAYA });
    expect(grants.length).toBe(1_050);
    const changes = (await entriesOf(store)).filter(({ type }) => type === 'grant.revoked').map((entry) => entry.id.split('.')[0]);
    expect(new Set(changes).size).toBe(50);
    expect((await engine.status(MAYA)).scheduled).toEqual([]);
  });

  it('L30 names a grant that cannot be read, and ends the others', async () => {
    const { engine, store } = aBundling();
    const { id, grants } = await aBundle(engine);
    const [row] = await store.get([{ kind: 'grant', id: grants[1]?.id as string }]);
    if (row === undefined) throw new Error('no row');
    await store.commit({
      id: 'damage',
      expect: [{ kind: row.kind, id: row.id, version: row.version }],
      put: [{ ...row, version: row.version + 1, body: { ...row.body, end: 'soon' } }],
      append: [],
    });
    const partial = await refusal(engine.release({ requestId: id }, { by: MAYA }), 'ERR_JIT_PARTIAL');
    expect(partial.ended.grants.map((grant) => grant.id)).toEqual([grants[0]?.id, grants[2]?.id]);
    expect(partial.failures).toMatchObject([{ kind: 'grant', id: grants[1]?.id }]);
  });

  it('sends one notice, which names all scopes', async () => {
    const notices: Notice[] = [];
    const audit = notify({ name: 'chat', send: (notice) => void notices.push(notice) });
    const { engine } = aBundling({ audit });
    const { id } = await aBundle(engine);
    await engine.approve((await extend(engine, id)).id, { by: SAM });
    await engine.flushAudit();
    expect(notices.filter(({ kind }) => kind === 'review_requested' || kind === 'decided').length).toBe(3);
    notices.length = 0;
    const { id: other } = await aBundle(engine, { ttl: HOUR });
    await engine.release({ requestId: other }, { by: MAYA });
    await engine.flushAudit();
    const ended = notices.filter(({ kind }) => kind === 'ended').map(({ text }) => text.split('\n')[0]);
    expect(ended).toEqual([`user:maya's access to ${SCOPES.join(', ')} has ended: it was released by user:maya`]);
  });
});

describe('reviewBreakGlass() (feature 9)', () => {
  it('L12 cancels an extension of the whole access once when its use was unjustified', async () => {
    const { engine, store } = aBundling();
    const taken = await engine.breakGlass({ subject: MAYA, scopes: SCOPES, ttl: TTL, justification: 'INC-1' });
    const request = await extend(engine, taken.request.id);
    await engine.reviewBreakGlass(taken.request.id, { by: ANA, verdict: 'unjustified' });
    expect((await found(engine, request.id)).request.end).toMatchObject({ status: 'cancelled', cause: 'origin_ended' });
    await expectReplayed(store);
  });
});
