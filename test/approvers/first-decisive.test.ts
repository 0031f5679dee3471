import { describe, expect, it } from 'vitest';
import { autoApprove, denyAll, firstDecisive, reviewers, type Approver, type Verdict } from '../../src/index.js';
import { malformed, ScriptedApprover, throws } from '../../src/testing.js';
import { ANA, anEngine, aPending, ask, MAYA, refusal, SAM, SCOPE, typesOf } from '../engine/an-engine.js';

const abstains = (name: string) => new ScriptedApprover({ decide: { outcome: 'abstain' } }, name);

describe('firstDecisive()', () => {
  it('the first member that does not abstain decides, and the request keeps its name', async () => {
    const last = new ScriptedApprover({ decide: { outcome: 'approve' } }, 'last');
    const { engine } = anEngine({
      approver: firstDecisive(
        abstains('a'),
        autoApprove((request) => request.ttlMs < 1000),
        denyAll(),
        last,
      ),
    });
    expect(await ask(engine, { ttl: 1 })).toMatchObject({ outcome: 'granted', request: { approver: 'auto-approve' } });
    expect(await ask(engine)).toMatchObject({ outcome: 'denied', request: { approver: 'deny-all' } });
    expect(last.questions).toEqual([]);
  });

  it('L20 denies if all members abstain', async () => {
    const { engine } = anEngine({ approver: firstDecisive(abstains('a'), abstains('b')) });
    expect(await ask(engine)).toMatchObject({ outcome: 'denied', request: { approver: 'first-decisive', end: { cause: 'abstained' } } });
  });

  it('L30 a member that fails is not skipped: the request stays pending', async () => {
    for (const decide of [throws(new Error('down')), malformed(undefined), malformed({}), malformed({ outcome: 'sure' })]) {
      const { engine } = anEngine({
        approver: firstDecisive(
          new ScriptedApprover({ decide }, 'a'),
          autoApprove(() => true),
        ),
      });
      await refusal(ask(engine), 'ERR_JIT_APPROVER');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    }
  });

  it('L17 asks only the member that decided about groups, members and eligibility', async () => {
    const review: Verdict = { outcome: 'review', quorum: { groups: [{ name: 'g', approvals: 1 }] } };
    const others = { groupsOf: ['g'], membersOf: ['user:x'], isEligible: true } as const;
    const first = new ScriptedApprover({ decide: { outcome: 'abstain' }, ...others }, 'first');
    const second = new ScriptedApprover(
      { decide: review, groupsOf: (who) => (who === SAM ? ['g'] : []), membersOf: [SAM], isEligible: (_, when) => when === 'creation' },
      'second',
    );
    const { engine } = anEngine({ approver: firstDecisive(first, second) });
    const result = await ask(engine);
    expect(result).toMatchObject({ outcome: 'pending', reviewers: [SAM], request: { approver: 'second' } });
    await refusal(engine.approve(result.request.id, { by: ANA }), 'ERR_JIT_NOT_REVIEWER');
    expect(await engine.approve(result.request.id, { by: SAM })).toMatchObject({
      outcome: 'denied',
      request: { end: { cause: 'ineligible' } },
    });
    expect([first.asked('groupsOf'), first.asked('membersOf')]).toEqual([0, 0]);
    expect(first.questions.filter((one) => one.method === 'isEligible').map((one) => one.when)).toEqual(['creation']);
  });

  it('L17 an approver that has left the chain confirms no eligibility and lets no reviewer review', async () => {
    const made = anEngine({ approver: firstDecisive(reviewers({ members: [SAM] })) });
    const request = await aPending(made.engine);
    const { engine } = anEngine({
      store: made.store,
      clock: made.clock,
      approver: firstDecisive(reviewers({ members: [SAM], name: 'others' })),
    });
    await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_NOT_REVIEWER');
    expect((await engine.inbox(SAM)).items).toEqual([]);
    expect(await firstDecisive(denyAll()).isEligible?.(request, 'approval')).toBe(false);
  });

  it('can be nested: the innermost member that decided is asked afterwards', async () => {
    const chain = firstDecisive(abstains('a'), firstDecisive(abstains('b'), reviewers({ members: [SAM] })));
    const { engine } = anEngine({ approver: chain });
    const result = await ask(engine);
    expect(result).toMatchObject({ outcome: 'pending', reviewers: [SAM], request: { approver: 'reviewers' } });
    expect((await engine.inbox(SAM)).items).toHaveLength(1);
    expect((await engine.approve(result.request.id, { by: SAM })).outcome).toBe('granted');
  });

  for (const [what, members, outcome] of [
    ['one yes suffices', [false, true], 'granted'],
    ['one yes suffices, even if another member fails', [throws(new Error('LDAP')), true], 'granted'],
    ['a member without isEligible suffices', [false, undefined], 'granted'],
    ['all no is no', [false, false], 'ERR_JIT_INELIGIBLE'],
    ['no yes and a failure is a failure', [false, throws(new Error('LDAP'))], 'ERR_JIT_APPROVER'],
    ['an invalid answer is a failure, not a yes', [malformed(undefined)], 'ERR_JIT_APPROVER'],
    ['null is a failure, not a yes', [malformed(null)], 'ERR_JIT_APPROVER'],
    ['text is a failure, not a yes', [malformed('yes')], 'ERR_JIT_APPROVER'],
  ] as const) {
    it(`L30 at creation ${what}`, async () => {
      const list: Approver[] = members.map(
        (isEligible, i) =>
          new ScriptedApprover({ decide: { outcome: 'approve' }, ...(isEligible === undefined ? {} : { isEligible }) }, `m${i}`),
      );
      const { engine, store } = anEngine({ approver: firstDecisive(...list) });
      if (outcome === 'granted') expect((await ask(engine)).outcome).toBe('granted');
      else {
        expect((await refusal(ask(engine))).code).toBe(outcome);
        await engine.flushAudit();
        expect(await typesOf(store)).not.toContain('request.created');
      }
    });
  }

  for (const [what, answer] of [
    ['undefined', undefined],
    ['null', null],
    ['1', 1],
  ] as const) {
    it(`L30 at approval ${what} is a failure, not a yes`, async () => {
      const member = new ScriptedApprover(
        {
          decide: { outcome: 'review', quorum: { groups: [{ name: 'g', approvals: 1 }] } },
          groupsOf: ['g'],
          isEligible: (_, when) => (when === 'creation' ? true : (answer as unknown as boolean)),
        },
        'm',
      );
      const { engine } = anEngine({ approver: firstDecisive(member) });
      const request = await aPending(engine);
      await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_APPROVER');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });
  }

  it('refuses an empty chain, a duplicate name, and a value that is not an approver', async () => {
    for (const members of [
      [],
      [denyAll(), denyAll()],
      [undefined],
      [null],
      [7],
      [{}],
      [{ name: 'x' }],
      [{ name: '', decide: () => 1 }],
      [denyAll(), { name: 'x', decide: 1 }],
    ]) {
      const error = await refusal(() => firstDecisive(...(members as unknown as Approver[])), 'ERR_JIT_INVALID_ARGUMENT');
      expect(error.argument).toMatch(/^members/);
    }
  });
});
