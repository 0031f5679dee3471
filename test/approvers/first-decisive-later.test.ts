import { describe, expect, it } from 'vitest';
import { firstDecisive, reviewers, type Approver, type BreakGlassVerdict, type Verdict } from '../../src/index.js';
import { aRequest, hangs, malformed, ScriptedApprover, throws, type ApproverScript } from '../../src/testing.js';
import { anEngine, aPending, ask, at, HOUR, LEE, MAYA, MINUTE, refusal, SAM, SCOPE } from '../engine/an-engine.js';

const REVIEW: Verdict = { outcome: 'review', quorum: { groups: [{ name: 'g', approvals: 1 }] } };
const ABSTAIN: Verdict = { outcome: 'abstain' };

const says = (name: string, script: ApproverScript) => new ScriptedApprover(script, name);

/** A member that abstains, then reviewers, then a member that always denies. */
function aChain(people: ApproverScript = {}) {
  const rules = says('rules', { decide: ABSTAIN });
  const ops = says('ops', { decide: REVIEW, groupsOf: ['g'], isEligible: true, ...people });
  const last = says('last', { decide: { outcome: 'deny', reason: 'never' } });
  return { rules, ops, last, approver: firstDecisive(rules, ops, last) };
}

describe('firstDecisive()', () => {
  describe('when an approval would complete', () => {
    it('L17 an earlier member that would deny the request now makes it ineligible', async () => {
      const { rules, approver } = aChain();
      const { engine } = anEngine({ approver });
      const request = await aPending(engine);
      rules.script.decide = { outcome: 'deny', reason: 'frozen' };
      for (const when of ['approval', 'start'] as const) {
        expect(await approver.isEligible?.(request, when)).toEqual({ eligible: false, reason: 'frozen' });
      }
      expect(await engine.approve(request.id, { by: SAM })).toMatchObject({ outcome: 'denied', request: { end: { cause: 'ineligible' } } });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('L17 any other verdict of an earlier member does not change the decision', async () => {
      for (const decide of [ABSTAIN, REVIEW, { outcome: 'approve' }] as const) {
        const { rules, approver } = aChain();
        const { engine } = anEngine({ approver });
        const { id } = await aPending(engine);
        rules.script.decide = decide;
        expect((await engine.approve(id, { by: SAM })).outcome).toBe('granted');
      }
    });

    it('L18 the member that decided, and those after it, are not asked to decide again', async () => {
      const { ops, last, approver } = aChain();
      const { engine } = anEngine({ approver });
      const { id } = await aPending(engine);
      ops.script.decide = { outcome: 'deny', reason: 'changed my mind' };
      expect((await engine.approve(id, { by: SAM })).outcome).toBe('granted');
      expect([ops.asked('decide'), last.asked('decide')]).toEqual([1, 0]);
    });

    it('L17 a no of the member that decided counts also if no earlier member denies', async () => {
      const { approver } = aChain({ isEligible: (_, when) => when === 'creation' });
      const { engine } = anEngine({ approver });
      const { id } = await aPending(engine);
      expect((await engine.approve(id, { by: SAM })).outcome).toBe('denied');
    });

    it('L30 an earlier member that fails, or returns nothing, leaves the request pending', async () => {
      for (const decide of [
        throws(new Error('LDAP is down')),
        () => Promise.reject(new Error('LDAP is down')),
        ...[undefined, null, true, 'abstain', {}, { outcome: 'sure' }, { outcome: 'DENY', reason: 'no' }, []].map(malformed),
      ]) {
        const { rules, approver } = aChain();
        const { engine } = anEngine({ approver });
        const { id } = await aPending(engine);
        rules.script.decide = decide;
        await refusal(engine.approve(id, { by: SAM }), 'ERR_JIT_APPROVER');
        expect(await engine.getRequest(id)).toMatchObject({ request: { end: undefined, reviews: [] } });
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      }
    });

    it('L17 applies in a nested chain, at either depth', async () => {
      for (const denier of ['outer', 'inner'] as const) {
        const [outer, inner] = [says('outer', { decide: ABSTAIN }), says('inner', { decide: ABSTAIN })];
        const { engine } = anEngine({ approver: firstDecisive(outer, firstDecisive(inner, reviewers({ members: [SAM] }))) });
        const { id } = await aPending(engine);
        (denier === 'outer' ? outer : inner).script.decide = { outcome: 'deny', reason: 'frozen' };
        expect((await engine.approve(id, { by: SAM })).outcome).toBe('denied');
      }
    });
  });

  describe('at a scheduled start', () => {
    for (const [what, decide, allowed, cause] of [
      ['would deny it now', { outcome: 'deny', reason: 'frozen' }, false, 'ineligible'],
      ['abstains', ABSTAIN, true, undefined],
      ['fails', throws(new Error('down')), false, undefined],
      ['returns an invalid verdict', malformed({ outcome: 'sure' }), false, undefined],
    ] as const) {
      it(`L17 L30 if an earlier member ${what}, the grant ${allowed ? 'starts' : 'does not start'}`, async () => {
        const { rules, approver } = aChain();
        const { engine, clock } = anEngine({ approver });
        const { id } = await aPending(engine, { startsAt: at(HOUR) });
        await engine.approve(id, { by: SAM });
        rules.script.decide = decide;
        await clock.set(at(HOUR));
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(allowed);
        await engine.sweep();
        expect((await engine.getRequest(id))?.grants[0]?.end?.cause).toBe(cause);
      });
    }
  });

  describe('answers', () => {
    for (const answer of [undefined, null, 'g', { 0: 'g' }, [7]]) {
      it(`L16 L30 ${JSON.stringify(answer)} about the groups of a reviewer is a failure, as without a chain`, async () => {
        for (const groupsOf of [malformed(answer), () => Promise.resolve(answer as never)]) {
          const { ops, approver } = aChain();
          const { engine } = anEngine({ approver });
          const { id } = await aPending(engine);
          ops.script.groupsOf = groupsOf;
          for (const verb of ['approve', 'deny'] as const) await refusal(engine[verb](id, { by: SAM }), 'ERR_JIT_APPROVER');
        }
      });
    }

    it('L30 a hanging question about groups fails after its time limit, as without a chain', async () => {
      const { ops, approver } = aChain();
      const { engine, clock } = anEngine({ approver });
      const { id } = await aPending(engine);
      ops.script.groupsOf = hangs();
      const approving = refusal(engine.approve(id, { by: SAM }), 'ERR_JIT_APPROVER');
      for (let i = 0; i < 20; i++) await Promise.resolve();
      await clock.advance(HOUR / 2);
      await approving;
    });

    it('L30 undefined and null about who may review break-glass are failures, not an answer', async () => {
      const breakGlass: BreakGlassVerdict = { outcome: 'approve', reviewWithinMs: MINUTE };
      for (const answer of [undefined, null, 'yes', 1]) {
        const { engine } = anEngine({ approver: firstDecisive(says('a', { breakGlass, mayReviewBreakGlass: malformed(answer) })) });
        const { request } = await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: MINUTE, justification: 'down' });
        await refusal(engine.reviewBreakGlass(request.id, { by: LEE, verdict: 'justified' }), 'ERR_JIT_APPROVER');
      }
    });
  });

  describe('the name on the request', () => {
    /** A composite approver that names the approver for which it answers. */
    const composite = (name: string, inner: string, claims: string): Approver => ({
      name,
      answersFor: (one) => one === inner,
      decide: () => ({ ...REVIEW, approver: claims }),
      breakGlass: () => ({ outcome: 'approve', reviewWithinMs: MINUTE, approver: claims }),
      groupsOf: (_, { approver }) => (approver === claims ? ['g'] : []),
      mayReviewBreakGlass: (_, { approver }) => approver === claims,
    });

    it('is the name for which a composite member answers, so that it recognises its requests', async () => {
      const { engine } = anEngine({ approver: firstDecisive(says('a', { decide: ABSTAIN }), composite('both', 'inner', 'inner')) });
      const request = await aPending(engine);
      expect(request.approver).toBe('inner');
      expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('granted');
      const broken = await engine.breakGlass({ subject: MAYA, scope: 'b', ttl: MINUTE, justification: 'down' });
      expect(broken.request.approver).toBe('inner');
      await engine.reviewBreakGlass(broken.request.id, { by: LEE, verdict: 'justified' });
    });

    it('L17 is never the name of another member, nor an unknown name', async () => {
      for (const claims of ['b', 'nobody']) {
        const chain = firstDecisive(composite('a', 'inner', claims), says('b', { groupsOf: ['g'] }));
        const { engine } = anEngine({ approver: chain });
        const { request } = await ask(engine);
        expect(request.approver).toBe('a');
        await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_NOT_REVIEWER');
      }
    });

    it.each([undefined, null, 1, 'yes', Promise.resolve(true)])('L30 %s as the result of answersFor is a failure', (answer) => {
      const chain = firstDecisive({ ...composite('a', 'inner', 'inner'), answersFor: () => answer as unknown as boolean });
      expect(() => chain.groupsOf?.(SAM, aRequest({ approver: 'inner' }))).toThrow(TypeError);
    });
  });

  it.each([
    ['no member has decided yet', undefined],
    ['the member that decided has left the chain', 'gone'],
    ['the member that decided lacks the method', 'a'],
  ])('L16 L17 gives no reviewer a right if %s', (_, approver) => {
    const chain = firstDecisive(
      { name: 'a', decide: () => REVIEW },
      { name: 'b', decide: () => REVIEW, groupsOf: () => ['g'], mayReviewBreakGlass: () => true },
    );
    const request = aRequest({ approver });
    expect(chain.groupsOf?.(SAM, request)).toEqual([]);
    expect(chain.membersOf?.(request)).toBeUndefined();
    expect(chain.mayReviewBreakGlass?.(SAM, request)).toBe(false);
  });

  it('L16 gives no reviewer a right before a member has decided, even if a member answers for every name', () => {
    const all: Approver = {
      name: 'a',
      decide: () => REVIEW,
      answersFor: () => true,
      groupsOf: () => ['g'],
      mayReviewBreakGlass: () => true,
    };
    expect(firstDecisive(all).groupsOf?.(SAM, aRequest())).toEqual([]);
    expect(firstDecisive(all).mayReviewBreakGlass?.(SAM, aRequest())).toBe(false);
  });
});
