import { describe, expect, it } from 'vitest';
import { autoApprove, firstDecisive, patternScopes, reviewers, type Approver, type TermsInput } from '../../src/index.js';
import { definePolicy, type PolicyRule } from '../../src/policy.js';
import { ManualClock } from '../../src/testing.js';
import { anEngine, ask, HOUR, MAYA, MINUTE, refusal, SAM } from '../engine/an-engine.js';

/** The midnight at which the freeze begins. */
const FREEZE = Date.UTC(2026, 11, 19);
const SCOPE = 'db:p';
const freeze: PolicyRule = {
  id: 'year-end',
  scopes: ['db:**'],
  deny: 'frozen',
  when: { firstDay: '2026-12-19', lastDay: '2027-01-03', timeZone: 'UTC' },
};
const freezes = definePolicy({ name: 'freezes', rules: [freeze] });
const emergencies = definePolicy({
  name: 'emergencies',
  groups: { leads: [SAM] },
  rules: [],
  breakGlass: [{ id: 'now', scopes: ['db:*'], reviewers: ['leads'], reviewWithin: '4h', maxTtl: '12h' }],
});

/** Ten minutes before the freeze. */
const eve = (...members: readonly Approver[]) =>
  anEngine({ approver: firstDecisive(...members), clock: new ManualClock(FREEZE - 10 * MINUTE), scopes: patternScopes });
const giving = (terms?: unknown): Approver => ({ name: 'gives', decide: () => ({ outcome: 'approve', terms: terms as TermsInput }) });
const abstaining = (endBy: unknown, more: Partial<Approver> = {}): Approver => ({
  ...{ name: 'abstains', decide: () => ({ outcome: 'abstain', endBy: endBy as number }) },
  ...more,
});

describe('firstDecisive() with an earlier member that will deny (A6)', () => {
  it.each<[string, Approver]>([
    ['autoApprove', autoApprove(() => true)],
    ['reviewers', reviewers({ members: [SAM] })],
    ['a policy', definePolicy({ name: 'other', rules: [{ id: 'all', scopes: ['db:*'], approve: true }] })],
  ])('L3 gives no access that lasts into the freeze of that member, and cuts none: %s', async (_, decider) => {
    const { engine } = eve(freezes, decider);
    const refused = await ask(engine, { scope: SCOPE, ttl: 11 * MINUTE });
    expect(refused.request.end).toMatchObject({ status: 'denied', cause: 'limit', reason: 'it ends after the endBy of its rule' });
    const { request } = await ask(engine, { scope: SCOPE, ttl: 10 * MINUTE });
    if (request.end === undefined) await engine.approve(request.id, { by: SAM });
    expect((await engine.getRequest(request.id))?.grants).toMatchObject([{ expiresAt: FREEZE }]);
  });

  it('L4 a late decision gives the time up to the freeze', async () => {
    const { engine, clock } = eve(freezes, reviewers({ members: [SAM] }));
    const { request } = await ask(engine, { scope: SCOPE, ttl: 10 * MINUTE });
    await clock.advance(6 * MINUTE);
    const { grants } = (await engine.approve(request.id, { by: SAM })) as { grants?: readonly unknown[] };
    expect(grants).toMatchObject([{ expiresAt: FREEZE }]);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    await clock.set(FREEZE);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('refuses break-glass that would last into the freeze', async () => {
    const { engine } = eve(freezes, emergencies);
    const take = (ttl: number) => engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl, justification: 'it burns' });
    const { problems } = await refusal(take(11 * MINUTE), 'ERR_JIT_REQUIREMENTS');
    expect(problems).toMatchObject([{ code: 'outside_hours', limit: FREEZE, got: FREEZE + MINUTE }]);
    expect((await take(10 * MINUTE)).grants).toMatchObject([{ expiresAt: FREEZE }]);
  });

  it('does not bound access to other scopes, or by a freeze of a later member', async () => {
    const { engine } = eve(giving(), freezes);
    expect((await ask(engine, { scope: SCOPE, ttl: HOUR })).outcome).toBe('granted');
    const before = eve(freezes, giving());
    expect((await ask(before.engine, { scope: 'wiki:p', ttl: HOUR })).outcome).toBe('granted');
  });

  it.each<[string, readonly Approver[], number]>([
    ['the earliest of two ends', [abstaining(FREEZE + 2), abstaining(FREEZE + 1, { name: 'too' }), giving()], FREEZE + 1],
    ['the end of the decider, where it is earlier', [abstaining(FREEZE + 2), giving({ endBy: FREEZE + 1 })], FREEZE + 1],
    ['the end of the member, where it is earlier', [abstaining(FREEZE + 1), giving({ endBy: FREEZE + 2, maxUses: 3 })], FREEZE + 1],
    ['the end of the members of a chain in another approver', [{ ...firstDecisive(abstaining(FREEZE)), name: 'wraps' }, giving()], FREEZE],
  ])('keeps %s', async (_, members, endBy) => {
    const { engine } = eve(...members);
    const { request } = await ask(engine, { scope: SCOPE, ttl: MINUTE });
    expect(request.terms?.endBy).toBe(endBy);
  });

  it('counts for break-glass also the end of a member without breakGlass', async () => {
    const { engine } = eve(abstaining(FREEZE), emergencies);
    const take = engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: HOUR, justification: 'it burns' });
    expect((await refusal(take, 'ERR_JIT_REQUIREMENTS')).problems).toMatchObject([{ limit: FREEZE }]);
  });

  it.each(['soon', NaN, -1, 1.5, 7n, {}])('L30 gives nothing where the end is %s', async (endBy) => {
    const { engine } = eve(abstaining(endBy), giving());
    await refusal(ask(engine, { scope: SCOPE, ttl: MINUTE }), 'ERR_JIT_APPROVER');
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    const alone = anEngine({ approver: abstaining(endBy) });
    await refusal(ask(alone.engine, { scope: SCOPE, ttl: MINUTE }), 'ERR_JIT_APPROVER');
  });

  it.each([7, null, [], { endBy: 'soon' }, { other: 1 }])('L30 gives nothing for the malformed terms %j', async (terms) => {
    const { engine } = eve(abstaining(FREEZE), giving(terms));
    await refusal(ask(engine, { scope: SCOPE, ttl: MINUTE }), 'ERR_JIT_APPROVER');
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('L30 takes no end from a verdict other than an abstention: that one has terms', async () => {
    const verdict = { outcome: 'approve', endBy: FREEZE } as never;
    const { engine } = anEngine({ approver: { name: 'a', decide: () => verdict, breakGlass: () => verdict } });
    await refusal(ask(engine), 'ERR_JIT_APPROVER');
    await refusal(engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: MINUTE, justification: 'x' }), 'ERR_JIT_APPROVER');
  });
});
