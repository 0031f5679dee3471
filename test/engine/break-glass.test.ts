import { purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import {
  MemoryGrantStore,
  reviewers,
  type AccessRequest,
  type BreakGlassAsk,
  type BreakGlassReviewItem,
  type BreakGlassVerdict,
  type JitEngine,
  type JitEngineOptions,
  type Page,
  type Pages,
  type Paging,
} from '../../src/index.js';
import { journalHead, verifyJournal } from '../../src/journal.js';
import { FaultyStore, inTurn, malformed, ScriptedApprover, throws, type ApproverScript } from '../../src/testing.js';
import { ANA, anEngine, ask, at, entriesOf, HOUR, LEE, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';
import { expectReplayed } from '../property/fold.js';
import { untilAsleep } from './until-asleep.js';
import { wholeStore } from './whole-store.js';
import { CONFLICT } from '../commit-answers.js';
import { decideAgain } from './decide-again.js';

const NOOR = 'user:noor';
const EVE = 'user:eve';
const DAY = 24 * HOUR;
type Approval = Extract<BreakGlassVerdict, { outcome: 'approve' }>;

const ALLOWS: Approval = { outcome: 'approve', reviewWithinMs: DAY };

/** An engine whose approver lets every subject use break-glass; lee and ana may review it afterwards. */
function anEmergency(over: Partial<Approval> = {}, script: ApproverScript = {}, options: Partial<JitEngineOptions> = {}) {
  const approver = new ScriptedApprover({
    breakGlass: { ...ALLOWS, ...over },
    mayReviewBreakGlass: (who) => [LEE, ANA].includes(who),
    ...script,
  });
  return { ...anEngine({ approver, ...options }), approver };
}

/** Takes break-glass access to {@link SCOPE} as maya for 15 minutes, unless overridden. */
function take(engine: JitEngine, over: Partial<BreakGlassAsk> = {}) {
  const scope = over.scopes === undefined ? { scope: SCOPE } : {};
  return engine.breakGlass({ subject: MAYA, ...scope, ttl: 15 * MINUTE, justification: 'the primary is down', ...over });
}

const unreviewedOf = async (store: FaultyStore, id: string): Promise<unknown> =>
  (await store.get([{ kind: 'subject', id }]))[0]?.body['unreviewed'];

interface Selected extends Paging {
  readonly subject?: string;
  readonly reviewer?: string;
}

/** The pending reviews: those that a reviewer may give, or all. */
const owed = (engine: JitEngine, { reviewer, subject, ...paging }: Selected = {}): Pages<BreakGlassReviewItem> =>
  reviewer === undefined
    ? engine.listRequests({ ...paging, subject, afterReview: 'pending' })
    : engine.inbox(reviewer, { ...paging, of: 'breakGlass' });
const owedIds = async (engine: JitEngine, query: Selected = {}) => (await owed(engine, query)).items.map(({ request }) => request.id);

describe('JitEngine', () => {
  describe('breakGlass()', () => {
    it('L10 gives access at once, in one commit, with one grant for each scope', async () => {
      const { engine, store } = anEmergency({ rule: 'fire', skippedGroups: ['ops', 'sec'], skippedPeople: [SAM, ANA] });
      const { outcome, reused, request, grants } = await take(engine, { scopes: ['a', 'b'] });
      expect({ outcome, reused }).toEqual({ outcome: 'granted', reused: false });
      expect(request).toMatchObject({
        approver: 'scripted',
        rule: 'fire',
        justification: 'the primary is down',
        quorum: undefined,
        end: { status: 'approved', cause: 'break_glass', by: MAYA, at: at(0), reason: undefined },
        afterReview: {
          reviewBy: at(DAY),
          skippedGroups: ['ops', 'sec'],
          skippedPeople: [SAM, ANA],
          missedAt: undefined,
          breakGlassReview: undefined,
        },
      });
      expect(grants).toMatchObject([
        { id: `${request.id}.1`, scope: 'a', breakGlass: true, startsAt: at(0), expiresAt: at(15 * MINUTE) },
        { id: `${request.id}.2`, scope: 'b', breakGlass: true, startsAt: at(0), expiresAt: at(15 * MINUTE) },
      ]);
      expect(await engine.isAllowed(MAYA, 'a')).toBe(true);
      const entries = await entriesOf(store);
      expect(entries.map(({ type }) => type)).toEqual(['request.created', 'request.approved', 'grant.issued', 'grant.issued']);
      expect(new Set(entries.map(({ id }) => id.split('.')[0])).size).toBe(1);
    });

    it('L17 L27 keeps the review groups that the approver named at that time, for its later decisions', async () => {
      const seen: unknown[] = [];
      const { engine, store, approver } = anEmergency(
        { reviewers: ['ciso', 'leads'] },
        { mayReviewBreakGlass: (_, { afterReview }) => seen.push(afterReview?.reviewers) > 0 },
      );
      const { request } = await take(engine);
      expect(request.afterReview?.reviewers).toEqual(['ciso', 'leads']);
      expect(Object.isFrozen(request.afterReview?.reviewers)).toBe(true);
      const approved = (await entriesOf(store)).find(({ type }) => type === 'request.approved');
      expect(approved?.data['afterReview']).toMatchObject({ reviewers: ['ciso', 'leads'] });
      approver.script.breakGlass = { ...ALLOWS, reviewers: ['nobody'] };
      const after = await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' });
      expect([seen, after.afterReview?.reviewers]).toEqual([[['ciso', 'leads']], ['ciso', 'leads']]);
      await expectReplayed(store);
      approver.script.breakGlass = ALLOWS;
      expect((await take(engine, { scope: 'b' })).request.afterReview?.reviewers).toEqual([]);
    });

    it('L27 records the skipped groups in the journal, and the skipped people if the approver names them', async () => {
      for (const skippedPeople of [[SAM, ANA], undefined]) {
        const { engine, store } = anEmergency({ skippedGroups: ['ops'], skippedPeople });
        const { request } = await take(engine);
        const approved = (await entriesOf(store)).find(({ type }) => type === 'request.approved');
        const afterReview = { reviewBy: at(DAY), skippedGroups: ['ops'], ...(skippedPeople && { skippedPeople }) };
        expect(approved).toMatchObject({ actor: MAYA, requestId: request.id, data: { afterReview, end: { cause: 'break_glass' } } });
        expect('skippedPeople' in (approved?.data['afterReview'] as object)).toBe(skippedPeople !== undefined);
      }
    });

    it('L1 ends by itself at the millisecond', async () => {
      const { engine, clock } = anEmergency();
      await take(engine, { ttl: 1_000 });
      const allowed: boolean[] = [];
      for (const ms of [0, 999, 1_000, 1_001]) {
        await clock.set(at(ms));
        allowed.push(await engine.isAllowed(MAYA, SCOPE));
      }
      expect(allowed).toEqual([true, true, false, false]);
    });

    it('refuses a justification without visible text, before it asks the approver', async () => {
      const { engine, store, approver } = anEmergency();
      const unseen = ['', ' ', '\t\n', '\u00a0', '\u200b', '\u2060\u00ad', '\u2800', '\u3164', '\ufe0f', '\u202e \ufeff'];
      for (const justification of [undefined, ...unseen, 7, null, ['a']]) {
        const error = await refusal(take(engine, { justification: justification as string }), 'ERR_JIT_INVALID_ARGUMENT');
        expect(error.argument).toBe('justification');
      }
      expect(approver.questions).toEqual([]);
      expect(await wholeStore(store)).toEqual({ rows: [], journal: [] });
    });

    it('accepts neither a start nor a dry run', async () => {
      const { engine, store } = anEmergency();
      for (const more of [{ startsAt: at(HOUR) }, { dryRun: true }]) {
        await refusal(take(engine, more as Partial<BreakGlassAsk>), 'ERR_JIT_INVALID_ARGUMENT');
      }
      expect(await wholeStore(store)).toEqual({ rows: [], journal: [] });
    });

    it('L3 refuses more time than the engine allows', async () => {
      const { engine, store } = anEmergency({}, {}, { limits: { maxTtl: HOUR } });
      expect(await refusal(take(engine, { ttl: HOUR + 1 }), 'ERR_JIT_REQUIREMENTS')).toMatchObject({
        problems: [{ rule: undefined, field: 'ttl', code: 'too_long', limit: HOUR, got: HOUR + 1 }],
      });
      expect(await wholeStore(store)).toEqual({ rows: [], journal: [] });
      expect((await take(engine, { ttl: HOUR })).outcome).toBe('granted');
    });

    for (const [what, breakGlass, reason] of [
      ['denies', { outcome: 'deny', reason: 'not for this one' }, 'not for this one'],
      ['abstains', { outcome: 'abstain' }, 'no rule allows break-glass for it'],
      ['has no such method', undefined, 'no rule allows break-glass for it'],
    ] as const) {
      it(`L20 stores only the refused attempt if the approver ${what}`, async () => {
        const { engine, store } = anEmergency({}, { breakGlass });
        expect(await refusal(take(engine), 'ERR_JIT_INELIGIBLE')).toMatchObject({ subject: MAYA, scopes: [SCOPE], reason });
        await engine.flushAudit();
        expect(await wholeStore(store)).toEqual({ rows: [], journal: [] });
        expect(await entriesOf(store)).toMatchObject([
          { type: 'attempt.refused', actor: MAYA, requestId: undefined, data: { code: 'ERR_JIT_INELIGIBLE', count: 1, scopes: [SCOPE] } },
        ]);
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      });
    }

    // Which answers are malformed is a rule: test/lifecycle/verdict.test.ts has all of them.
    for (const [what, breakGlass] of [
      ['throws', throws(new Error('LDAP is down'))],
      ['rejects', () => Promise.reject(new Error('LDAP is down'))],
      ['answers nothing', malformed(undefined)],
      ['sets maxUnreviewed to 0', malformed({ ...ALLOWS, maxUnreviewed: 0 })],
      ['answers in the name of another approver', malformed({ ...ALLOWS, approver: 'somebody-else' })],
    ] as const) {
      it(`L30 stores nothing if the approver ${what}`, async () => {
        const { engine, store } = anEmergency({}, { breakGlass });
        expect(await refusal(take(engine), 'ERR_JIT_APPROVER')).toMatchObject({ approver: 'scripted', requestId: undefined });
        await engine.flushAudit();
        expect(await wholeStore(store)).toEqual({ rows: [], journal: [] });
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      });
    }

    it('L30 stores nothing if the approver gives no answer in time, even if it answers later', async () => {
      let say: (verdict: BreakGlassVerdict) => void = () => undefined;
      const { engine, store, clock } = anEmergency({}, { breakGlass: () => new Promise((resolve) => (say = resolve)) });
      const refused = refusal(take(engine), 'ERR_JIT_APPROVER');
      await untilAsleep(clock);
      await clock.advance(10_000);
      expect(await refused).toMatchObject({ requestId: undefined });
      say(ALLOWS);
      await clock.advance(1);
      expect(await wholeStore(store)).toEqual({ rows: [], journal: [] });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('L5 grants nothing while the clock is behind its highest reading', async () => {
      const { engine, clock, store } = anEmergency();
      await clock.set(at(HOUR));
      await engine.isAllowed(MAYA, SCOPE);
      await clock.set(at(HOUR - 1_001));
      await refusal(take(engine), 'ERR_JIT_CLOCK');
      expect(await wholeStore(store)).toEqual({ rows: [], journal: [] });
      await clock.set(at(HOUR - 1_000));
      expect((await take(engine)).outcome).toBe('granted');
    });

    it('L31 grants access once, with one pending review, when a reply is lost', async () => {
      const { engine, store } = anEmergency();
      store.inject('commit', { fault: 'lose reply' }, 1);
      const { request } = await take(engine);
      expect(await owedIds(engine)).toEqual([request.id]);
      expect((await typesOf(store)).filter((type) => type === 'grant.issued')).toHaveLength(1);
    });

    it('L31 leaves the outcome unknown when both replies are lost: the access exists with its pending review, or neither exists', async () => {
      const { engine, store } = anEmergency();
      store.inject('commit', { fault: 'lose reply' }, 2);
      await refusal(take(engine), 'ERR_JIT_OUTCOME_UNKNOWN');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe((await owedIds(engine)).length === 1);
    });

    it('L44 allows 50 break-glass grants regardless of maxGrants, and refuses the 51st', async () => {
      const { engine, store } = anEmergency({ maxUnreviewed: 9 }, {}, { limits: { maxGrants: 1 } });
      const scopes = Array.from({ length: 49 }, (_, i) => `s${i}`);
      await take(engine, { scopes });
      const before = await wholeStore(store);
      const error = await refusal(take(engine, { scopes: ['a', 'b'] }), 'ERR_JIT_LIMIT');
      expect(error).toMatchObject({ limit: 'breakGlassGrants', max: 50, got: 51 });
      expect(await wholeStore(store)).toEqual(before);
      expect((await take(engine, { scope: 'a' })).outcome).toBe('granted');
    });

    it('never issues more than 50 grants to concurrent calls', async () => {
      for (let seed = 1; seed <= 4; seed++) {
        const { engine, store } = anEmergency({ maxUnreviewed: 99 }, {}, { limits: { maxGrants: 1 } });
        const scopes = (i: number) => Array.from({ length: 10 }, (_, n) => `s${i}-${n}`);
        store.inject('all', { fault: 'yield', seed });
        const settled = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => take(engine, { scopes: scopes(i) })));
        store.clear();
        expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
        expect((await store.find({ kind: 'grant', limit: 99 })).items).toHaveLength(50);
      }
    });

    it('applies the terms of the approver: an idle end, uses, a warning', async () => {
      const { engine, clock } = anEmergency({ terms: { idleTtlMs: MINUTE, maxUses: 2 } });
      const { grants } = await take(engine);
      expect(grants).toMatchObject([{ idleTtlMs: MINUTE, maxUses: 2 }]);
      expect(await engine.consume(MAYA, SCOPE)).toMatchObject({ usesLeft: 1 });
      await clock.set(at(MINUTE));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('L18 asks the approver about exactly what is requested, and stores exactly that', async () => {
      const { engine, approver } = anEmergency();
      const metadata = { host: 'db-1' };
      const { request } = await take(engine, { requestedBy: NOOR, ticket: 'INC-1', metadata });
      const [question] = approver.questions;
      expect(question).toMatchObject({ method: 'breakGlass', request: { id: request.id, subject: MAYA, requestedBy: NOOR, metadata } });
      expect(request).toMatchObject({ scopes: [SCOPE], ttlMs: 15 * MINUTE, ticket: 'INC-1', metadata, end: { by: NOOR } });
    });
  });

  describe('breakGlass() with a pending review', () => {
    it('refuses a second one to the subject, for any requester, and names the pending review', async () => {
      const { engine, store } = anEmergency();
      const { request } = await take(engine);
      const before = await wholeStore(store);
      for (const requestedBy of [undefined, NOOR]) {
        const error = await refusal(take(engine, { scope: 'other', requestedBy }), 'ERR_JIT_LIMIT');
        expect(error).toMatchObject({ limit: 'maxUnreviewed', max: 1, got: 2 });
        expect(error.message).toContain(request.id);
        expect(error.message).toContain(MAYA);
      }
      expect(await wholeStore(store)).toEqual(before);
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' });
      expect((await take(engine, { scope: 'other' })).outcome).toBe('granted');
    });

    it('refuses a second one to the requester, for any subject', async () => {
      const { engine } = anEmergency();
      const { request } = await take(engine, { subject: 'agent:1', requestedBy: NOOR });
      for (const subject of ['agent:2', NOOR]) {
        const error = await refusal(take(engine, { subject, requestedBy: NOOR }), 'ERR_JIT_LIMIT');
        expect(error).toMatchObject({ limit: 'maxUnreviewed' });
        expect(error.message).toContain(NOOR);
      }
      // Another requester, for a subject without a pending review.
      expect((await take(engine, { subject: 'agent:2', requestedBy: EVE })).outcome).toBe('granted');
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' });
      expect((await take(engine, { subject: NOOR })).outcome).toBe('granted');
    });

    it('refuses one for a subject that took break-glass on behalf of another subject before', async () => {
      const { engine } = anEmergency();
      await take(engine, { subject: 'agent:1', requestedBy: NOOR });
      await refusal(take(engine, { subject: NOOR, requestedBy: EVE }), 'ERR_JIT_LIMIT');
      // Break-glass that another caller took for it does not stop a requester from taking its own (L44).
      expect((await take(engine, { subject: EVE, requestedBy: 'agent:1' })).outcome).toBe('granted');
    });

    it('still counts access that was released or revoked, or whose review is overdue, until it is reviewed', async () => {
      const { engine, clock } = anEmergency({ reviewWithinMs: HOUR });
      const { grants } = await take(engine);
      await engine.release(grants[0]?.id ?? '', { by: MAYA });
      await refusal(take(engine), 'ERR_JIT_LIMIT');
      await engine.revokeAll({ subject: MAYA }, { by: SAM });
      await refusal(take(engine), 'ERR_JIT_LIMIT');
      await clock.set(at(2 * HOUR));
      await engine.sweep();
      await refusal(take(engine), 'ERR_JIT_LIMIT');
    });

    it('still counts access that has expired, with or without a sweep, until it is reviewed', async () => {
      const { engine, clock } = anEmergency();
      const { request } = await take(engine);
      await clock.set(at(15 * MINUTE));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      await refusal(take(engine), 'ERR_JIT_LIMIT');
      expect(await engine.sweep()).toMatchObject({ ended: 1 });
      await refusal(take(engine), 'ERR_JIT_LIMIT');
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' });
      expect((await take(engine)).outcome).toBe('granted');
    });

    it('applies the current maxUnreviewed of the approver, also to earlier access', async () => {
      const { engine, approver } = anEmergency({ maxUnreviewed: 2 });
      const [one, two] = [await take(engine, { scope: 'a' }), await take(engine, { scope: 'b' })];
      expect(await refusal(take(engine), 'ERR_JIT_LIMIT')).toMatchObject({ max: 2, got: 3 });
      approver.script.breakGlass = { ...ALLOWS, maxUnreviewed: 1 };
      expect(await refusal(take(engine), 'ERR_JIT_LIMIT')).toMatchObject({ max: 1, got: 3 });
      await engine.reviewBreakGlass(one.request.id, { by: LEE, verdict: 'justified' });
      await refusal(take(engine), 'ERR_JIT_LIMIT');
      await engine.reviewBreakGlass(two.request.id, { by: LEE, verdict: 'justified' });
      expect((await take(engine)).outcome).toBe('granted');
    });

    it('keeps the pending review in the rows of both the subject and the requester', async () => {
      const { engine, store } = anEmergency();
      const { request } = await take(engine, { requestedBy: NOOR });
      expect([await unreviewedOf(store, MAYA), await unreviewedOf(store, NOOR)]).toEqual([[request.id], [request.id]]);
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' });
      expect([await unreviewedOf(store, MAYA), await unreviewedOf(store, NOOR)]).toEqual([[], []]);
    });

    for (const seed of [1, 2, 3, 4]) {
      it(`L9 accepts one of many concurrent calls, per subject and per requester (interleaving ${seed})`, async () => {
        for (const [over, most] of [
          [(i: number) => ({ requestedBy: `user:r${i}` }), 1],
          [(i: number) => ({ subject: `agent:${i}`, requestedBy: NOOR }), 1],
          // The subject of one call is the requester of another: access that others take for it, and access that it takes itself (L44).
          [(i: number) => (i % 2 === 0 ? { subject: NOOR, requestedBy: `user:r${i}` } : { subject: `agent:${i}`, requestedBy: NOOR }), 2],
        ] as const) {
          const { engine, store, clock, approver } = anEmergency();
          const engines = [engine, anEngine({ approver, store, clock }).engine];
          store.inject('all', { fault: 'yield', seed });
          const settled = await Promise.allSettled(Array.from({ length: 16 }, (_, i) => take(engines[i % 2] as JitEngine, over(i))));
          store.clear();
          const won = settled.filter(({ status }) => status === 'fulfilled').length;
          expect(won >= 1 && won <= most, `${won} at once`).toBe(true);
          const codes = settled.flatMap((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : []));
          expect(new Set(codes)).toEqual(new Set(['ERR_JIT_LIMIT']));
          expect(await owedIds(engine)).toHaveLength(won);
          expect((await typesOf(store)).filter((type) => type === 'grant.issued')).toHaveLength(won);
        }
      });

      it(`L11 concurrent calls with one key give one access (interleaving ${seed})`, async () => {
        const { engine, store, clock, approver } = anEmergency();
        const engines = [engine, anEngine({ approver, store, clock }).engine];
        store.inject('all', { fault: 'yield', seed });
        const results = await Promise.all(
          Array.from({ length: 16 }, (_, i) => take(engines[i % 2] as JitEngine, { idempotencyKey: 'pager-7' })),
        );
        store.clear();
        expect(new Set(results.map(({ request }) => request.id)).size).toBe(1);
        expect(await owedIds(engine)).toEqual([results[0]?.request.id]);
      });
    }
  });

  describe('breakGlass() with an idempotency key', () => {
    it('L11 returns the current request for the same key and body, writes nothing and does not ask the approver', async () => {
      const { engine, store, approver } = anEmergency();
      const first = await take(engine, { idempotencyKey: 'k' });
      await engine.reviewBreakGlass(first.request.id, { by: LEE, verdict: 'unjustified' });
      const before = await wholeStore(store);
      const asked = approver.questions.length;
      const again = await take(engine, { idempotencyKey: 'k' });
      expect(again).toMatchObject({
        outcome: 'ended',
        reused: true,
        request: { id: first.request.id, afterReview: { breakGlassReview: { by: LEE } } },
      });
      expect(again.grants).toMatchObject([{ end: { cause: 'unjustified' } }]);
      expect(await wholeStore(store)).toEqual(before);
      expect(approver.questions).toHaveLength(asked);
    });

    it('L11 refuses another body under the same key; another requester or verb has separate keys', async () => {
      const { engine, store } = anEmergency({ maxUnreviewed: 5 }, { decide: { outcome: 'approve' } });
      const { request } = await take(engine, { idempotencyKey: 'k' });
      const before = await wholeStore(store);
      for (const over of [{ scope: 'b' }, { ttl: 1 }, { justification: 'another' }, { ticket: 'INC-1' }]) {
        const error = await refusal(take(engine, { idempotencyKey: 'k', ...over }), 'ERR_JIT_IDEMPOTENCY');
        expect(error.recordId).toBe(request.id);
      }
      expect(await wholeStore(store)).toEqual(before);
      const others = [
        await take(engine, { idempotencyKey: 'k', requestedBy: NOOR }),
        await ask(engine, { idempotencyKey: 'k', scope: 'x', justification: 'the primary is down' }),
      ];
      for (const other of others) expect(other.request.id).not.toBe(request.id);
    });
  });

  describe("listRequests({ afterReview: 'pending' }) and inbox({ of: 'breakGlass' })", () => {
    it('lists pending reviews by deadline, and marks overdue ones', async () => {
      const { engine, clock, approver } = anEmergency({ maxUnreviewed: 9 });
      const made: AccessRequest[] = [];
      for (const reviewWithinMs of [3 * HOUR, HOUR, 2 * HOUR]) {
        approver.script.breakGlass = { ...ALLOWS, reviewWithinMs, maxUnreviewed: 9 };
        made.push((await take(engine, { scope: `s${reviewWithinMs}` })).request);
      }
      const [third, first, second] = made.map(({ id }) => id);
      expect(await owedIds(engine)).toEqual([first, second, third]);
      for (const [ms, overdue] of [
        [HOUR - 1, [false, false, false]],
        [HOUR, [true, false, false]],
        [HOUR + 1, [true, false, false]],
      ] as const) {
        await clock.set(at(ms));
        const { items } = await engine.listRequests({ afterReview: 'pending' });
        expect(items.map(({ isOverdue }) => isOverdue)).toEqual(overdue);
        expect(items.map(({ reviewBy }) => reviewBy)).toEqual([at(HOUR), at(2 * HOUR), at(3 * HOUR)]);
      }
    });

    it('filters by subject, and by reviewer with live questions to the approver', async () => {
      const members = new Set([LEE]);
      const { engine } = anEmergency({}, { mayReviewBreakGlass: (who, { subject }) => members.has(who) && subject !== 'agent:2' });
      const one = (await take(engine, { subject: 'agent:1' })).request.id;
      const two = (await take(engine, { subject: 'agent:2' })).request.id;
      const lees = (await take(engine, { subject: LEE })).request.id;
      const byLee = (await take(engine, { subject: 'agent:3', requestedBy: 'user:r' })).request.id;
      expect(new Set(await owedIds(engine))).toEqual(new Set([one, two, lees, byLee]));
      expect(await owedIds(engine, { subject: 'agent:2' })).toEqual([two]);
      expect(new Set(await owedIds(engine, { reviewer: LEE }))).toEqual(new Set([one, byLee]));
      expect(await owedIds(engine, { reviewer: 'user:r' })).toEqual([]);
      members.clear();
      expect(await owedIds(engine, { reviewer: LEE })).toEqual([]);
    });

    it('does not list to the subject or the requester a review that they may not give', async () => {
      const { engine } = anEmergency({}, { mayReviewBreakGlass: true });
      const { request } = await take(engine, { requestedBy: NOOR });
      for (const reviewer of [MAYA, NOOR]) expect(await owedIds(engine, { reviewer })).toEqual([]);
      expect(await owedIds(engine, { reviewer: EVE })).toEqual([request.id]);
    });

    it('lists neither ordinary requests nor break-glass that has been reviewed', async () => {
      const { engine } = anEmergency({}, { decide: { outcome: 'approve' } });
      await ask(engine);
      const { request } = await take(engine);
      expect(await owedIds(engine)).toEqual([request.id]);
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'unjustified' });
      expect((await engine.listRequests({ afterReview: 'pending' })).items).toEqual([]);
    });

    it('L28 L30 lists the other reviews to a reviewer if the approver fails about one, and reports the failure', async () => {
      const { engine, told } = anEmergency(
        {},
        { mayReviewBreakGlass: (_, { subject }) => subject !== 'agent:2' || Promise.reject(new Error('LDAP')) },
      );
      const [one, two, three] = [
        (await take(engine, { subject: 'agent:1' })).request.id,
        (await take(engine, { subject: 'agent:2' })).request.id,
        (await take(engine, { subject: 'agent:3' })).request.id,
      ];
      expect(new Set(await owedIds(engine, { reviewer: LEE }))).toEqual(new Set([one, three]));
      expect(told).toMatchObject([{ error: { code: 'ERR_JIT_APPROVER' }, during: 'inbox' }]);
      // The list without a reviewer asks the approver nothing.
      expect(new Set(await owedIds(engine))).toEqual(new Set([one, two, three]));
      await refusal(engine.reviewBreakGlass(two, { by: LEE, verdict: 'justified' }), 'ERR_JIT_APPROVER');
    });

    it('lists 230 pending reviews on one page, over several pages of the store', async () => {
      const { engine } = anEmergency();
      for (let i = 0; i < 230; i++) await take(engine, { subject: `agent:${i}` });
      expect((await engine.listRequests({ afterReview: 'pending', limit: 1_000 })).items).toHaveLength(230);
    });

    describe('in pages', () => {
      const TIMEOUT = 5_000;

      /** Pending reviews, each due a millisecond after the one before. */
      async function unreviewed(count: number, script: ApproverScript = {}) {
        const made = anEmergency({}, script, { store: new MemoryGrantStore(), limits: { approverTimeout: TIMEOUT } });
        const ids: string[] = [];
        for (let i = 0; i < count; i++) {
          ids.push((await take(made.engine, { subject: `agent:${i}` })).request.id);
          await made.clock.advance(1);
        }
        return { ...made, ids };
      }

      async function every(engine: JitEngine, query: Selected): Promise<readonly string[]> {
        const found: string[] = [];
        for await (const { request } of owed(engine, query)) found.push(request.id);
        return found;
      }

      it('gives the first due first, each exactly once, in pages of any length', async () => {
        const { engine, ids } = await unreviewed(7);
        for (const limit of [1, 2, 3, 7, 100]) {
          expect(await every(engine, { limit })).toEqual(ids);
          expect(await every(engine, { limit, reviewer: LEE })).toEqual(ids);
        }
        const first = await engine.listRequests({ afterReview: 'pending', limit: 3 });
        expect(first.items.map(({ request }) => request.id)).toEqual(ids.slice(0, 3));
        expect(await owedIds(engine, { limit: 3, after: first.next })).toEqual(ids.slice(3, 6));
        expect((await engine.listRequests({ afterReview: 'pending', limit: 7 })).next).toBeUndefined();
      });

      it('shows each review exactly once while others are given, become overdue and arise between its pages', async () => {
        const { engine, clock, ids } = await unreviewed(6);
        const seen: string[] = [];
        for (let after: string | undefined, page = 0; ; page++) {
          const { items, next } = await engine.listRequests({ afterReview: 'pending', limit: 2, after });
          seen.push(...items.map(({ request }) => request.id));
          if (page === 0) for (const id of [ids[0], ids[3]]) await engine.reviewBreakGlass(id as string, { by: LEE, verdict: 'justified' });
          if (page === 1) {
            await clock.advance(DAY);
            await engine.sweep();
            ids.push((await take(engine, { subject: 'agent:late' })).request.id);
          }
          if (next === undefined) break;
          after = next;
        }
        expect(seen).toEqual(ids.filter((_, i) => i !== 3));
      });

      it('L42 looks at 1,000 open requests for a page, also where none of them is break-glass', async () => {
        const { engine, clock, approver } = await unreviewed(0);
        approver.script.decide = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } };
        for (let i = 0; i < 1_000; i++) await ask(engine, { subject: `user:${i}` });
        await clock.advance(1);
        const { request } = await take(engine, { subject: 'agent:1' });
        const first = await engine.listRequests({ afterReview: 'pending' });
        expect(first.items).toEqual([]);
        expect(first.next).toBeDefined();
        expect(await owedIds(engine, { after: first.next })).toEqual([request.id]);
        // With a subject the store selects the rows, so that no other request is looked at.
        expect(await owedIds(engine, { subject: 'agent:1' })).toEqual([request.id]);
      });

      it('L38 L42 waits one time limit in all where the directory hangs, and reports the reviews concerned', async () => {
        const { engine, clock, approver, ids, told } = await unreviewed(40, { mayReviewBreakGlass: () => new Promise(() => undefined) });
        let page: Page<BreakGlassReviewItem> | undefined;
        void engine.inbox(LEE, { of: 'breakGlass' }).then((first) => (page = first));
        await untilAsleep(clock);
        await clock.advance(TIMEOUT);
        for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
        expect(page?.items).toEqual([]);
        expect(told.map(({ error, during }) => [(error as { requestId: string }).requestId, during])).toEqual(
          ids.slice(0, 32).map((id) => [id, 'inbox']),
        );
        // The others come with the next page, once the directory answers again.
        approver.script.mayReviewBreakGlass = true;
        expect(await owedIds(engine, { reviewer: LEE, after: page?.next })).toEqual(ids.slice(32));
      });
    });

    it('refuses invalid query options', async () => {
      const { engine } = anEmergency();
      for (const query of [
        { suject: MAYA },
        { subject: '' },
        { reviewer: LEE },
        { status: 'approved' },
        { limit: 0 },
        { limit: 1_001 },
        { after: 'x' },
      ]) {
        await refusal(engine.listRequests({ ...query, afterReview: 'pending' } as never), 'ERR_JIT_INVALID_ARGUMENT');
      }
    });
  });

  describe('reviewBreakGlass()', () => {
    it('L27 records who, what, when and why in the journal, and does not end justified access', async () => {
      const { engine, store, clock } = anEmergency();
      const { request, grants } = await take(engine);
      await clock.set(at(5));
      const after = await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified', reason: 'saw the page' });
      const breakGlassReview = { by: LEE, verdict: 'justified', at: at(5), reason: 'saw the page' };
      expect(after.afterReview).toEqual({ ...request.afterReview, breakGlassReview });
      expect(after.end).toEqual(request.end);
      expect((await entriesOf(store)).at(-1)).toMatchObject({
        type: 'breakGlass.reviewed',
        at: at(5),
        actor: LEE,
        requestId: request.id,
        data: { afterReview: { breakGlassReview }, subjectVersion: 2 },
      });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      expect((await engine.getRequest(request.id))?.grants).toEqual(grants);
    });

    it('L15 refuses the subject and the requester, even if the approver allows them', async () => {
      const { engine, store } = anEmergency({}, { mayReviewBreakGlass: true });
      const { request } = await take(engine, { requestedBy: NOOR });
      const before = await wholeStore(store);
      for (const by of [MAYA, NOOR]) {
        for (const verdict of ['justified', 'unjustified'] as const) {
          const error = await refusal(engine.reviewBreakGlass(request.id, { by, verdict }), 'ERR_JIT_SELF_REVIEW');
          expect(error).toMatchObject({ requestId: request.id, reviewer: by });
        }
      }
      expect(await wholeStore(store)).toEqual(before);
    });

    it('L15 refuses the subject and the requester also while the approver fails, and does not ask it about them', async () => {
      const { engine, approver } = anEmergency({}, { mayReviewBreakGlass: throws(new Error('down')) });
      const { request } = await take(engine, { requestedBy: NOOR });
      for (const by of [MAYA, NOOR]) {
        await refusal(engine.reviewBreakGlass(request.id, { by, verdict: 'justified' }), 'ERR_JIT_SELF_REVIEW');
        expect((await engine.inbox(by, { of: 'breakGlass' })).items).toEqual([]);
      }
      expect(approver.asked('mayReviewBreakGlass')).toBe(0);
    });

    it('L17 refuses a reviewer whom the approver does not allow, asked live, or if the approver has no mayReviewBreakGlass', async () => {
      const members = new Set<string>();
      for (const mayReviewBreakGlass of [(who: string) => members.has(who), undefined]) {
        const { engine, store } = anEmergency({}, { mayReviewBreakGlass: mayReviewBreakGlass });
        const { request } = await take(engine);
        const before = await wholeStore(store);
        const error = await refusal(engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'unjustified' }), 'ERR_JIT_NOT_REVIEWER');
        expect(error).toMatchObject({ requestId: request.id, reviewer: LEE, why: 'not_in_group' });
        expect(await wholeStore(store)).toEqual(before);
      }
      const { engine } = anEmergency({}, { mayReviewBreakGlass: (who) => members.has(who) });
      const { request } = await take(engine);
      members.add(LEE);
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' });
    });

    it('L30 records nothing if the question fails or its answer is neither true nor false', async () => {
      for (const mayReviewBreakGlass of [throws(new Error('down')), malformed('yes'), malformed(1), malformed({}), malformed(null)]) {
        const { engine, store } = anEmergency({}, { mayReviewBreakGlass: mayReviewBreakGlass });
        const { request } = await take(engine);
        const before = await wholeStore(store);
        const error = await refusal(engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' }), 'ERR_JIT_APPROVER');
        expect(error.requestId).toBe(request.id);
        expect(await wholeStore(store)).toEqual(before);
      }
    });

    it('L17 is refused if another approver has replaced the one that allowed the access', async () => {
      const { engine, store, clock } = anEmergency();
      const { request } = await take(engine);
      const other = anEngine({ approver: new ScriptedApprover({ mayReviewBreakGlass: true }, 'another'), store, clock });
      await refusal(other.engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' }), 'ERR_JIT_NOT_REVIEWER');
      expect((await other.engine.inbox(LEE, { of: 'breakGlass' })).items).toEqual([]);
      expect(await owedIds(other.engine)).toEqual([request.id]);
    });

    it('accepts a repeated verdict by the same person without a new record, and refuses another verdict or reviewer', async () => {
      const { engine, store } = anEmergency();
      const { request } = await take(engine);
      const done = await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified', reason: 'first' });
      const before = await wholeStore(store);
      expect(await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified', reason: 'second' })).toEqual(done);
      for (const [by, verdict] of [
        [LEE, 'unjustified'],
        [ANA, 'justified'],
        [ANA, 'unjustified'],
        [EVE, 'justified'],
        [MAYA, 'justified'],
      ] as const) {
        const error = await refusal(engine.reviewBreakGlass(request.id, { by, verdict }), 'ERR_JIT_DECIDED');
        expect(error.request.afterReview?.breakGlassReview).toMatchObject({ by: LEE, reason: 'first' });
        expect(error.message).toBe(`the break-glass review of request ${request.id} has been given: justified`);
      }
      expect(await wholeStore(store)).toEqual(before);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('refuses a request that was not break-glass, and an unknown id', async () => {
      const { engine } = anEmergency({}, { decide: { outcome: 'approve' } });
      const { request } = await ask(engine);
      const error = await refusal(engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' }), 'ERR_JIT_INVALID_ARGUMENT');
      expect(error.argument).toBe('requestId');
      await refusal(engine.reviewBreakGlass('nothing', { by: LEE, verdict: 'justified' }), 'ERR_JIT_NOT_FOUND');
    });

    it('refuses invalid verdicts and options', async () => {
      const { engine, store } = anEmergency();
      const { request } = await take(engine);
      const before = await wholeStore(store);
      for (const options of [
        { by: LEE },
        { by: LEE, verdict: 'approve' },
        { by: LEE, verdict: '' },
        { by: LEE, verdict: true },
        { by: LEE, verdict: ['justified'] },
        { verdict: 'justified' },
        { by: 'system:sweeper', verdict: 'justified' },
        { by: LEE, verdict: 'justified', comment: 'x' },
        { by: LEE, verdict: 'justified', reason: 'x'.repeat(4097) },
        undefined,
      ]) {
        await refusal(engine.reviewBreakGlass(request.id, options as never), 'ERR_JIT_INVALID_ARGUMENT');
      }
      expect(await wholeStore(store)).toEqual(before);
    });

    it('L12 unjustified ends all live access in the same commit: grants, successors, and open requests to extend any of them', async () => {
      const people = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } } as const;
      const { engine, store, clock } = anEmergency({}, { decide: people, groupsOf: (who) => (who === SAM ? ['ops'] : []) });
      const { request, grants } = await take(engine, { scopes: ['a', 'b', 'c'] });
      const [a = '', b = '', c = ''] = grants.map(({ id }) => id);
      await engine.release(b, { by: MAYA });
      const extended = await engine.approve((await engine.extend(a, { requestedBy: MAYA, ttl: HOUR })).request.id, { by: SAM });
      const successor = extended.outcome === 'granted' ? (extended.grants[0]?.id ?? '') : '';
      const openOnGrant = await engine.extend(c, { requestedBy: MAYA, ttl: HOUR });
      const openOnSuccessor = await engine.extend(successor, { requestedBy: MAYA, ttl: HOUR });
      const unrelated = await ask(engine, { scope: 'z' });
      await clock.set(at(7));
      const seq = (await journalHead(engine)).seq;
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'unjustified', reason: 'curiosity' });

      const written = (await entriesOf(store)).filter((entry) => entry.seq > seq);
      expect(new Set(written.map(({ id }) => id.split('.')[0])).size).toBe(1);
      expect(written.map(({ type, grantId, requestId }) => [type, grantId ?? requestId])).toEqual([
        ['breakGlass.reviewed', request.id],
        ['grant.revoked', a],
        ['grant.revoked', successor],
        ['request.cancelled', openOnSuccessor.request.id],
        ['grant.revoked', c],
        ['request.cancelled', openOnGrant.request.id],
      ]);
      const after = (await engine.getRequest(request.id))?.grants;
      expect(after?.map(({ end }) => end)).toMatchObject([
        { status: 'revoked', cause: 'unjustified', by: LEE, reason: 'curiosity', at: at(7) },
        { status: 'revoked', cause: 'released' },
        { status: 'revoked', cause: 'unjustified' },
      ]);
      expect((await engine.getRequest(extended.request.id))?.grants).toMatchObject([{ end: { cause: 'origin_ended' } }]);
      for (const { request: cancelled } of [openOnGrant, openOnSuccessor]) {
        expect((await engine.getRequest(cancelled.id))?.request.end).toMatchObject({ status: 'cancelled', cause: 'origin_ended' });
        await refusal(engine.approve(cancelled.id, { by: SAM }), 'ERR_JIT_DECIDED');
      }
      expect((await engine.getRequest(unrelated.request.id))?.request.end).toBeUndefined();
      for (const ms of [7, 16 * MINUTE, 2 * HOUR]) {
        await clock.set(at(ms));
        expect(await engine.filterAllowed(MAYA, ['a', 'b', 'c'])).toEqual([]);
      }
      expect(await verifyJournal(await entriesOf(store))).toMatchObject({ ok: true });
    });

    it('L12 unjustified ends an extension request that commits during the review, for a grant that had just expired', async () => {
      const { engine, clock, store, approver } = anEmergency(
        {},
        { decide: { outcome: 'review', quorum: { groups: [{ name: 'g', approvals: 1 }] } }, groupsOf: ['g'] },
      );
      const { request, grants } = await take(engine);
      const [grant] = grants;
      if (grant === undefined) throw new Error('nothing was granted');
      const soon = () => new Promise((resolve) => setImmediate(resolve));
      // Requested in the last millisecond; its commit is in flight.
      await clock.set(grant.expiresAt - 1);
      store.inject('commit', { fault: 'hang' }, 1);
      const asking = anEngine({ approver, store, clock }).engine.extend(grant.id, { requestedBy: MAYA, ttl: HOUR, justification: 'more' });
      while (store.called('commit') < 2) await soon();
      await clock.set(grant.expiresAt);
      // It arrives after the chains have been read and found empty.
      const commit = store.commit.bind(store);
      let held = true;
      store.commit = async (change) => {
        if (held) {
          held = false;
          store.release();
          await asking;
        }
        return commit(change);
      };
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'unjustified' });
      const extension = (await asking).request.id;
      expect((await engine.getRequest(extension))?.request.end).toMatchObject({ status: 'cancelled', cause: 'origin_ended' });
      await refusal(engine.approve(extension, { by: ANA }), 'ERR_JIT_DECIDED');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      await expectReplayed(store);
    });

    it('L12 L27 unjustified leaves the usage rows of the ended grants to the next sweep, and denies further uses', async () => {
      const { engine, store, clock } = anEmergency({ terms: { maxUses: 3 } });
      const { request } = await take(engine);
      await engine.consume(MAYA, SCOPE);
      const usage = async () =>
        (await store.find({ kind: 'usage', limit: 9 })).items.map(({ open, body }) => [open, body['endedAt'] ?? undefined]);
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'unjustified' });
      expect(await usage()).toEqual([[true, undefined]]);
      await refusal(engine.consume(MAYA, SCOPE), 'ERR_JIT_DENIED');
      // The row is due at the original expiry, and not before: no call waits for it.
      await clock.set(at(15 * MINUTE - 1));
      await engine.sweep();
      expect(await usage()).toEqual([[true, undefined]]);
      await clock.set(at(15 * MINUTE));
      expect(await engine.sweep()).toMatchObject({ ended: 0, skipped: 0 });
      expect(await usage()).toEqual([[false, at(0)]]);
      expect((await typesOf(store)).filter((type) => type !== 'attempt.refused').slice(-2)).toEqual(['grant.revoked', 'usage.closed']);
      await expectReplayed(store);
    });

    it('L8 unjustified after the end does not revoke an expired grant, but ends its extension', async () => {
      const people = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } } as const;
      const { engine, clock } = anEmergency({}, { decide: people, groupsOf: ['ops'] });
      const { request, grants } = await take(engine);
      const extended = await engine.approve((await engine.extend(grants[0]?.id ?? '', { requestedBy: MAYA, ttl: HOUR })).request.id, {
        by: SAM,
      });
      await clock.set(at(20 * MINUTE));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'unjustified' });
      expect((await engine.getRequest(request.id))?.grants).toMatchObject([
        { end: { status: 'expired', cause: 'time', at: at(15 * MINUTE) } },
      ]);
      expect((await engine.getRequest(extended.request.id))?.grants).toMatchObject([
        { end: { cause: 'origin_ended', at: at(20 * MINUTE) } },
      ]);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('L9 records exactly one of many concurrent reviews, and refuses the others with the decision', async () => {
      for (const seed of [1, 2, 3]) {
        const people = Array.from({ length: 16 }, (_, i) => `user:p${i}`);
        const { engine, store } = anEmergency({}, { mayReviewBreakGlass: (who) => people.includes(who) });
        const { request } = await take(engine);
        store.inject('all', { fault: 'yield', seed });
        const settled = await Promise.allSettled(
          people.map((by, i) => engine.reviewBreakGlass(request.id, { by, verdict: i % 2 === 0 ? 'justified' : 'unjustified' })),
        );
        store.clear();
        expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        for (const one of settled) if (one.status === 'rejected') expect((one.reason as { code: string }).code).toBe('ERR_JIT_DECIDED');
        const types = await typesOf(store);
        expect(types.filter((type) => type === 'breakGlass.reviewed')).toHaveLength(1);
        const verdict = (await engine.getRequest(request.id))?.request.afterReview?.breakGlassReview?.verdict;
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(verdict === 'justified');
        expect(await unreviewedOf(store, MAYA)).toEqual([]);
      }
    });

    it('L12 an extension approved concurrently with an unjustified verdict gives no access', async () => {
      const people = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } } as const;
      for (let seed = 1; seed <= 24; seed++) {
        const { engine, store, clock } = anEmergency({}, { decide: people, groupsOf: ['ops'] });
        const { request, grants } = await take(engine);
        const extension = await engine.extend(grants[0]?.id ?? '', { requestedBy: MAYA, ttl: HOUR });
        store.inject('all', { fault: 'yield', seed });
        await Promise.allSettled([
          engine.approve(extension.request.id, { by: SAM }),
          engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'unjustified' }),
        ]);
        store.clear();
        for (const ms of [0, 16 * MINUTE]) {
          await clock.set(at(ms));
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
        }
      }
    });

    it('L12 an extension approved concurrently with a justified verdict gives its access', async () => {
      const people = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } } as const;
      for (let seed = 1; seed <= 24; seed++) {
        const { engine, store, clock } = anEmergency({}, { decide: people, groupsOf: ['ops'] });
        const { request, grants } = await take(engine);
        const extension = await engine.extend(grants[0]?.id ?? '', { requestedBy: MAYA, ttl: HOUR });
        store.inject('all', { fault: 'yield', seed });
        const [approved] = await Promise.all([
          engine.approve(extension.request.id, { by: SAM }),
          engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' }),
        ]);
        store.clear();
        expect(approved.outcome).toBe('granted');
        await clock.set(at(15 * MINUTE));
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      }
    });

    it('L9 unjustified ends the access after 400 conflicts; justified gives up and records nothing', async () => {
      const { engine, store } = anEmergency({ maxUnreviewed: 2 });
      const [one, two] = [await take(engine, { scope: 'a' }), await take(engine, { scope: 'b' })];
      store.inject('commit', { fault: 'malformed', answer: CONFLICT }, 400);
      await engine.reviewBreakGlass(one.request.id, { by: LEE, verdict: 'unjustified' });
      store.inject('commit', { fault: 'malformed', answer: CONFLICT }, 400);
      await refusal(engine.reviewBreakGlass(two.request.id, { by: LEE, verdict: 'justified' }), 'ERR_JIT_CONFLICT');
      store.clear();
      expect(await engine.filterAllowed(MAYA, ['a', 'b'])).toEqual(['b']);
      expect(await owedIds(engine)).toEqual([two.request.id]);
    });

    it('L31 resolves a lost reply: records one review, and ends the grants with it', async () => {
      const { engine, store } = anEmergency();
      const { request } = await take(engine);
      store.inject('commit', { fault: 'lose reply' }, 1);
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'unjustified' });
      expect((await typesOf(store)).slice(-2)).toEqual(['breakGlass.reviewed', 'grant.revoked']);
    });
  });

  describe('an overdue review', () => {
    it('L27 is recorded once, at its millisecond, and stays pending', async () => {
      const { engine, store, clock } = anEmergency({ reviewWithinMs: HOUR });
      const { request } = await take(engine);
      const missed = async () => (await entriesOf(store)).filter(({ type }) => type === 'breakGlass.overdue');
      await clock.set(at(HOUR - 1));
      expect((await engine.sweep()).missed).toBe(0);
      expect(await missed()).toEqual([]);
      await clock.set(at(HOUR));
      expect((await engine.sweep()).missed).toBe(1);
      for (let i = 0; i < 3; i++) {
        await clock.advance(HOUR);
        expect((await engine.sweep()).missed).toBe(0);
      }
      expect(await missed()).toMatchObject([
        { at: at(HOUR), actor: 'system:sweeper', requestId: request.id, data: { afterReview: { missedAt: at(HOUR) } } },
      ]);
      expect(await owedIds(engine)).toEqual([request.id]);
      const late = await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' });
      expect(late.afterReview).toMatchObject({ missedAt: at(HOUR), breakGlassReview: { at: at(4 * HOUR) } });
      expect(await owedIds(engine)).toEqual([]);
    });

    it('is never recorded once the review has been given', async () => {
      const { engine, store, clock } = anEmergency({ reviewWithinMs: HOUR });
      const { request } = await take(engine);
      await clock.set(at(HOUR - 1));
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' });
      await clock.set(at(2 * HOUR));
      expect((await engine.sweep()).missed).toBe(0);
      expect(await typesOf(store)).not.toContain('breakGlass.overdue');
    });

    it('L9 is recorded exactly once by concurrent sweepers', async () => {
      for (const seed of [1, 2, 3]) {
        const { engine, store, clock, approver } = anEmergency({ reviewWithinMs: HOUR });
        await take(engine);
        const other = anEngine({ approver, store, clock }).engine;
        await clock.set(at(HOUR));
        store.inject('all', { fault: 'yield', seed });
        await Promise.all([engine.sweep(), other.sweep(), engine.sweep(), other.sweep()]);
        store.clear();
        expect((await typesOf(store)).filter((type) => type === 'breakGlass.overdue')).toHaveLength(1);
      }
    });

    it('L9 is recorded at most once by concurrent sweepers, also during a review', async () => {
      for (const seed of [1, 2, 3]) {
        const { engine, store, clock, approver } = anEmergency({ reviewWithinMs: HOUR });
        const { request } = await take(engine);
        const other = anEngine({ approver, store, clock }).engine;
        await clock.set(at(HOUR));
        store.inject('all', { fault: 'yield', seed });
        await Promise.all([
          engine.sweep(),
          other.sweep(),
          engine.sweep(),
          other.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' }),
          other.sweep(),
        ]);
        store.clear();
        const types = await typesOf(store);
        expect(types.filter((type) => type === 'breakGlass.overdue').length).toBeLessThanOrEqual(1);
        expect(types.filter((type) => type === 'breakGlass.reviewed')).toHaveLength(1);
        expect(await verifyJournal(await entriesOf(store))).toMatchObject({ ok: true });
      }
    });
  });

  describe('break-glass access', () => {
    it('L33 is kept by a purge until it has been reviewed, and no longer', async () => {
      const { engine, clock, store } = anEmergency({ reviewWithinMs: HOUR });
      const { request } = await take(engine);
      await clock.set(at(2 * HOUR));
      await engine.sweep();
      expect(await purge(engine, { before: at(2 * HOUR), by: SAM, force: true })).toMatchObject({
        requests: 0,
        grants: 0,
        journalStart: 0,
      });
      expect(await owedIds(engine)).toEqual([request.id]);
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' });
      await clock.set(at(3 * HOUR));
      expect(await purge(engine, { before: at(3 * HOUR), by: SAM, force: true })).toMatchObject({ requests: 1, grants: 1 });
      expect(await engine.getRequest(request.id)).toBeUndefined();
      // The row itself stays: another engine may depend on it for an answer about this subject.
      expect(await unreviewedOf(store, MAYA)).toEqual([]);
    });

    it('L33 is kept by a purge whose horizon is before its review', async () => {
      const { engine, clock } = anEmergency();
      const { request } = await take(engine);
      await clock.set(at(2 * HOUR));
      await engine.sweep();
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' });
      await clock.set(at(3 * HOUR));
      for (const before of [at(HOUR), at(2 * HOUR)]) {
        expect(await purge(engine, { before, by: SAM, force: true })).toMatchObject({ requests: 0, journalStart: 0 });
      }
      expect((await engine.getRequest(request.id))?.request.afterReview?.breakGlassReview).toMatchObject({ by: LEE });
      expect(await purge(engine, { before: at(2 * HOUR + 1), by: SAM, force: true })).toMatchObject({ requests: 1, grants: 1 });
    });

    it('L33 a purge keeps the pending review of a requester who acted for another subject', async () => {
      const { engine, clock, store } = anEmergency({ reviewWithinMs: HOUR });
      await take(engine, { requestedBy: NOOR });
      await clock.set(at(2 * HOUR));
      await engine.sweep();
      await purge(engine, { before: at(2 * HOUR), by: SAM, force: true });
      expect(await unreviewedOf(store, NOOR)).toHaveLength(1);
      await refusal(take(engine, { subject: 'agent:1', requestedBy: NOOR }), 'ERR_JIT_LIMIT');
    });

    it('L12 ends with revokeAll, by subject, scope and request; its review stays pending', async () => {
      for (const target of [() => ({ subject: MAYA }), () => ({ scope: SCOPE }), (requestId: string) => ({ requestId })]) {
        const { engine } = anEmergency();
        const { request } = await take(engine);
        const report = await engine.revokeAll(target(request.id), { by: SAM });
        expect(report).toMatchObject({ grants: [{ requestId: request.id, end: { cause: 'revoked' } }], requests: [] });
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
        expect(await owedIds(engine)).toEqual([request.id]);
        await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' });
      }
    });

    it('is never extended by the approver alone, also along a chain of extensions, but with approval by people', async () => {
      const people = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } } as const;
      const { engine, approver } = anEmergency({}, { decide: { outcome: 'approve' }, groupsOf: ['ops'] });
      const { grants } = await take(engine);
      const id = grants[0]?.id ?? '';
      const refused = await engine.extend(id, { requestedBy: MAYA, ttl: MINUTE });
      expect(refused).toMatchObject({ outcome: 'denied', request: { extension: { breakGlass: true }, end: { cause: 'approver' } } });
      approver.script.decide = people;
      const pending = await engine.extend(id, { requestedBy: MAYA, ttl: MINUTE });
      expect(pending.outcome).toBe('pending');
      const extended = await engine.approve(pending.request.id, { by: SAM });
      if (extended.outcome !== 'granted') throw new Error('people have approved it');
      // The same holds for the extension that people approved: its chain starts with break-glass access.
      approver.script.decide = { outcome: 'approve' };
      const again = await engine.extend(extended.grants[0]?.id ?? '', { requestedBy: MAYA, ttl: MINUTE });
      expect(again).toMatchObject({ outcome: 'denied', request: { extension: { breakGlass: true } } });
    });

    it('L16 is not extended by the approver alone on a retry either', async () => {
      const { engine, approver } = anEmergency({}, { decide: inTurn(throws(new Error('down')), { outcome: 'approve' }) });
      const { grants } = await take(engine);
      const { requestId = '' } = await refusal(engine.extend(grants[0]?.id ?? '', { requestedBy: MAYA, ttl: MINUTE }), 'ERR_JIT_APPROVER');
      expect(await decideAgain(engine, requestId)).toMatchObject({ outcome: 'denied' });
      expect(approver.asked('decide')).toBe(2);
    });

    it('cannot be approved, denied or cancelled as if it were pending, and is in no inbox', async () => {
      const { engine, store } = anEmergency({}, { groupsOf: ['ops'] });
      const { request } = await take(engine);
      const before = await wholeStore(store);
      for (const verb of ['approve', 'deny'] as const) await refusal(engine[verb](request.id, { by: LEE }), 'ERR_JIT_DECIDED');
      await refusal(engine.cancel(request.id, { by: MAYA }), 'ERR_JIT_DECIDED');
      expect(await decideAgain(engine, request.id)).toMatchObject({ outcome: 'granted' });
      expect((await engine.inbox(LEE)).items).toEqual([]);
      expect(await wholeStore(store)).toEqual(before);
    });

    it('does not count against maxOpenRequests', async () => {
      const { engine } = anEmergency({}, {}, { limits: { maxOpenRequests: 1 } });
      await take(engine);
      const { engine: plain } = anEngine({ approver: reviewers({ members: [SAM] }), limits: { maxOpenRequests: 1 } });
      expect((await ask(plain)).outcome).toBe('pending');
      expect((await ask(engine, { scope: 'other' })).outcome).toBe('denied');
    });

    it('L30 is refused if the row of the subject cannot be read, and grants nothing', async () => {
      const store = new FaultyStore(new MemoryGrantStore());
      const { engine } = anEmergency({ maxUnreviewed: 9 }, {}, { store });
      await take(engine);
      const [row] = await store.get([{ kind: 'subject', id: MAYA }]);
      if (row === undefined) throw new Error('there is a row');
      await store.commit({
        id: 'break',
        expect: [{ kind: 'subject', id: MAYA, version: row.version }],
        put: [{ ...row, version: row.version + 1, body: { unreviewed: 'none' } }],
        append: [],
      });
      await refusal(take(engine, { scope: 'b' }), 'ERR_JIT_CORRUPT');
      expect(await engine.isAllowed(MAYA, 'b')).toBe(false);
    });
  });
});
