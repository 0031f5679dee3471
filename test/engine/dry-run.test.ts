import { preview, type AccessPreview } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { reviewers, type AccessAsk, type JitEngine, type JitEngineOptions, type Verdict } from '../../src/index.js';
import { hangs, malformed, ScriptedApprover, throws, type ApproverScript } from '../../src/testing.js';
import { aGranted, ANA, anEngine, aPending, ask, at, entriesOf, HOUR, LEE, MAYA, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';
import { untilAsleep } from './until-asleep.js';
import { wholeStore } from './whole-store.js';

const REVIEW: Verdict = { outcome: 'review', rule: 'writes', quorum: { groups: [{ name: 'ops', approvals: 2 }], reviewWithinMs: HOUR } };

function aDry(script: ApproverScript = {}, options: Partial<JitEngineOptions> = {}) {
  const approver = new ScriptedApprover({ decide: REVIEW, groupsOf: ['ops'], membersOf: [SAM, ANA, MAYA], isEligible: true, ...script });
  return { ...anEngine({ approver, ...options }), approver };
}

const dry = (engine: JitEngine, over: Partial<AccessAsk> = {}): Promise<AccessPreview> => {
  const scope = over.scopes === undefined ? { scope: SCOPE } : {};
  return preview(engine, { subject: MAYA, ...scope, ttl: 15 * MINUTE, ...over });
};

/** What a preview and the real answer have in common: everything but ids. */
const withoutIds = (result: object): unknown =>
  JSON.parse(JSON.stringify(result, (key, value: unknown) => (['id', 'requestId', 'dryRun'].includes(key) ? undefined : value)));

describe('JitEngine', () => {
  describe('preview()', () => {
    const verdicts: readonly (readonly [string, Verdict])[] = [
      ['approve', { outcome: 'approve', rule: 'reads', reason: 'on call' }],
      ['approve', { outcome: 'approve', terms: { idleTtlMs: MINUTE, maxUses: 3, warnBeforeMs: [1_000] } }],
      ['deny', { outcome: 'deny', rule: 'never', reason: 'not on a Friday' }],
      ['review', REVIEW],
      ['abstain', { outcome: 'abstain' }],
    ];
    const asks: readonly Partial<AccessAsk>[] = [
      {},
      { scopes: ['a', 'b'] },
      { startsAt: at(HOUR), requestedBy: LEE, justification: 'j', ticket: 't', metadata: { a: 1 } },
    ];
    for (const [what, decide] of verdicts) {
      it(`previews the outcome of an approver that says ${what}, equal to the real ask, and stores nothing`, async () => {
        for (const over of asks) {
          const { engine, store } = aDry({ decide });
          const previewed = await dry(engine, over);
          expect(await wholeStore(store)).toEqual({ rows: [], journal: [] });
          expect(await engine.filterAllowed(MAYA, [SCOPE, 'a', 'b'])).toEqual([]);
          const real = await ask(engine, over);
          expect(previewed.dryRun).toBe(true);
          // Except that a dry run issues nothing that could allow.
          expect(withoutIds(previewed)).toEqual(withoutIds({ ...real, allowed: false }));
        }
      });
    }

    it('L15 lists the possible reviewers: all except the subject and the requester', async () => {
      const { engine } = aDry();
      expect(await dry(engine, { requestedBy: ANA })).toMatchObject({ outcome: 'pending', reviewers: [SAM], request: { rule: 'writes' } });
      expect(await dry(anEngine({ approver: reviewers({ members: [SAM] }) }).engine)).toMatchObject({ reviewers: [SAM] });
      const silent = anEngine({ approver: new ScriptedApprover({ decide: REVIEW }) });
      expect(await dry(silent.engine)).toMatchObject({ outcome: 'pending', reviewers: undefined });
    });

    it('returns a refusal with its code and reason, and the real ask is refused the same way', async () => {
      const cases: readonly (readonly [string, RegExp, ApproverScript, Partial<JitEngineOptions>, Partial<AccessAsk>])[] = [
        ['ERR_JIT_INELIGIBLE', /no rule/, { isEligible: { eligible: false, reason: 'no rule covers it' } }, {}, {}],
        ['ERR_JIT_INELIGIBLE', /not eligible/, { isEligible: false }, {}, {}],
        ['ERR_JIT_REQUIREMENTS', /maxTtl/, {}, { limits: { maxTtl: MINUTE } }, {}],
        ['ERR_JIT_REQUIREMENTS', /maxStartAhead/, {}, { limits: { maxStartAhead: MINUTE } }, { startsAt: at(HOUR) }],
        ['ERR_JIT_LIMIT', /maxGrants/, {}, { limits: { maxGrants: 1 } }, { scopes: ['a', 'b'] }],
        ['ERR_JIT_DEADLINE', /ended/, {}, {}, { startsAt: at(-HOUR) }],
      ];
      for (const [code, reason, script, options, over] of cases) {
        const { engine, store } = aDry(script, options);
        const previewed = await dry(engine, over);
        const problems: unknown = code === 'ERR_JIT_REQUIREMENTS' ? [expect.objectContaining({ rule: undefined })] : [];
        expect(previewed).toEqual({ dryRun: true, outcome: 'refused', code, reason: expect.stringMatching(reason) as string, problems });
        await engine.flushAudit();
        // The journal only records that it was asked (L29).
        expect((await entriesOf(store)).map(({ type, data }) => [type, data['code']])).toEqual([['attempt.refused', 'dry_run']]);
        const error = await refusal(ask(engine, over));
        expect([error.code, error.message]).toEqual([code, 'reason' in previewed ? previewed.reason : undefined]);
      }
    });

    it('returns a refusal at a limit that the subject has already reached', async () => {
      const { engine, store } = aDry({}, { limits: { maxOpenRequests: 1 } });
      await aPending(engine, { scope: 'a' });
      const before = await wholeStore(store);
      expect(await dry(engine)).toMatchObject({ outcome: 'refused', code: 'ERR_JIT_LIMIT' });
      expect(await wholeStore(store)).toEqual(before);
    });

    it('returns the open request, or the live grants, that the real ask would reuse', async () => {
      const { engine, store } = aDry({ decide: { ...REVIEW, quorum: { groups: [{ name: 'ops', approvals: 1 }] } } });
      const pending = await aPending(engine, { scope: 'a' });
      const grant = await aGranted(engine);
      const before = await wholeStore(store);
      expect(await dry(engine, { scope: 'a' })).toMatchObject({ dryRun: true, outcome: 'pending', reused: true, request: pending });
      expect(await dry(engine)).toMatchObject({ dryRun: true, outcome: 'granted', reused: true, grants: [grant] });
      expect(await wholeStore(store)).toEqual(before);
      const refuses = anEngine({ approver: new ScriptedApprover({ decide: REVIEW }), store, limits: { duplicates: 'refuse' } }).engine;
      expect(await dry(refuses)).toMatchObject({ outcome: 'refused', code: 'ERR_JIT_LIMIT' });
    });

    it('L11 returns the request of an idempotency key, and refuses a different ask under it', async () => {
      const { engine, store } = aDry();
      const request = await aPending(engine, { idempotencyKey: 'k' });
      await engine.cancel(request.id, { by: MAYA });
      const before = await wholeStore(store);
      expect(await dry(engine, { idempotencyKey: 'k' })).toMatchObject({
        outcome: 'cancelled',
        reused: true,
        request: { id: request.id },
      });
      expect(await dry(engine, { idempotencyKey: 'k', ttl: 1 })).toMatchObject({ outcome: 'refused', code: 'ERR_JIT_IDEMPOTENCY' });
      expect(await dry(engine, { idempotencyKey: 'other' })).toMatchObject({ outcome: 'pending', reused: false });
      expect(await wholeStore(store)).toEqual(before);
      // The key is still free.
      expect((await ask(engine, { idempotencyKey: 'other', ttl: 1 })).outcome).toBe('pending');
    });

    it('L30 rejects if the approver, the store or the clock fails, instead of returning a refusal, and names no request', async () => {
      for (const script of [
        { decide: throws(new Error('LDAP is down')) },
        { decide: malformed({ outcome: 'sure' }) },
        { decide: malformed({ outcome: 'review', quorum: { groups: [] } }) },
        { isEligible: throws(new Error('LDAP is down')) },
        { isEligible: malformed(undefined) },
      ] as const) {
        const { engine, store } = aDry(script);
        const error = await refusal(dry(engine), 'ERR_JIT_APPROVER');
        expect(error.requestId).toBeUndefined();
        expect(error.message).toContain('nothing was recorded');
        await engine.flushAudit();
        // The journal only records that it was asked (L29).
        expect((await entriesOf(store)).map(({ type, data }) => [type, data['code']])).toEqual([['attempt.refused', 'dry_run']]);
      }
      for (const method of ['context', 'get', 'live', 'find'] as const) {
        const { engine, store } = aDry();
        if (method !== 'context') Object.defineProperty(store, 'context', { value: undefined });
        store.inject(method, { fault: 'reject' });
        await refusal(dry(engine), 'ERR_JIT_STORE');
      }
      const { engine, clock } = aDry();
      await clock.set(at(HOUR));
      await engine.isAllowed(MAYA, SCOPE);
      await clock.set(at(0));
      await refusal(dry(engine), 'ERR_JIT_CLOCK');
    });

    it('L30 gives up on an approver that hangs', async () => {
      const { engine, clock } = aDry({ decide: hangs() });
      const late = refusal(dry(engine), 'ERR_JIT_APPROVER');
      await untilAsleep(clock);
      await clock.advance(10_000);
      expect((await late).requestId).toBeUndefined();
    });

    it('asks the approver the same questions as the real ask', async () => {
      const { engine, approver } = aDry();
      await dry(engine);
      const questions = approver.questions.map(({ method }) => method);
      approver.questions.length = 0;
      await ask(engine);
      expect(approver.questions.map(({ method }) => method)).toEqual(questions);
    });

    it('refuses a bad ask, and stores nothing', async () => {
      const { engine, store } = aDry();
      for (const over of [{ ttl: 0 }, { scope: '*' }, { subject: '' }, { dryRun: true }]) {
        await refusal(preview(engine, { subject: MAYA, scope: SCOPE, ttl: 1, ...over }), 'ERR_JIT_INVALID_ARGUMENT');
      }
      expect(await wholeStore(store)).toEqual({ rows: [], journal: [] });
    });

    it('is no option of requestAccess, so that no ask is previewed by mistake, and none is made', async () => {
      const { engine, store } = aDry();
      await refusal(engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: 1, dryRun: true } as never), 'ERR_JIT_INVALID_ARGUMENT');
      expect((await wholeStore(store)).rows).toEqual([]);
    });

    it('is refused after close', async () => {
      const { engine } = aDry();
      await engine.close();
      await refusal(dry(engine), 'ERR_JIT_CLOSED');
    });
  });
});
