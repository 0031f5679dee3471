import { describe, expect, it } from 'vitest';
import { autoApprove, denyAll, firstDecisive, reviewers, type Approver, type BreakGlassVerdict } from '../../src/index.js';
import { aRequest, malformed, ScriptedApprover, throws, type ApproverScript } from '../../src/testing.js';
import { ANA, anEngine, ask, LEE, MAYA, MINUTE, refusal, SAM, SCOPE } from '../engine/an-engine.js';
import { wholeStore } from '../engine/whole-store.js';

const ALLOWS: BreakGlassVerdict = { outcome: 'approve', reviewWithinMs: MINUTE };

const says = (name: string, script: ApproverScript) => new ScriptedApprover(script, name);

const take = (approver: Approver) => {
  const made = anEngine({ approver });
  const work = made.engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: MINUTE, justification: 'down' });
  return { ...made, work };
};

describe('firstDecisive()', () => {
  describe('breakGlass()', () => {
    it('the first member that does not abstain decides, and the request keeps its name', async () => {
      const last = says('last', { breakGlass: ALLOWS });
      const staging = autoApprove(() => false);
      const chain = firstDecisive(
        says('a', { breakGlass: { outcome: 'abstain' } }),
        staging,
        says('b', { breakGlass: ALLOWS }),
        last,
        denyAll(),
      );
      const { request } = await take(chain).work;
      expect(request).toMatchObject({ approver: 'b', end: { cause: 'break_glass' } });
    });

    it('a member that denies decides, regardless of the members after it', async () => {
      const last = says('last', { breakGlass: ALLOWS });
      const { work, store } = take(firstDecisive(says('a', { breakGlass: { outcome: 'deny', reason: 'never for this' } }), last));
      expect((await refusal(work, 'ERR_JIT_INELIGIBLE')).reason).toBe('never for this');
      expect(await wholeStore(store)).toEqual({ rows: [], journal: [] });
    });

    it('L20 is refused if all members abstain, or if no member has breakGlass', async () => {
      for (const chain of [
        firstDecisive(says('a', { breakGlass: { outcome: 'abstain' } }), says('b', { breakGlass: { outcome: 'abstain' } })),
        firstDecisive(reviewers({ members: [SAM] }), denyAll()),
      ]) {
        await refusal(take(chain).work, 'ERR_JIT_INELIGIBLE');
      }
    });

    it('L30 a member that fails, or returns nothing, is not skipped', async () => {
      for (const breakGlass of [
        throws(new Error('LDAP is down')),
        () => Promise.reject(new Error('LDAP is down')),
        ...[undefined, null, true, 'abstain', 'approve', {}, { outcome: 'sure' }, { outcome: 'approve' }, []].map(malformed),
      ]) {
        const { work, store, engine } = take(firstDecisive(says('a', { breakGlass }), says('b', { breakGlass: ALLOWS })));
        await refusal(work, 'ERR_JIT_APPROVER');
        expect(await wholeStore(store)).toEqual({ rows: [], journal: [] });
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      }
    });

    it('a member cannot decide in the name of another', async () => {
      const chain = firstDecisive(says('a', { breakGlass: { ...ALLOWS, approver: 'b' } }), says('b', {}));
      expect((await take(chain).work).request.approver).toBe('a');
    });
  });

  describe('mayReviewBreakGlass()', () => {
    it('L17 only the member that allowed the access says who may review it', async () => {
      const first = says('first', { breakGlass: { outcome: 'abstain' }, mayReviewBreakGlass: true });
      const second = says('second', { breakGlass: ALLOWS, mayReviewBreakGlass: (who) => who === LEE });
      const { work, engine } = take(firstDecisive(first, second));
      const { request } = await work;
      await refusal(engine.reviewBreakGlass(request.id, { by: ANA, verdict: 'justified' }), 'ERR_JIT_NOT_REVIEWER');
      expect((await engine.inbox(ANA, { of: 'breakGlass' })).items).toEqual([]);
      expect((await engine.inbox(LEE, { of: 'breakGlass' })).items).toHaveLength(1);
      await engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' });
      expect(first.asked('mayReviewBreakGlass')).toBe(0);
    });

    it('L17 no reviewer may, if that member has no mayReviewBreakGlass or has left the chain', async () => {
      const without = take(firstDecisive(says('a', { breakGlass: ALLOWS }), says('b', { mayReviewBreakGlass: true })));
      const { request } = await without.work;
      await refusal(without.engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' }), 'ERR_JIT_NOT_REVIEWER');
      const { store, clock } = without;
      const later = anEngine({ approver: firstDecisive(says('b', { mayReviewBreakGlass: true })), store, clock }).engine;
      await refusal(later.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' }), 'ERR_JIT_NOT_REVIEWER');
      expect((await later.listRequests({ afterReview: 'pending' })).items).toHaveLength(1);
    });

    it('L30 an invalid answer gives no reviewer the right', async () => {
      for (const mayReviewBreakGlass of [throws(new Error('down')), ...['yes', 1, {}, null, undefined].map(malformed)]) {
        const made = take(firstDecisive(says('a', { breakGlass: ALLOWS, mayReviewBreakGlass: mayReviewBreakGlass })));
        const { request } = await made.work;
        const error = await refusal(made.engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' }));
        expect(['ERR_JIT_APPROVER', 'ERR_JIT_NOT_REVIEWER']).toContain(error.code);
        expect((await made.engine.listRequests({ afterReview: 'pending' })).items).toHaveLength(1);
      }
    });
  });

  describe('isEligible()', () => {
    it('L20 returns the reason of a member if all members say no', async () => {
      for (const [answers, reason] of [
        [[{ eligible: false, reason: 'no rule' } as const, false], 'no rule'],
        [[false, { eligible: false, reason: 'left the company' } as const], 'left the company'],
        [[false, false], undefined],
      ] as const) {
        const chain = firstDecisive(...answers.map((isEligible, i) => says(`m${i}`, { decide: { outcome: 'approve' }, isEligible })));
        expect((await refusal(ask(anEngine({ approver: chain }).engine), 'ERR_JIT_INELIGIBLE')).reason).toBe(reason);
      }
    });

    it('L30 an object that is not a valid no is a failure, not a yes', async () => {
      for (const answer of [
        {},
        { eligible: true },
        { eligible: 0, reason: 'x' },
        { eligible: false },
        { eligible: false, reason: 7 },
        [],
      ]) {
        const chain = firstDecisive(says('a', { decide: { outcome: 'approve' }, isEligible: malformed(answer) }));
        const { engine, store } = anEngine({ approver: chain });
        const error = await refusal(ask(engine));
        expect(['ERR_JIT_APPROVER', 'ERR_JIT_INELIGIBLE']).toContain(error.code);
        expect(await wholeStore(store)).toEqual({ rows: [], journal: [] });
      }
    });

    it.each([undefined, null, 1, 'yes', [], {}, { eligible: true }, { eligible: 0 }])(
      'L30 %j from one member is a failure, even if another member says no',
      async (answer) => {
        const no = says('b', { isEligible: { eligible: false, reason: 'no rule' } });
        const chain = firstDecisive(says('a', { isEligible: malformed(answer) }), no);
        await expect(chain.isEligible?.(aRequest(), 'creation')).rejects.toThrow(TypeError);
      },
    );
  });
});
