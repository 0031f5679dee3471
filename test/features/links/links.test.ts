import { purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import type { JitEngine } from '../../../src/index.js';
import { MemoryGrantStore, reviewers, type JitEngineOptions, type QuorumInput } from '../../../src/index.js';
import { approvalLinks } from '../../../src/links.js';
import { verifyJournal } from '../../../src/journal.js';
import { FaultyStore, hangs, ScriptedApprover } from '../../../src/testing.js';
import {
  ANA,
  anEngine,
  aPending,
  ask,
  at,
  entriesOf,
  HOUR,
  LEE,
  MAYA,
  MINUTE,
  refusal,
  SAM,
  SCOPE,
  typesOf,
} from '../../engine/an-engine.js';
import { untilAsleep } from '../../engine/until-asleep.js';
import { wholeStore } from '../../engine/whole-store.js';
import { LINK_KEYS, linksOf } from './links-of.js';

const EVE = 'user:eve';
const DAY = 24 * HOUR;

const SIGNED_BY_0_1_0 =
  'k1.WyJkZWZhdWx0IiwiNjA3Y2JkMDI0OGEyYjhiYjllODQ5MmZiOWNiOGE2NjEzNDUzMjA1Y2Q3ZmMxODg4ZjQ2YmEyZmNmMWYwZjgyZSIsImY5NzI4ZGQ3N2YyNTRiNzUxM2Y5Yzc5ZGYwMGU1NzI3NTkzMTQ4ZjI4MGVhMjE2NWFhNGEyMzMxYzI1MTdmODUiLCJ1c2VyOnNhbSIsImFwcHJvdmUiLDE3NjcyMjU2MDAwMDAsMTc2NzMxMjAwMDAwMCxudWxsLG51bGwsbnVsbF0.dN3YGBAXrFXZvXvQILUjBfKFJB6138VgHYGvgWOCmL0';

/** An engine that makes links. Two of sam, ana and lee must approve, unless the test says otherwise. */
function anOffice(quorum: Partial<QuorumInput> = {}, options: Partial<JitEngineOptions> = {}) {
  const members: Record<string, readonly string[]> = { [SAM]: ['ops'], [ANA]: ['ops'], [LEE]: ['ops'] };
  const approver = new ScriptedApprover({
    decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 2 }], ...quorum } },
    groupsOf: (who) => members[who] ?? [],
  });
  return { ...anEngine({ approver, ...options }), approver, members };
}

const linkFor = (engine: JitEngine, id: string, reviewer = SAM, decision: 'approve' | 'deny' = 'approve', ttl?: number) =>
  linksOf(engine).create(id, { reviewer, decision, ttl });

const whyNot = async (work: Promise<unknown>) => (await refusal(work, 'ERR_JIT_LINK')).why;

const reviewsOf = async (engine: JitEngine, id: string) =>
  (await engine.getRequest(id))?.request.reviews.map(({ reviewer, verdict }) => `${reviewer} ${verdict}`);

describe('approvalLinks()', () => {
  it('L11 L18 a link that 0.1.0 signed opens the request of the same ask', async () => {
    const { engine } = anEngine();
    const { request } = await ask(engine, {
      ...{ idempotencyKey: 'k-1', justification: 'why', ticket: 'INC-1', metadata: { a: 1 }, correlation: 't' },
    });
    const opened = await linksOf(engine).open(SIGNED_BY_0_1_0, { by: SAM });
    expect(opened).toMatchObject({ request: { id: request.id }, reviewer: SAM, decision: 'approve' });
  });

  describe('keys', () => {
    it('at least one is required, and the error names the key that is too short', async () => {
      const { engine } = anOffice();
      expect((await refusal(() => approvalLinks(engine, { keys: [] }), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('keys');
      const keys = [...LINK_KEYS, { id: 'k2', secret: 'x'.repeat(31) }];
      const error = await refusal(() => approvalLinks(engine, { keys }), 'ERR_JIT_INVALID_ARGUMENT');
      expect(error.argument).toBe('keys[1].secret');
      expect(error.message).not.toContain('xxx');
    });
  });

  describe('create()', () => {
    it('writes nothing, and returns another token for every reviewer, decision and instant', async () => {
      const { engine, store, clock } = anOffice();
      const { id } = await aPending(engine);
      const before = await wholeStore(store);
      const tokens = [
        await linkFor(engine, id),
        await linkFor(engine, id, ANA),
        await linkFor(engine, id, SAM, 'deny'),
        await linkFor(engine, id, SAM, 'approve', MINUTE),
        (await clock.advance(1), await linkFor(engine, id)),
      ];
      expect(new Set(tokens).size).toBe(5);
      expect(await wholeStore(store)).toEqual(before);
    });

    it('L17 is refused for a reviewer who could not give that review', async () => {
      const { engine, members, store } = anOffice({ denials: 2 });
      const { id } = await aPending(engine, { requestedBy: LEE });
      members[MAYA] = ['ops'];
      for (const reviewer of [MAYA, LEE]) {
        expect(await refusal(linkFor(engine, id, reviewer), 'ERR_JIT_SELF_REVIEW')).toMatchObject({ requestId: id, reviewer });
      }
      expect(await refusal(linkFor(engine, id, EVE), 'ERR_JIT_NOT_REVIEWER')).toMatchObject({ reviewer: EVE, why: 'not_in_group' });
      await engine.deny(id, { by: SAM });
      expect(await refusal(linkFor(engine, id, SAM), 'ERR_JIT_NOT_REVIEWER')).toMatchObject({ reviewer: SAM, why: 'has_denied' });
      expect((await linksOf(engine).open(await linkFor(engine, id, SAM, 'deny'))).decision).toBe('deny');
      delete members[ANA];
      await refusal(linkFor(engine, id, ANA), 'ERR_JIT_NOT_REVIEWER');
      expect(await typesOf(store)).not.toContain('request.approved');
    });

    it('L16 is refused while the request has no quorum, after the decision, and after the deadline', async () => {
      const { engine, clock, approver } = anOffice({}, { limits: { reviewWithin: HOUR } });
      await refusal(linkFor(engine, 'nothing'), 'ERR_JIT_NOT_FOUND');
      approver.script.decide = () => {
        throw new Error('down');
      };
      const { requestId = '' } = await refusal(ask(engine, { scope: 'a' }), 'ERR_JIT_APPROVER');
      await refusal(linkFor(engine, requestId), 'ERR_JIT_UNDECIDED');
      const { engine: other, clock: otherClock } = anOffice({}, { limits: { reviewWithin: HOUR } });
      const [denied, late] = [await aPending(other, { scope: 'a' }), await aPending(other, { scope: 'b' })];
      await other.deny(denied.id, { by: ANA });
      expect((await refusal(linkFor(other, denied.id), 'ERR_JIT_DECIDED')).request.end).toMatchObject({ status: 'denied', by: ANA });
      await otherClock.set(at(HOUR - 1));
      expect((await linksOf(other).open(await linkFor(other, late.id))).expiresAt).toBe(at(HOUR));
      await otherClock.set(at(HOUR));
      await refusal(linkFor(other, late.id), 'ERR_JIT_DEADLINE');
      await clock.set(at(HOUR));
      await refusal(linkFor(engine, requestId), 'ERR_JIT_DEADLINE');
    });

    it("never makes a token that outlives the request's deadline", async () => {
      const { engine } = anOffice({ reviewWithinMs: HOUR });
      const { id } = await aPending(engine);
      for (const [ttl, expiresAt] of [
        [undefined, at(HOUR)],
        [1, at(1)],
        [HOUR - 1, at(HOUR - 1)],
        [HOUR, at(HOUR)],
        [HOUR + 1, at(HOUR)],
        [DAY, at(HOUR)],
      ] as const) {
        expect((await linksOf(engine).open(await linkFor(engine, id, SAM, 'approve', ttl))).expiresAt).toBe(expiresAt);
      }
    });

    it('refuses invalid options', async () => {
      const { engine } = anOffice();
      const { id } = await aPending(engine);
      for (const [argument, options] of [
        ['decision', { reviewer: SAM }],
        ['decision', { reviewer: SAM, decision: 'maybe' }],
        ['decision', { reviewer: SAM, decision: ['approve'] }],
        ['reviewer', { decision: 'approve' }],
        ['reviewer', { reviewer: 'system:approver', decision: 'approve' }],
        ['ttl', { reviewer: SAM, decision: 'approve', ttl: 0 }],
        ['ttl', { reviewer: SAM, decision: 'approve', ttl: -1 }],
        ['ttl', { reviewer: SAM, decision: 'approve', ttl: Infinity }],
        ['ttl', { reviewer: SAM, decision: 'approve', ttl: null }],
        ['options', { reviewer: SAM, decision: 'approve', by: SAM }],
        ['options', undefined],
      ] as const) {
        expect((await refusal(linksOf(engine).create(id, options as never), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe(argument);
      }
    });
  });

  describe('open()', () => {
    it('returns the request and the decision, writes nothing, calls no approver, and the token stays valid', async () => {
      const { engine, store, approver } = anOffice();
      const request = await aPending(engine);
      const token = await linkFor(engine, request.id);
      const before = await wholeStore(store);
      const asked = approver.questions.length;
      for (let i = 0; i < 3; i++) {
        expect(await linksOf(engine).open(token)).toEqual({ request, reviewer: SAM, decision: 'approve', expiresAt: at(DAY) });
      }
      expect(await wholeStore(store)).toEqual(before);
      expect(approver.questions).toHaveLength(asked);
      expect(store.called('commit')).toBe(2);
      expect((await linksOf(engine).redeem(token, { by: SAM })).outcome).toBe('pending');
    });

    it('refuses a token that is expired at the millisecond, forged, or not a token', async () => {
      const { engine, clock } = anOffice();
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id, SAM, 'approve', MINUTE);
      for (const other of [undefined, null, '', {}, [token], token.slice(1), `${token}=`]) {
        expect(await whyNot(linksOf(engine).open(other as string))).toBe(other === token.slice(1) ? 'signature' : 'malformed');
      }
      await clock.set(at(MINUTE - 1));
      await linksOf(engine).open(token);
      await clock.set(at(MINUTE));
      expect(await refusal(linksOf(engine).open(token), 'ERR_JIT_LINK')).toMatchObject({ why: 'expired', requestId: id });
      // Also after the clock steps back.
      await clock.set(at(0));
      expect(await whyNot(linksOf(engine).open(token))).toBe('expired');
      expect(await whyNot(linksOf(engine).redeem(token, { by: SAM }))).toBe('expired');
    });

    it('returns the current status of a request that was decided after the link was made', async () => {
      const { engine } = anOffice();
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id);
      await engine.deny(id, { by: ANA });
      expect((await linksOf(engine).open(token)).request.end).toMatchObject({ status: 'denied', by: ANA });
    });
  });

  describe('redeem()', () => {
    it('gives the review of the token, with the comment of its reviewer', async () => {
      const { engine, store } = anOffice();
      const { id } = await aPending(engine);
      const [first, second] = [await linkFor(engine, id), await linkFor(engine, id, ANA)];
      const said = { reason: 'INC-1', comment: 'from the train', as: 'ops' };
      expect((await linksOf(engine).redeem(first, { by: SAM, ...said })).outcome).toBe('pending');
      expect((await engine.getRequest(id))?.request.reviews).toEqual([
        { reviewer: SAM, verdict: 'approve', groups: ['ops'], as: 'ops', at: at(0), reason: 'INC-1', comment: 'from the train' },
      ]);
      expect(await linksOf(engine).redeem(second, { by: ANA })).toMatchObject({ outcome: 'granted', grants: [{ scope: SCOPE }] });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      expect((await typesOf(store)).filter((type) => type === 'request.reviewed')).toHaveLength(2);
    });

    it('L16 a link to deny denies the request', async () => {
      const { engine } = anOffice();
      const { id } = await aPending(engine);
      const result = await linksOf(engine).redeem(await linkFor(engine, id, SAM, 'deny'), { by: SAM, reason: 'no' });
      expect(result).toMatchObject({ outcome: 'denied', reason: 'no', request: { end: { by: SAM, cause: 'quorum' } } });
    });

    it("refuses any caller but the token's reviewer, records the attempt, and the token stays valid", async () => {
      const made = anOffice();
      const { engine, store } = made;
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id);
      const before = await wholeStore(store);
      for (const by of [EVE, ANA, MAYA, 'user:SAM', 'user:sam2']) {
        expect(await refusal(linksOf(engine).redeem(token, { by }), 'ERR_JIT_LINK')).toMatchObject({ why: 'not_yours', requestId: id });
      }
      await engine.flushAudit();
      expect(await wholeStore(store)).toEqual(before);
      const refused = (await entriesOf(store)).filter(({ type }) => type === 'attempt.refused');
      expect(refused.map(({ actor, requestId, data }) => [actor, requestId, data['code']])).toEqual(
        [EVE, ANA, MAYA, 'user:SAM', 'user:sam2'].map((actor) => [actor, id, 'ERR_JIT_LINK']),
      );
      expect((await linksOf(engine).redeem(token, { by: SAM })).outcome).toBe('pending');
      expect(await reviewsOf(engine, id)).toEqual([`${SAM} approve`]);
    });

    it('L29 rejects with ERR_JIT_NOT_FOUND for a missing request, and records nothing', async () => {
      const there = anOffice();
      const { id } = await aPending(there.engine);
      const token = await linkFor(there.engine, id);
      // A new store of the same name, as after a purge or a restore.
      const here = anOffice();
      for (const said of [{ by: EVE }, { by: SAM }]) {
        await refusal(linksOf(here.engine).redeem(token, said), 'ERR_JIT_NOT_FOUND');
      }
      await here.engine.flushAudit();
      expect(await entriesOf(here.store)).toEqual([]);
    });

    it('L29 records forged and foreign tokens under the caller and under no request', async () => {
      const { engine, store } = anOffice();
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id);
      await whyNot(linksOf(engine).redeem(token.slice(0, -1), { by: EVE }));
      await engine.flushAudit();
      expect((await entriesOf(store)).at(-1)).toMatchObject({ type: 'attempt.refused', actor: EVE, data: { code: 'ERR_JIT_LINK' } });
      expect((await entriesOf(store)).at(-1)).not.toHaveProperty('requestId', expect.anything());
    });

    it('requires the identity of the reader: a token alone decides nothing', async () => {
      const { engine, store } = anOffice();
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id);
      const before = await wholeStore(store);
      for (const [argument, options] of [
        ['by', {}],
        ['by', { by: undefined }],
        ['options', { bearer: true }],
        ['options', Object.create({ by: SAM })],
        ['options', undefined],
        ['options', null],
        ['options', { by: SAM, verdict: 'approve' }],
      ] as const) {
        const error = await refusal(linksOf(engine).redeem(token, options as never), 'ERR_JIT_INVALID_ARGUMENT');
        expect(error.argument).toBe(argument);
      }
      expect(await wholeStore(store)).toEqual(before);
      expect((await linksOf(engine).redeem(token, { by: SAM, reason: 'tapped' })).outcome).toBe('pending');
      expect(await reviewsOf(engine, id)).toEqual([`${SAM} approve`]);
    });

    it('accepts a token once', async () => {
      const { engine, store } = anOffice();
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id);
      await linksOf(engine).redeem(token, { by: SAM });
      const before = await wholeStore(store);
      for (let i = 0; i < 3; i++) {
        expect(await refusal(linksOf(engine).redeem(token, { by: SAM }), 'ERR_JIT_LINK')).toMatchObject({ why: 'used', requestId: id });
      }
      await engine.flushAudit();
      expect(await wholeStore(store)).toEqual(before);
    });

    it('refuses a token after any later review by its reviewer, but not after reviews by others', async () => {
      for (const [verb, decision] of [
        ['approve', 'approve'],
        ['approve', 'deny'],
        ['deny', 'deny'],
      ] as const) {
        const { engine, clock } = anOffice({ denials: 3, groups: [{ name: 'ops', approvals: 3 }] });
        const { id } = await aPending(engine);
        const token = await linkFor(engine, id, SAM, decision);
        await clock.advance(1);
        await engine.approve(id, { by: ANA });
        await linksOf(engine).open(token);
        await engine[verb](id, { by: SAM });
        expect(await whyNot(linksOf(engine).redeem(token, { by: SAM }))).toBe('used');
      }
      const { engine } = anOffice({ groups: [{ name: 'ops', approvals: 3 }], denials: 3 });
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id);
      await engine.approve(id, { by: ANA });
      await engine.deny(id, { by: LEE });
      expect((await linksOf(engine).redeem(token, { by: SAM })).outcome).toBe('pending');
      expect(await reviewsOf(engine, id)).toEqual([`${ANA} approve`, `${LEE} deny`, `${SAM} approve`]);
    });

    it('a token made after its reviewer approved turns the approval into a denial, also within the millisecond', async () => {
      const { engine } = anOffice();
      const { id } = await aPending(engine);
      await engine.approve(id, { by: SAM });
      const token = await linkFor(engine, id, SAM, 'deny');
      expect((await linksOf(engine).redeem(token, { by: SAM })).outcome).toBe('denied');
    });

    it("using one of a reviewer's two links voids the other", async () => {
      const { engine } = anOffice({ denials: 2 });
      const { id } = await aPending(engine);
      const [yes, no, again] = [await linkFor(engine, id), await linkFor(engine, id, SAM, 'deny'), await linkFor(engine, id)];
      await linksOf(engine).redeem(no, { by: SAM });
      for (const token of [yes, no, again]) expect(await whyNot(linksOf(engine).redeem(token, { by: SAM }))).toBe('used');
      expect(await reviewsOf(engine, id)).toEqual([`${SAM} deny`]);
    });

    it('does not renew a stale approval by the same link when the clock steps back', async () => {
      const { engine, clock } = anOffice({ approvalTtlMs: MINUTE });
      const { id } = await aPending(engine);
      await clock.set(at(HOUR));
      const token = await linkFor(engine, id);
      await clock.set(at(0));
      await linksOf(engine).redeem(token, { by: SAM });
      await clock.set(at(2 * HOUR));
      expect(await whyNot(linksOf(engine).redeem(token, { by: SAM }))).toBe('used');
      expect((await engine.approve(id, { by: ANA })).outcome).toBe('pending');
    });

    it('refuses a token once its reviewer has reviewed through a process whose clock is behind', async () => {
      const { engine, store, approver, clock } = anOffice();
      const { id } = await aPending(engine);
      await clock.set(at(MINUTE));
      const token = await linkFor(engine, id, SAM, 'deny');
      const behind = anEngine({ approver, store });
      await behind.engine.approve(id, { by: SAM });
      expect(await whyNot(linksOf(engine).redeem(token, { by: SAM }))).toBe('used');
      expect(await reviewsOf(engine, id)).toEqual([`${SAM} approve`]);
    });

    it('renews once an approval that was stale before the link was made', async () => {
      const { engine, clock } = anOffice({ approvalTtlMs: MINUTE });
      const { id } = await aPending(engine);
      await engine.approve(id, { by: SAM });
      await clock.set(at(MINUTE));
      const token = await linkFor(engine, id);
      await linksOf(engine).redeem(token, { by: SAM });
      expect((await engine.getRequest(id))?.request.reviews).toMatchObject([{ reviewer: SAM, at: at(MINUTE) }]);
      await clock.set(at(2 * MINUTE));
      expect(await whyNot(linksOf(engine).redeem(token, { by: SAM }))).toBe('used');
      expect((await engine.approve(id, { by: ANA })).outcome).toBe('pending');
    });

    it('L13 refuses a token at its expiry, also while the approver decides', async () => {
      const { engine, clock, approver, store } = anOffice();
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id, SAM, 'approve', MINUTE);
      await clock.set(at(MINUTE - 1));
      let answer: (groups: readonly string[]) => void = () => undefined;
      approver.script.groupsOf = () => new Promise((resolve) => (answer = resolve));
      const slow = refusal(linksOf(engine).redeem(token, { by: SAM }), 'ERR_JIT_LINK');
      await untilAsleep(clock);
      await clock.set(at(MINUTE));
      answer(['ops']);
      expect(await slow).toMatchObject({ why: 'expired', requestId: id });
      expect(await typesOf(store)).not.toContain('request.reviewed');
      const last = anOffice();
      const other = await aPending(last.engine);
      const good = await linkFor(last.engine, other.id, SAM, 'approve', MINUTE);
      await last.clock.set(at(MINUTE - 1));
      expect((await linksOf(last.engine).redeem(good, { by: SAM })).outcome).toBe('pending');
    });

    it('L6 refuses a token early by the leeway', async () => {
      const { engine, clock } = anOffice({}, { leewayMs: 10 });
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id, SAM, 'approve', MINUTE);
      await clock.set(at(MINUTE - 10));
      expect(await whyNot(linksOf(engine).redeem(token, { by: SAM }))).toBe('expired');
    });

    it('L9 returns the decision where the request was decided or cancelled since the link was made', async () => {
      const endings: readonly (readonly [string, string, (made: ReturnType<typeof anOffice>, id: string) => Promise<unknown>])[] = [
        ['denied', 'ERR_JIT_DECIDED', ({ engine }, id) => engine.deny(id, { by: ANA })],
        ['cancelled', 'ERR_JIT_DECIDED', ({ engine }, id) => engine.cancel(id, { by: MAYA })],
        ['cancelled', 'ERR_JIT_DECIDED', ({ engine }) => engine.revokeAll({ subject: MAYA }, { by: ANA })],
        ['approved', 'ERR_JIT_DECIDED', ({ engine }, id) => engine.approve(id, { by: ANA }).then(() => engine.approve(id, { by: LEE }))],
      ];
      for (const [status, code, end] of endings) {
        const made = anOffice();
        const { id } = await aPending(made.engine);
        const token = await linkFor(made.engine, id);
        await end(made, id);
        const before = await wholeStore(made.store);
        const error = await refusal(linksOf(made.engine).redeem(token, { by: SAM }));
        expect(error).toMatchObject({ code, request: { end: { status } } });
        await made.engine.flushAudit();
        expect(await wholeStore(made.store)).toEqual(before);
      }
    });

    it('L17 refuses a reviewer who has lost the right, and accepts the token once the right is back', async () => {
      const { engine, members } = anOffice();
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id);
      members[SAM] = [];
      expect(await refusal(linksOf(engine).redeem(token, { by: SAM }), 'ERR_JIT_NOT_REVIEWER')).toMatchObject({ why: 'not_in_group' });
      members[SAM] = ['ops'];
      expect((await linksOf(engine).redeem(token, { by: SAM })).outcome).toBe('pending');
    });

    it('L30 keeps the token valid and records nothing when an approver fails or hangs', async () => {
      const { engine, approver, store, clock } = anOffice();
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id);
      const before = await wholeStore(store);
      const { groupsOf } = approver.script;
      approver.script.groupsOf = hangs();
      const late = refusal(linksOf(engine).redeem(token, { by: SAM }), 'ERR_JIT_APPROVER');
      await untilAsleep(clock);
      await clock.advance(10_000);
      await late;
      expect(await wholeStore(store)).toEqual(before);
      approver.script.groupsOf = groupsOf;
      expect((await linksOf(engine).redeem(token, { by: SAM })).outcome).toBe('pending');
    });

    it('L31 records one review and uses up the token after a lost reply', async () => {
      const { engine, store } = anOffice();
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id);
      store.inject('commit', { fault: 'lose reply' }, 1);
      expect((await linksOf(engine).redeem(token, { by: SAM })).outcome).toBe('pending');
      expect(await whyNot(linksOf(engine).redeem(token, { by: SAM }))).toBe('used');
      expect((await typesOf(store)).filter((type) => type === 'request.reviewed')).toHaveLength(1);
    });

    for (const seed of [1, 2, 3, 4, 5, 6]) {
      it(`L9 sixteen concurrent calls give one review (interleaving ${seed})`, async () => {
        for (const approvals of [1, 2]) {
          const { engine, store, clock, approver } = anOffice({ groups: [{ name: 'ops', approvals }] });
          const { id } = await aPending(engine);
          const token = await linkFor(engine, id);
          const engines = [engine, anEngine({ approver, store, clock }).engine];
          store.inject('all', { fault: 'yield', seed });
          const calls = Array.from({ length: 16 }, (_, i) => linksOf(engines[i % 2] as JitEngine).redeem(token, { by: SAM }));
          const settled = await Promise.allSettled(calls);
          store.clear();
          expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
          const codes = settled.flatMap((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : []));
          expect(new Set(codes)).toEqual(new Set([approvals === 1 ? 'ERR_JIT_DECIDED' : 'ERR_JIT_LINK']));
          expect(await reviewsOf(engine, id)).toEqual([`${SAM} approve`]);
          expect((await typesOf(store)).filter((type) => type === 'request.reviewed')).toHaveLength(1);
          expect(await verifyJournal(await entriesOf(store))).toMatchObject({ ok: true });
        }
      });
    }
  });

  describe('link keys', () => {
    it('can be rotated: the first signs, every listed key is accepted, a removed key is refused', async () => {
      const { engine } = anOffice();
      const { id } = await aPending(engine);
      const old = await linkFor(engine, id);
      const second = { id: 'k2', secret: new Uint8Array(32).fill(2) };
      const rotated = approvalLinks(engine, { keys: [second, ...LINK_KEYS] });
      const fresh = await rotated.create(id, { reviewer: ANA, decision: 'approve' });
      expect([old.split('.')[0], fresh.split('.')[0]]).toEqual(['k1', 'k2']);
      expect((await rotated.open(old)).reviewer).toBe(SAM);
      expect(await whyNot(linksOf(engine).open(fresh))).toBe('signature');
      const without = approvalLinks(engine, { keys: [second] });
      expect(await whyNot(without.redeem(old, { by: SAM }))).toBe('signature');
      expect((await without.redeem(fresh, { by: ANA })).outcome).toBe('pending');
    });

    it('a token is refused in another namespace', async () => {
      const store = new FaultyStore(new MemoryGrantStore());
      const here = anOffice({}, { store });
      const { id } = await aPending(here.engine);
      const token = await linkFor(here.engine, id);
      const elsewhere = anEngine({ approver: here.approver, store: store.in('other'), clock: here.clock });
      for (const work of [linksOf(elsewhere.engine).open(token), linksOf(elsewhere.engine).redeem(token, { by: SAM })]) {
        // The refusal reveals no data of the other namespace, not even the request's id.
        expect(await refusal(work, 'ERR_JIT_LINK')).toMatchObject({ why: 'other_request', requestId: undefined });
      }
      await elsewhere.engine.flushAudit();
      expect(await wholeStore(store.in('other'))).toEqual({ rows: [], journal: [] });
    });

    it('a token is refused for another request with the same id', async () => {
      const key = { idempotencyKey: 'the same' };
      const first = anOffice();
      const { id } = await aPending(first.engine, key);
      const token = await linkFor(first.engine, id);
      for (const over of [
        { scope: 'db-prod:drop' },
        { ttl: 7 * HOUR },
        { justification: 'other' },
        { ticket: 'INC-2' },
        { startsAt: at(HOUR) },
        { metadata: { a: 1 } },
      ]) {
        const second = anOffice();
        const other = await aPending(second.engine, { ...key, ...over });
        expect(other.id).toBe(id);
        for (const work of [linksOf(second.engine).open(token), linksOf(second.engine).redeem(token, { by: SAM })]) {
          expect(await refusal(work, 'ERR_JIT_LINK')).toMatchObject({ why: 'other_request', requestId: id });
        }
        expect(await reviewsOf(second.engine, id)).toEqual([]);
      }
      const same = anOffice();
      await aPending(same.engine, key);
      expect((await linksOf(same.engine).redeem(token, { by: SAM })).outcome).toBe('pending');
    });

    it('a token from before a purge is refused for the same ask under the same key', async () => {
      const { engine, clock } = anOffice({ groups: [{ name: 'ops', approvals: 1 }] });
      const { id } = await aPending(engine, { idempotencyKey: 'nightly' });
      const [used, unused] = [await linkFor(engine, id), await linkFor(engine, id, ANA)];
      await linksOf(engine).redeem(used, { by: SAM });
      await clock.set(at(HOUR));
      await engine.sweep();
      await clock.advance(1);
      expect(await purge(engine, { before: clock.now(), by: LEE, force: true })).toMatchObject({ requests: 1 });
      expect((await aPending(engine, { idempotencyKey: 'nightly' })).id).toBe(id);
      for (const [token, by] of [
        [used, SAM],
        [unused, ANA],
      ] as const) {
        expect(await whyNot(linksOf(engine).open(token))).toBe('other_request');
        expect(await whyNot(linksOf(engine).redeem(token, { by }))).toBe('other_request');
      }
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('a token for a purged request is refused', async () => {
      const { engine, clock } = anOffice({}, { limits: { reviewWithin: 2 * DAY } });
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id);
      await engine.cancel(id, { by: MAYA });
      await clock.set(at(HOUR));
      await purge(engine, { before: at(HOUR), by: LEE, force: true });
      await refusal(linksOf(engine).open(token), 'ERR_JIT_NOT_FOUND');
      await refusal(linksOf(engine).redeem(token, { by: SAM }), 'ERR_JIT_NOT_FOUND');
    });
  });

  describe('tokens', () => {
    it('L29 never appear in the journal, the rows, an error or onError', async () => {
      const { engine, store, told, clock } = anOffice();
      const { id } = await aPending(engine);
      const [token, no] = [await linkFor(engine, id), await linkFor(engine, id, ANA, 'deny')];
      const errors = [
        await refusal(linksOf(engine).redeem(token, { by: EVE })),
        await refusal(linksOf(engine).redeem(`${token}x`, { by: EVE })),
        await refusal(linksOf(engine).open(token.slice(1))),
        await refusal(linksOf(engine).redeem(token, { by: token.repeat(9) })),
        await refusal(linksOf(engine).redeem(token, { by: SAM, reason: 7 } as never)),
      ];
      await linksOf(engine).redeem(token, { by: SAM });
      errors.push(await refusal(linksOf(engine).redeem(token, { by: SAM })));
      await linksOf(engine).redeem(no, { by: ANA });
      errors.push(await refusal(linksOf(engine).redeem(no, { by: ANA })));
      await clock.advance(DAY);
      errors.push(await refusal(linksOf(engine).redeem(no, { by: ANA })));
      await engine.sweep();
      await engine.flushAudit();
      const everything = [
        JSON.stringify(await wholeStore(store)),
        JSON.stringify(await entriesOf(store)),
        ...told.map(({ error }) => String(error)),
        // The caller passed a token as `by`, so the error shows a part of it.
        ...errors
          .filter((error) => !('argument' in error))
          .map((error) => `${error.message} ${JSON.stringify(error)} ${error.stack ?? ''}`),
      ].join('\n');
      for (const secret of [token, no].flatMap((one) => one.split('.').slice(1))) {
        expect(everything).not.toContain(secret.slice(0, 20));
      }
      expect(everything).not.toContain('battery');
    });

    it('are refused after close, as every verb is', async () => {
      const { engine } = anOffice();
      const { id } = await aPending(engine);
      const token = await linkFor(engine, id);
      await engine.close();
      for (const work of [linksOf(engine).open(token), linksOf(engine).redeem(token, { by: SAM }), linkFor(engine, id)]) {
        await refusal(work, 'ERR_JIT_CLOSED');
      }
    });

    it('use the canonical ids of the engine', async () => {
      const { engine } = anEngine({
        approver: reviewers({ members: [SAM] }),
        canonicalId: (id) => id.toLowerCase(),
      });
      const { id } = await aPending(engine);
      const token = await linksOf(engine).create(id, { reviewer: 'User:Sam', decision: 'approve' });
      expect((await linksOf(engine).redeem(token, { by: 'USER:SAM' })).outcome).toBe('granted');
    });
  });
});

describe('a link that narrows (feature 4)', () => {
  const bundle = { scopes: ['a', 'b', 'c'], ttl: HOUR } as const;
  const narrow = { scopes: ['c', 'a'], ttl: '5m' } as const;

  it('L18 gives the narrowed approval, which its redeemer sees and cannot change', async () => {
    const { engine } = anOffice({ groups: [{ name: 'ops', approvals: 1 }] });
    const { id } = await aPending(engine, bundle);
    const token = await linksOf(engine).create(id, { reviewer: SAM, decision: 'approve', narrow });
    const terms = { scopes: ['a', 'c'], ttlMs: 5 * MINUTE };
    expect((await linksOf(engine).open(token)).narrowedTo).toEqual(terms);
    const more = { by: SAM, scopes: ['a', 'b'] } as { by: string };
    expect((await refusal(linksOf(engine).redeem(token, more), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('options');
    const { request } = await linksOf(engine).redeem(token, { by: SAM });
    expect(request).toMatchObject({ reviews: [terms], end: { status: 'approved', granted: terms } });
  });

  it('without a narrowing approves what was requested', async () => {
    const { engine } = anOffice({ groups: [{ name: 'ops', approvals: 1 }] });
    const { id } = await aPending(engine, bundle);
    const token = await linkFor(engine, id);
    expect((await linksOf(engine).open(token)).narrowedTo).toBeUndefined();
    expect((await linksOf(engine).redeem(token, { by: SAM })).request.end).toMatchObject({ granted: { ttlMs: HOUR } });
  });

  it('is not made with terms that the approval would be refused for, and is refused where the others leave nothing by then', async () => {
    const { engine } = anOffice();
    const { id } = await aPending(engine, bundle);
    const create = (terms: object, decision: 'approve' | 'deny' = 'approve') =>
      linksOf(engine).create(id, { reviewer: SAM, decision, narrow: terms });
    for (const [terms, argument] of [
      [{ ttl: 0 }, 'narrow.ttl'],
      [{ scopes: [] }, 'narrow.scopes'],
      [{ scopes: ['a', 'a'] }, 'narrow.scopes[1]'],
      [{ reason: 'x' }, 'narrow'],
      [7, 'narrow'],
    ] as const)
      expect((await refusal(create(terms as object), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe(argument);
    expect((await refusal(create(narrow, 'deny'), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('narrow');
    expect((await refusal(create({ ttl: '2h', scopes: ['d'] }), 'ERR_JIT_REQUIREMENTS')).problems).toHaveLength(2);
    const token = await create({ scopes: ['a'] });
    await engine.approve(id, { by: ANA, scopes: ['b'] });
    const refused = await refusal(linksOf(engine).redeem(token, { by: SAM }), 'ERR_JIT_REQUIREMENTS');
    expect(refused.problems).toMatchObject([{ code: 'nothing_left', limit: 'b', got: 'a' }]);
    expect(await reviewsOf(engine, id)).toEqual([`${ANA} approve`]);
    expect((await refusal(create({ scopes: ['a'] }), 'ERR_JIT_REQUIREMENTS')).problems).toMatchObject([{ code: 'nothing_left' }]);
  });
});
