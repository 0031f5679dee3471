import { describe, expect, it } from 'vitest';
import {
  definePolicy,
  simulate,
  type ApproveRule,
  type DenyRule,
  type PolicyDefinition,
  type PolicyRule,
  type ReviewRule,
} from 'jit-access/policy';
import { readJournal } from 'jit-access/journal';
import { firstDecisive, JitEngine, MemoryGrantStore, patternScopes, reviewers } from 'jit-access';
import { ManualClock } from 'jit-access/testing';
import { asking, groups, HOUR, MINUTE, policyOf, withBreakGlass } from './ask.js';
import { refusal } from '../../engine/an-engine.js';

const utc = (text: string): number => Date.parse(`${text}Z`);
// Friday.
const AT_NINE = utc('2026-11-27T09:00');
const hours = { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '18:00', timeZone: 'UTC' } as const;
const freeze: DenyRule = {
  id: 'year-end',
  scopes: ['db:**'],
  when: { firstDay: '2026-12-20', lastDay: '2027-01-03', timeZone: 'UTC' },
  deny: 'year-end freeze',
};
const byDay: ApproveRule = { id: 'by-day', scopes: ['db:*'], when: hours, maxTtl: '10h', approve: true };
const byNight: ReviewRule = { id: 'by-night', scopes: ['db:*'], review: { groups: { dba: 1 } } };

/** The findings of lint about rules. The groups of these tests are for other rules. */
const lint = (...rules: readonly PolicyRule[]) =>
  policyOf(...rules)
    .lint()
    .filter(({ code }) => code !== 'unused_group');

const at = (instant: number, over: object = {}) =>
  asking('db:read', { createdAt: instant, reviewBy: instant + HOUR, ttlMs: HOUR, ...over });

describe('a rule with a calendar (feature 6)', () => {
  it('decides while it holds; at other times the next rule does', async () => {
    const policy = policyOf(byDay, byNight);
    for (const [instant, outcome] of [
      [AT_NINE - 1, 'review'],
      [AT_NINE, 'approve'],
      [utc('2026-11-27T17:00'), 'approve'],
      [utc('2026-11-27T18:00'), 'review'],
      [utc('2026-11-28T12:00'), 'review'],
    ] as const) {
      expect([instant, (await policy.decide(at(instant))).outcome]).toEqual([instant, outcome]);
    }
  });

  it('gives access until it no longer holds, or until a deny rule begins to hold', async () => {
    const verdict = await policyOf(byDay).decide(at(AT_NINE));
    expect(verdict).toMatchObject({ outcome: 'approve', terms: { endBy: utc('2026-11-27T18:00') } });
    const always: ApproveRule = { id: 'always', scopes: ['db:*'], approve: true };
    expect(await policyOf(freeze, always).decide(at(AT_NINE))).toMatchObject({ terms: { endBy: utc('2026-12-20T00:00') } });
    expect(await policyOf(freeze, byDay).decide(at(AT_NINE))).toMatchObject({ terms: { endBy: utc('2026-11-27T18:00') } });
    const forOthers: DenyRule = { ...freeze, subjects: ['user:kim'] };
    expect((await policyOf(forOthers, always).decide(at(AT_NINE))) as object).toMatchObject({ terms: { endBy: undefined } });
    expect(await policyOf({ ...freeze, scopes: ['billing:*'] }, always).decide(at(AT_NINE))).toMatchObject({ terms: { endBy: undefined } });
  });

  it('gives the shortest time where several rules apply', async () => {
    const early: ApproveRule = { id: 'early', scopes: ['db:write'], when: { to: '12:00', timeZone: 'UTC' }, approve: true };
    const verdict = await policyOf(early, byDay).decide(asking(['db:read', 'db:write'], { createdAt: AT_NINE, ttlMs: HOUR }));
    expect(verdict).toMatchObject({ rule: 'early, by-day', terms: { endBy: utc('2026-11-27T12:00') } });
  });

  it('L3 refuses a window that passes its end, names the end, and cuts nothing', async () => {
    const policy = policyOf(byDay);
    const late = utc('2026-11-27T17:00');
    expect(await policy.isEligible?.(at(late), 'creation')).toBe(true);
    expect(await policy.isEligible?.(at(late + 1), 'creation')).toEqual({
      eligible: false,
      reason: 'the access must end by 2026-11-27T18:00:00.000Z (rule by-day: when)',
      problems: [{ rule: 'by-day', field: 'ttl', code: 'outside_hours', limit: utc('2026-11-27T18:00'), got: utc('2026-11-27T18:00') + 1 }],
    });
  });

  it('L3 refuses a requested end that is later, whenever the window starts, and names until', async () => {
    const policy = policyOf(byDay);
    const end = utc('2026-11-27T18:00');
    const ask = (until: number, over: object = {}) =>
      policy.isEligible?.(at(AT_NINE, { ttlMs: until - AT_NINE, until, ...over }), 'creation');
    expect(await ask(end)).toBe(true);
    const problem = { rule: 'by-day', field: 'until', code: 'outside_hours', limit: end, got: end + 1 };
    expect(await ask(end + 1)).toMatchObject({ problems: [problem] });
    expect(await ask(end + 1, { startsAt: end - 1, ttlMs: 2 })).toMatchObject({ problems: [problem] });
  });

  it('names the rule and the next start where it holds only at other times', async () => {
    const eligible = await policyOf(byDay).isEligible?.(at(utc('2026-11-28T12:00')), 'creation');
    expect(eligible).toEqual({
      eligible: false,
      reason: 'the access must start within mon-fri 09:00-18:00 (UTC); it next holds at 2026-11-30T09:00:00.000Z (rule by-day: when)',
      problems: [
        { rule: 'by-day', field: 'startsAt', code: 'outside_hours', limit: utc('2026-11-30T09:00'), got: utc('2026-11-28T12:00') },
      ],
    });
    const ended: ApproveRule = { ...byDay, when: { lastDay: '2026-10-31', timeZone: 'UTC' } };
    expect(await policyOf(ended).isEligible?.(at(AT_NINE), 'creation')).toMatchObject({
      reason: expect.stringContaining('it holds no more') as string,
      problems: [{ field: 'startsAt', code: 'outside_hours', limit: undefined }],
    });
    expect(await policyOf({ ...byDay, subjects: ['user:kim'] }).isEligible?.(at(utc('2026-11-28T12:00')), 'creation')).toMatchObject({
      reason: 'no rule covers db:read for user:maya',
    });
  });

  it('is judged at a scheduled start, and at the start of an extension', async () => {
    const policy = policyOf(byDay);
    const startsAt = utc('2026-11-30T10:00');
    expect(await policy.decide(at(utc('2026-11-28T12:00'), { startsAt }))).toMatchObject({
      outcome: 'approve',
      terms: { endBy: utc('2026-11-30T18:00') },
    });
    const extension = {
      grantId: 'r0.1',
      from: utc('2026-11-27T17:30'),
      firstStartsAt: AT_NINE,
      until: utc('2026-11-29T09:00'),
      breakGlass: false,
    };
    expect(await policy.isEligible?.(at(AT_NINE, { extension }), 'creation')).toMatchObject({
      problems: [{ code: 'outside_hours', limit: utc('2026-11-27T18:00'), got: utc('2026-11-27T18:30') }],
    });
  });

  it('abstains at other times, so that a chain asks the next approver', async () => {
    expect(await policyOf(byDay).decide(at(utc('2026-11-28T12:00')))).toEqual({ outcome: 'abstain' });
  });
});

describe('a deny rule with a calendar (feature 6)', () => {
  const always: ApproveRule = { id: 'always', scopes: ['db:*'], approve: true };
  const during = utc('2026-12-24T12:00');

  it('denies while it holds, and names its end as the next start', async () => {
    const policy = policyOf(freeze, always);
    expect(await policy.decide(at(during))).toEqual({ outcome: 'deny', rule: 'year-end', reason: 'year-end freeze' });
    expect(await policy.isEligible?.(at(during), 'creation')).toEqual({
      eligible: false,
      reason: 'year-end freeze (rule year-end)',
      problems: [{ rule: 'year-end', field: 'startsAt', code: 'outside_hours', limit: utc('2027-01-04T00:00'), got: during }],
    });
    expect((await policy.decide(at(utc('2027-01-04T00:00')))).outcome).toBe('approve');
  });

  it('names a deny rule without a calendar first: no other start would help', async () => {
    const never: DenyRule = { id: 'never', scopes: ['db:read'], deny: 'closed for good' };
    expect(await policyOf(freeze, never, always).decide(at(during))).toMatchObject({ rule: 'never' });
    expect(await policyOf(freeze, never, always).isEligible?.(at(during), 'creation')).toBe(true);
  });

  it('names no next start where it does not end', async () => {
    const open: DenyRule = { ...freeze, when: { firstDay: '2026-12-20', timeZone: 'UTC' } };
    expect(await policyOf(open, always).decide(at(during))).toMatchObject({ outcome: 'deny' });
    expect(await policyOf(open, always).isEligible?.(at(during), 'creation')).toBe(true);
  });

  it('denies break-glass access while it holds, and bounds it before', async () => {
    const rule = { id: 'outage', scopes: ['db:*'], maxTtl: '4h', reviewers: ['security'], reviewWithin: '1d' } as const;
    const policy = withBreakGlass([rule], freeze);
    expect(await policy.breakGlass?.(at(during, { justification: 'down' }))).toMatchObject({
      outcome: 'deny',
      rule: 'year-end',
      problems: [{ code: 'outside_hours' }],
    });
    const before = utc('2026-12-19T23:00');
    expect(await policy.breakGlass?.(at(before, { justification: 'down' }))).toMatchObject({
      outcome: 'approve',
      terms: { endBy: utc('2026-12-20T00:00') },
    });
    expect(await policy.breakGlass?.(at(before + 1, { justification: 'down' }))).toMatchObject({
      outcome: 'deny',
      problems: [{ field: 'ttl', code: 'outside_hours' }],
    });
    expect(await withBreakGlass([{ ...rule, when: hours }]).breakGlass?.(at(utc('2026-11-28T12:00')))).toEqual({ outcome: 'abstain' });
  });
});

describe('an engine with calendars (feature 6)', () => {
  const byReview: ReviewRule = { id: 'by-review', scopes: ['db:*'], when: hours, review: { groups: { dba: 1 }, reviewWithin: '2d' } };

  function anEngine(first: PolicyDefinition, start = AT_NINE) {
    const now = { policy: definePolicy({ groups, ...first }) };
    const clock = new ManualClock(start);
    const store = new MemoryGrantStore();
    const approver = {
      name: 'policy',
      decide: (...given: Parameters<typeof now.policy.decide>) => now.policy.decide(...given),
      groupsOf: (...given: Parameters<NonNullable<typeof now.policy.groupsOf>>) => now.policy.groupsOf?.(...given) ?? [],
      isEligible: (...given: Parameters<NonNullable<typeof now.policy.isEligible>>) => now.policy.isEligible?.(...given) ?? false,
    };
    const engine = new JitEngine({
      approver,
      clock,
      store,
      limits: { maxTtl: '10h', maxTotal: '10d', maxStartAhead: '30d', reviewWithin: '2d' },
    });
    const edit = (change: PolicyDefinition) => (now.policy = definePolicy({ groups, ...change }));
    return { engine, clock, store, edit };
  }
  const ask = { subject: 'user:maya', scope: 'db:read', ttl: '30m' } as const;

  it('A6 gives a late decision the time up to the end of the hours, and no request outlasts them', async () => {
    const { engine, clock } = anEngine({ rules: [byReview] }, utc('2026-11-27T17:00'));
    const { request } = await engine.requestAccess(ask);
    expect(request.reviewBy).toBe(utc('2026-11-27T18:00'));
    await clock.advance('45m');
    expect(await engine.approve(request.id, { by: 'user:ana' })).toMatchObject({
      grants: [{ startsAt: utc('2026-11-27T17:45'), expiresAt: utc('2026-11-27T18:00') }],
    });
    expect((await engine.check('user:maya', 'db:read')).allowed).toBe(true);
    await clock.advance('15m');
    expect((await engine.check('user:maya', 'db:read')).allowed).toBe(false);
  });

  it('A6 refuses a decision at night on a request of the day', async () => {
    const { engine, clock } = anEngine({ rules: [byReview] }, utc('2026-11-27T17:00'));
    const { request } = await engine.requestAccess(ask);
    await clock.advance('10h');
    await refusal(engine.approve(request.id, { by: 'user:ana' }), 'ERR_JIT_DEADLINE');
    expect((await engine.check('user:maya', 'db:read')).allowed).toBe(false);
  });

  it('refuses an ask outside of the hours with ERR_JIT_REQUIREMENTS, and records no request', async () => {
    const { engine } = anEngine({ rules: [byReview] }, utc('2026-11-28T12:00'));
    const error = await refusal(engine.requestAccess(ask), 'ERR_JIT_REQUIREMENTS');
    expect(error).toMatchObject({
      problems: [{ rule: 'by-review', field: 'startsAt', code: 'outside_hours', limit: utc('2026-11-30T09:00') }],
    });
    expect((await engine.listRequests()).items).toEqual([]);
    const scheduled = await engine.requestAccess({ ...ask, startsAt: utc('2026-11-30T09:00') });
    expect(scheduled.outcome).toBe('pending');
  });

  it('A6 judges the calendar again when the quorum would complete: a freeze that was added in the meantime denies', async () => {
    const { engine, edit } = anEngine({ rules: [byReview] });
    const { request } = await engine.requestAccess(ask);
    edit({ rules: [{ ...freeze, when: { firstDay: '2026-11-27', lastDay: '2026-11-27', timeZone: 'UTC' } }, byReview] });
    const { outcome, request: after } = await engine.approve(request.id, { by: 'user:ana' });
    expect([outcome, after.end?.cause]).toEqual(['denied', 'ineligible']);
  });

  it('A6 judges the approval of a scheduled request at its start, not at the hour of the review', async () => {
    const { engine, clock } = anEngine({ rules: [byReview] });
    const { request } = await engine.requestAccess({ ...ask, startsAt: utc('2026-11-30T10:00') });
    await clock.advance('12h');
    expect((await engine.approve(request.id, { by: 'user:ana' })).outcome).toBe('granted');
  });

  it('A6 judges the calendar again at a scheduled start', async () => {
    const { engine, clock, edit } = anEngine({ rules: [byReview] });
    const { request } = await engine.requestAccess({ ...ask, startsAt: utc('2026-11-30T10:00') });
    await engine.approve(request.id, { by: 'user:ana' });
    edit({ rules: [{ ...freeze, when: { firstDay: '2026-11-30', timeZone: 'UTC' } }, byReview] });
    await clock.set(utc('2026-11-30T10:00'));
    await engine.sweep();
    expect((await engine.getGrant(`${request.id}.1`))?.end).toMatchObject({ status: 'revoked', cause: 'ineligible' });
  });

  it('a freeze that is added later ends no access: use lock', async () => {
    const { engine, edit } = anEngine({ rules: [byDay] });
    await engine.requestAccess(ask);
    edit({ rules: [{ ...freeze, when: { firstDay: '2026-11-27', timeZone: 'UTC' } }, byDay] });
    expect((await engine.check('user:maya', 'db:read')).allowed).toBe(true);
  });

  it('works in a chain: at other times the next approver decides', async () => {
    const clock = new ManualClock(utc('2026-11-28T12:00'));
    const approver = firstDecisive(definePolicy({ rules: [byDay] }), reviewers({ members: ['user:sam'] }));
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver, clock, scopes: patternScopes });
    expect((await engine.requestAccess(ask)).outcome).toBe('pending');
    await clock.set(utc('2026-11-30T12:00'));
    expect((await engine.requestAccess({ ...ask, scope: 'db:write' })).outcome).toBe('granted');
  });

  it('an approver may set endBy itself: an ask that passes it is denied, and no window is cut', async () => {
    const clock = new ManualClock(AT_NINE);
    const approver = { name: 'x', decide: () => ({ outcome: 'approve', terms: { endBy: AT_NINE + 20 * MINUTE } }) as const };
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver, clock });
    expect(await engine.requestAccess(ask)).toMatchObject({
      outcome: 'denied',
      request: { end: { reason: 'it ends after the endBy of its rule' } },
    });
    expect(await engine.requestAccess({ ...ask, ttl: '20m', scope: 'b' })).toMatchObject({ outcome: 'granted' });
  });

  it('simulate compares the calendars of two policies, and judges each request at its own instant', async () => {
    const { engine, store, clock } = anEngine({ rules: [byDay, byNight] });
    await engine.requestAccess(ask);
    await clock.advance('10h');
    await engine.requestAccess({ ...ask, scope: 'db:write' });
    expect(await simulate(definePolicy({ name: 'policy', groups, rules: [byDay, byNight] }), readJournal(store))).toEqual([]);
    const shorter: ApproveRule = { ...byDay, when: { ...hours, to: '12:00' } };
    const changed = await simulate(definePolicy({ name: 'policy', groups, rules: [shorter, byNight] }), readJournal(store));
    expect(changed).toMatchObject([
      { scopes: ['db:read'], was: { terms: { endBy: utc('2026-11-27T18:00') } }, would: { terms: { endBy: utc('2026-11-27T12:00') } } },
    ]);
  });
});

describe('simulate() of review deadlines', () => {
  it('A6 finds no difference where the engine had set them by the end of the hours, or by a requested end', async () => {
    const rule: ReviewRule = { id: 'by-review', scopes: ['db:*'], when: hours, review: { groups: { dba: 1 }, reviewWithin: '2d' } };
    const policy = definePolicy({ groups, rules: [rule] });
    const store = new MemoryGrantStore();
    const engine = new JitEngine({ approver: policy, clock: new ManualClock(AT_NINE), store });
    const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'db:read', ttl: '30m' });
    const { request: ending } = await engine.requestAccess({ subject: 'user:maya', scope: 'db:write', until: AT_NINE + HOUR });
    expect([request.reviewBy, ending.reviewBy]).toEqual([utc('2026-11-27T18:00'), AT_NINE + HOUR - 1_000]);
    expect(await simulate(policy, readJournal(store))).toEqual([]);
  });
});

describe('explain() and lint() of calendars (feature 6)', () => {
  it('explain says that a rule does not hold, and requires the instant', async () => {
    const policy = policyOf(byDay, byNight);
    const question = { subject: 'user:maya', scope: 'db:read', ttl: '1h' } as const;
    expect(await policy.explain({ ...question, at: utc('2026-11-28T12:00') })).toMatchObject({
      outcome: 'review',
      rule: 'by-night',
      scopes: [
        {
          considered: [
            {
              rule: 'by-day',
              verdict: 'passed_over',
              why: 'it does not hold at 2026-11-28T12:00:00.000Z, only mon-fri 09:00-18:00 (UTC) (when)',
            },
            { rule: 'by-night', verdict: 'decides' },
          ],
        },
      ],
    });
    await refusal(policy.explain(question), 'ERR_JIT_INVALID_ARGUMENT');
    expect(await policyOf(freeze, byDay).explain({ ...question, at: utc('2026-12-24T12:00') })).toMatchObject({
      outcome: 'ineligible',
      problems: [{ code: 'outside_hours' }],
    });
  });

  it('lint finds a freeze over every day, and rules that hold at no time', () => {
    const everyDay: DenyRule = {
      ...freeze,
      when: [
        { from: '00:00', to: '12:00', timeZone: 'UTC' },
        { from: '12:00', timeZone: 'UTC' },
      ],
    };
    expect(lint(everyDay, byNight)).toMatchObject([
      { code: 'always_holds', rule: 'year-end' },
      { code: 'never_matches', rule: 'by-night' },
    ]);
    const never = { days: ['sun'], firstDay: '2026-11-23', lastDay: '2026-11-28', timeZone: 'UTC' } as const;
    expect(lint({ ...byDay, when: never })).toMatchObject([{ code: 'never_matches', rule: 'by-day' }]);
    expect(lint({ ...freeze, when: never }, byNight)).toMatchObject([{ code: 'never_matches', rule: 'year-end' }]);
  });

  it('lint knows that a rule with a calendar leaves other times to later rules', () => {
    expect(lint(freeze, byDay, byNight)).toEqual([]);
    expect(lint({ ...byDay, when: [hours] }, { ...byDay, id: 'again' })).toEqual([]);
    expect(lint({ ...byNight, id: 'first' }, byDay)).toMatchObject([{ code: 'shadowed', rule: 'by-day' }]);
    expect(lint(freeze, { ...freeze, id: 'twice' }, byNight)).toEqual([]);
  });
});
