import { describe, expect, it } from 'vitest';
import { autoApprove, type AccessRequest, type AccessResult, type ExtensionAsk, type Grant, type JitEngine } from '../../src/index.js';
import { definePolicy } from '../../src/policy.js';
import { verifyStore } from '../../src/journal.js';
import { ScriptedApprover } from '../../src/testing.js';
import { expectReplayed } from '../property/fold.js';
import { ANA, anEngine, aPending, ask, at, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';

const END = at(30 * MINUTE);
const UNTIL = { ttl: undefined, until: END };

function grantOf(result: AccessResult): Grant {
  const [grant] = result.outcome === 'granted' ? result.grants : [];
  if (grant === undefined) throw new Error(`expected a grant, got ${result.outcome}`);
  return grant;
}

const approved = async (engine: JitEngine, { id }: AccessRequest): Promise<Grant> => grantOf(await engine.approve(id, { by: SAM }));

describe('an ask with an end (until)', () => {
  it.each([0, 10, 29])('gives a grant that ends then, also where it is decided %i minutes later (feature 10)', async (late) => {
    const { engine, clock, store } = anEngine({ limits: { minTtl: '1m' } });
    const request = await aPending(engine, UNTIL);
    expect(request).toMatchObject({ until: END, ttlMs: 30 * MINUTE });
    await clock.set(at(late === 29 ? 29 * MINUTE - 1 : late * MINUTE));
    const grant = await approved(engine, request);
    expect(grant).toMatchObject({ startsAt: clock.now(), expiresAt: END });
    await clock.set(END - 1);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    await clock.set(END);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    await expectReplayed(store);
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });

  it('takes a Date, and a start: the window is that between the two (L4)', async () => {
    const { engine, clock } = anEngine();
    const request = await aPending(engine, { ttl: undefined, startsAt: at(HOUR), until: new Date(at(3 * HOUR)) });
    expect(request).toMatchObject({ startsAt: at(HOUR), until: at(3 * HOUR), ttlMs: 2 * HOUR });
    await clock.advance(20 * MINUTE);
    expect(await approved(engine, request)).toMatchObject({ startsAt: at(HOUR), expiresAt: at(3 * HOUR) });
  });

  it('L13 is not decided later than minTtl before the end, also where the quorum has more time', async () => {
    const quorum = { groups: [{ name: 'ops', approvals: 1 }], reviewWithinMs: 8 * HOUR };
    for (const approver of [undefined, new ScriptedApprover({ decide: { outcome: 'review', quorum }, groupsOf: ['ops'] })]) {
      const { engine, clock } = anEngine({ limits: { minTtl: '5m' }, ...(approver && { approver }) });
      const request = await aPending(engine, UNTIL);
      expect(request.reviewBy).toBe(END - 5 * MINUTE);
      await clock.set(END - 5 * MINUTE);
      expect(await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_DEADLINE')).toMatchObject({ requestId: request.id });
      expect((await engine.getRequest(request.id))?.outcome).toBe('expired');
    }
  });

  it('L3 refuses an end beyond a limit, and never cuts it: the problem names until', async () => {
    const { engine, clock } = anEngine({ limits: { maxTtl: '2h', minTtl: '5m', maxTotal: '3h' } });
    const problems = async (over: object) => (await refusal(ask(engine, { ttl: undefined, ...over }), 'ERR_JIT_REQUIREMENTS')).problems;
    expect(await problems({ until: at(2 * HOUR + 1) })).toMatchObject([
      { field: 'until', code: 'too_long', limit: 2 * HOUR, got: 2 * HOUR + 1 },
    ]);
    expect(await problems({ until: at(5 * MINUTE - 1) })).toMatchObject([{ field: 'until', code: 'too_short', limit: 5 * MINUTE }]);
    expect(await problems({ startsAt: at(HOUR), until: at(4 * HOUR + 1) })).toMatchObject([
      { field: 'until' },
      { field: 'until', limit: 3 * HOUR },
    ]);
    for (const until of [at(0), at(-1)]) await refusal(ask(engine, { ttl: undefined, until }), 'ERR_JIT_DEADLINE');
    await clock.advance(1);
    expect(await refusal(ask(engine, { ttl: undefined, until: at(1) }), 'ERR_JIT_DEADLINE')).toMatchObject({
      requestId: undefined,
    });
  });

  it('has either ttl or until, and an end after its start', async () => {
    const { engine, store } = anEngine();
    expect(await refusal(ask(engine, { ttl: '30m', until: END }), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument: 'until' });
    expect(await refusal(ask(engine, { ttl: undefined }), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument: 'ttl' });
    for (const startsAt of [END, END + 1])
      expect(await refusal(ask(engine, { ...UNTIL, startsAt }), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument: 'until' });
    expect((await store.find({ kind: 'request', limit: 10 })).items).toEqual([]);
  });

  it('shows approvers and rules the longest window that a decision could give', async () => {
    const { engine } = anEngine({ approver: autoApprove(({ ttlMs }) => ttlMs <= 30 * MINUTE) });
    expect((await ask(engine, UNTIL)).outcome).toBe('granted');
    expect((await ask(engine, { ttl: undefined, until: END + 1, scope: 'b' })).outcome).toBe('denied');
    const policy = definePolicy({
      rules: [{ id: 'prod', scopes: ['db-prod:*'], maxTtl: '20m', review: { groups: { ops: 1 } } }],
      groups: { ops: [SAM] },
    });
    const error = await refusal(ask(anEngine({ approver: policy }).engine, UNTIL), 'ERR_JIT_REQUIREMENTS');
    expect(error.problems).toMatchObject([{ rule: 'prod', field: 'until', code: 'too_long', limit: 20 * MINUTE, got: 30 * MINUTE }]);
  });

  it('L11 compares until under a key, however late the repeat comes', async () => {
    const { engine, clock } = anEngine();
    const key = { idempotencyKey: 'k' };
    const first = await aPending(engine, { ...UNTIL, ...key });
    await clock.advance(10 * MINUTE);
    expect(await ask(engine, { ...UNTIL, ...key })).toMatchObject({ reused: true, differs: [], request: { id: first.id } });
    for (const over of [{ ttl: undefined, until: END + 1 }, { ttl: 30 * MINUTE }])
      await refusal(ask(engine, { ...over, ...key }), 'ERR_JIT_IDEMPOTENCY');
    await clock.set(END + HOUR);
    expect(await ask(engine, { ...UNTIL, ...key })).toMatchObject({ reused: true, outcome: 'expired' });
  });

  it('repeats an open request with an end that is not later, and says what differs (L44)', async () => {
    const { engine, clock } = anEngine();
    const first = await aPending(engine, UNTIL);
    await clock.advance(MINUTE);
    expect(await ask(engine, UNTIL)).toMatchObject({ reused: true, differs: [], request: { id: first.id } });
    expect(await ask(engine, { ttl: undefined, until: END + 1 })).toMatchObject({
      reused: true,
      differs: ['until'],
      request: { id: first.id },
    });
    expect((await ask(engine, { ttl: undefined, until: END - 1 })).reused).toBe(false);
    expect((await ask(engine, { ttl: '45m' })).reused).toBe(false);
    const { engine: other } = anEngine();
    const long = await aPending(other, { ttl: '10m' });
    const result = await ask(other, UNTIL);
    expect(result.reused).toBe(false);
    expect(result.request.id).not.toBe(long.id);
  });

  it('repeats the grant that lasts until then', async () => {
    const { engine, clock } = anEngine();
    const grant = await approved(engine, await aPending(engine, UNTIL));
    await clock.advance(MINUTE);
    expect(await ask(engine, UNTIL)).toMatchObject({ outcome: 'granted', reused: true, request: { id: grant.requestId } });
    expect((await ask(engine, { ttl: undefined, until: END + 1 })).reused).toBe(false);
  });

  it('counts in limits.maxTotal up to its end, not longer', async () => {
    const { engine, clock } = anEngine({ limits: { maxTotal: '1h' } });
    await aPending(engine, UNTIL);
    await clock.advance(10 * MINUTE);
    expect((await ask(engine, { ttl: '10m', startsAt: END, scope: SCOPE })).outcome).toBe('pending');
    expect(await refusal(ask(engine, { ttl: '50m', startsAt: END + 1 }), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'maxTotal' });
  });

  it('is the same ask as another one only where their windows meet', async () => {
    const { engine } = anEngine({ limits: { askAgainAfter: '24h' } });
    const denied = await aPending(engine, UNTIL);
    await engine.deny(denied.id, { by: SAM });
    expect((await ask(engine, { ttl: '10m', startsAt: END })).outcome).toBe('pending');
    await refusal(ask(engine, { ttl: '10m', startsAt: END - 1 }), 'ERR_JIT_LIMIT');
  });

  describe('of an extension', () => {
    const held = async (options: Parameters<typeof anEngine>[0] = {}) => {
      const made = anEngine(options);
      return { ...made, grant: grantOf(await made.engine.approve((await aPending(made.engine)).id, { by: SAM })) };
    };

    it('ends the new grant then, which starts at the end of the old one (L4)', async () => {
      const { engine, clock, grant, store } = await held();
      const { request } = await engine.extend(grant.id, { requestedBy: MAYA, until: END });
      expect(request).toMatchObject({ until: END, ttlMs: 15 * MINUTE });
      await clock.advance(20 * MINUTE);
      expect(await approved(engine, request)).toMatchObject({ startsAt: at(20 * MINUTE), expiresAt: END, extends: grant.id });
      await expectReplayed(store);
    });

    it('refuses an end that is not after the old one, and one beyond maxTotal', async () => {
      const { engine, grant } = await held({ limits: { maxTotal: '1h' } });
      for (const until of [grant.expiresAt, grant.expiresAt - 1]) {
        const error = await refusal(engine.extend(grant.id, { requestedBy: MAYA, until }), 'ERR_JIT_INVALID_ARGUMENT');
        expect(error).toMatchObject({ argument: 'until', rule: `an instant after the end of grant ${grant.id}` });
      }
      const error = await refusal(engine.extend(grant.id, { requestedBy: MAYA, until: at(HOUR + 1) }), 'ERR_JIT_REQUIREMENTS');
      expect(error.problems).toMatchObject([{ field: 'until', code: 'too_long', limit: HOUR, got: HOUR + 1 }]);
      expect((await engine.extend(grant.id, { requestedBy: MAYA, until: at(HOUR) })).outcome).toBe('pending');
    });

    it('is denied beyond the maxTotal of its rule, where a ttl is cut', async () => {
      const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxTotalMs: 20 * MINUTE } } });
      const { engine } = anEngine({ approver });
      const grant = grantOf(await ask(engine));
      const denied = await engine.extend(grant.id, { requestedBy: MAYA, until: at(20 * MINUTE + 1) });
      expect(denied).toMatchObject({
        outcome: 'denied',
        reason: 'it ends after the maxTotal of its rule',
        request: { end: { cause: 'limit' } },
      });
      expect(grantOf(await engine.extend(grant.id, { requestedBy: MAYA, until: at(20 * MINUTE) })).expiresAt).toBe(at(20 * MINUTE));
    });
  });

  describe('of a bundle (feature 9)', () => {
    it('ends every new grant then, and the request has the length from the end of the old ones', async () => {
      const { engine, clock, store } = anEngine();
      const { id } = await aPending(engine, { scopes: ['a', 'b'] });
      await engine.approve(id, { by: SAM });
      const { request } = await engine.extend({ requestId: id }, { requestedBy: MAYA, until: END });
      expect(request).toMatchObject({ scopes: ['a', 'b'], until: END, ttlMs: 15 * MINUTE, reviewBy: END - 1 });
      await clock.advance(20 * MINUTE);
      const result = await engine.approve(request.id, { by: SAM });
      expect(result.outcome === 'granted' && result.grants.map(({ scope, expiresAt }) => [scope, expiresAt])).toEqual([
        ['a', END],
        ['b', END],
      ]);
      await expectReplayed(store);
      expect(await verifyStore(store)).toMatchObject({ ok: true });
    });

    it('refuses an end that is not after that of its grants, and names the request', async () => {
      const { engine } = anEngine();
      const { id } = await aPending(engine, { scopes: ['a', 'b'] });
      await engine.approve(id, { by: SAM });
      const extend = (until: number) => engine.extend({ requestId: id }, { requestedBy: MAYA, until });
      const error = await refusal(extend(at(15 * MINUTE)), 'ERR_JIT_INVALID_ARGUMENT');
      expect(error).toMatchObject({ argument: 'until', rule: `an instant after the end of the grants of request ${id}` });
      expect((await extend(at(15 * MINUTE + 1))).outcome).toBe('pending');
    });

    it('L11 compares until under a key, also where fewer grants are left', async () => {
      const { engine } = anEngine();
      const { id } = await aPending(engine, { scopes: ['a', 'b'] });
      await engine.approve(id, { by: SAM });
      const extend = (over: Partial<ExtensionAsk>) => engine.extend({ requestId: id }, { requestedBy: MAYA, idempotencyKey: 'k', ...over });
      const first = await extend({ until: END });
      await engine.approve(first.request.id, { by: SAM });
      await engine.revoke(`${id}.1`, { by: SAM });
      expect(await extend({ until: END })).toMatchObject({ reused: true, request: { id: first.request.id } });
      await refusal(extend({ until: END + 1 }), 'ERR_JIT_IDEMPOTENCY');
      await refusal(extend({ ttl: 15 * MINUTE }), 'ERR_JIT_IDEMPOTENCY');
    });

    it('is amended to another end for the grants that are left', async () => {
      const { engine } = anEngine();
      const { id } = await aPending(engine, { scopes: ['a', 'b'] });
      await engine.approve(id, { by: SAM });
      const { request } = await engine.extend({ requestId: id }, { requestedBy: MAYA, until: END });
      const amended = await engine.amend(request.id, { by: MAYA, until: END + MINUTE });
      expect(amended.request).toMatchObject({ scopes: ['a', 'b'], until: END + MINUTE, ttlMs: 16 * MINUTE, extension: { requestId: id } });
      const same = await engine.amend(amended.request.id, { by: MAYA, ticket: 'INC-1' });
      expect(same.request).toMatchObject({ until: END + MINUTE, ttlMs: 16 * MINUTE });
    });
  });

  describe('that a reviewer narrows (feature 4)', () => {
    it('L18 has the narrowed time from the decision, and never ends later', async () => {
      for (const [late, expiresAt] of [
        [0, at(10 * MINUTE)],
        [5 * MINUTE, at(15 * MINUTE)],
        [25 * MINUTE, END],
      ] as const) {
        const { engine, clock, store } = anEngine();
        const request = await aPending(engine, UNTIL);
        await clock.set(at(late));
        const grant = grantOf(await engine.approve(request.id, { by: SAM, ttl: 10 * MINUTE }));
        expect(grant).toMatchObject({ startsAt: at(late), expiresAt });
        await expectReplayed(store);
        expect(await verifyStore(store)).toMatchObject({ ok: true });
      }
    });

    it('L18 takes the whole length as no narrowing, also where less of it is left', async () => {
      const { engine, clock } = anEngine();
      const request = await aPending(engine, UNTIL);
      await refusal(engine.approve(request.id, { by: SAM, ttl: 30 * MINUTE + 1 }), 'ERR_JIT_REQUIREMENTS');
      await clock.advance(20 * MINUTE);
      const result = await engine.approve(request.id, { by: SAM, ttl: 30 * MINUTE });
      expect(result.request.reviews[0]?.ttlMs).toBeUndefined();
      expect(grantOf(result).expiresAt).toBe(END);
    });

    it('L18 takes the least of several approvals, and the requested end where that is earlier', async () => {
      const approver = new ScriptedApprover({
        decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 2 }] } },
        groupsOf: ['ops'],
      });
      for (const [late, expiresAt] of [
        [0, at(5 * MINUTE)],
        [28 * MINUTE, END],
      ] as const) {
        const { engine, clock } = anEngine({ approver });
        const { id } = await aPending(engine, UNTIL);
        await engine.approve(id, { by: SAM, ttl: 5 * MINUTE });
        await clock.set(at(late));
        expect(grantOf(await engine.approve(id, { by: ANA, ttl: 20 * MINUTE })).expiresAt).toBe(expiresAt);
      }
    });
  });

  describe('under a rule that gives access until an instant (feature 6)', () => {
    const ending = (endBy: number) => new ScriptedApprover({ decide: { outcome: 'approve', terms: { endBy } } });

    it('L3 is denied where it ends later, and never cut', async () => {
      const { engine } = anEngine({ approver: ending(END - 1) });
      expect(await ask(engine, UNTIL)).toMatchObject({ outcome: 'denied', reason: 'it ends after the endBy of its rule' });
      expect(grantOf(await ask(anEngine({ approver: ending(END) }).engine, UNTIL)).expiresAt).toBe(END);
    });

    it('L3 is denied also as an extension, where a ttl is cut', async () => {
      const { engine } = anEngine({ approver: ending(at(20 * MINUTE)) });
      const grant = grantOf(await ask(engine));
      const denied = await engine.extend(grant.id, { requestedBy: MAYA, until: at(20 * MINUTE + 1) });
      expect(denied).toMatchObject({ outcome: 'denied', reason: 'it ends after the endBy of its rule' });
      expect(grantOf(await engine.extend(grant.id, { requestedBy: MAYA, ttl: HOUR })).expiresAt).toBe(at(20 * MINUTE));
    });

    it('L3 is refused as break-glass access, and the problem names until', async () => {
      const verdict = { outcome: 'approve', reviewWithinMs: HOUR, terms: { endBy: END - 1 } } as const;
      const { engine } = anEngine({ approver: new ScriptedApprover({ decide: { outcome: 'abstain' }, breakGlass: verdict }) });
      const taken = (until: number) => engine.breakGlass({ subject: MAYA, scope: SCOPE, until, justification: 'it burns' });
      const error = await refusal(taken(END), 'ERR_JIT_REQUIREMENTS');
      expect(error.problems).toMatchObject([{ field: 'until', code: 'outside_hours', limit: END - 1, got: END }]);
      expect(grantOf(await taken(END - 1)).expiresAt).toBe(END - 1);
    });
  });

  it('ends break-glass access then', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'abstain' }, breakGlass: { outcome: 'approve', reviewWithinMs: HOUR } });
    const { engine } = anEngine({ approver });
    const taken = await engine.breakGlass({ subject: MAYA, scope: SCOPE, until: END, justification: 'it burns' });
    expect(grantOf(taken)).toMatchObject({ startsAt: at(0), expiresAt: END });
    await refusal(engine.breakGlass({ subject: MAYA, scope: SCOPE, until: at(0), justification: 'it burns' }), 'ERR_JIT_DEADLINE');
  });

  it('is amended to another end, or to a length and back', async () => {
    const { engine, clock } = anEngine();
    const request = await aPending(engine, UNTIL);
    await clock.advance(MINUTE);
    const later = await engine.amend(request.id, { by: MAYA, until: at(HOUR) });
    expect(later.request).toMatchObject({ until: at(HOUR), ttlMs: 59 * MINUTE });
    const same = await engine.amend(later.request.id, { by: MAYA, justification: 'why' });
    expect(same.request).toMatchObject({ until: at(HOUR), ttlMs: 59 * MINUTE });
    const length = await engine.amend(same.request.id, { by: MAYA, ttl: '5m' });
    expect(length.request).toMatchObject({ until: undefined, ttlMs: 5 * MINUTE });
    await refusal(engine.amend(length.request.id, { by: MAYA, ttl: '5m', until: END }), 'ERR_JIT_INVALID_ARGUMENT');
    await refusal(engine.amend(length.request.id, { by: MAYA, ttl: '5m' }), 'ERR_JIT_INVALID_ARGUMENT');
    expect((await engine.amend(length.request.id, { by: MAYA, until: END })).request).toMatchObject({ until: END, ttlMs: 29 * MINUTE });
  });
});
