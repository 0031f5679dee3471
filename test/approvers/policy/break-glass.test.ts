import { describe, expect, it } from 'vitest';
import { definePolicy, type BreakGlassRule } from 'jit-access/policy';
import { asking, groups, HOUR, MINUTE, withBreakGlass } from './ask.js';

const rule = { id: 'outage', scopes: ['db:*'], maxTtl: '15m', reviewers: ['security'], reviewWithin: '1d' } satisfies BreakGlassRule;
const because = { justification: 'writes fail' };

describe('breakGlass()', () => {
  it('L20 abstains if no break-glass rule covers everything requested', async () => {
    const policy = withBreakGlass([rule], { id: 'a', scopes: ['**'], approve: true });
    expect(await policy.breakGlass?.(asking('mail:read', because))).toEqual({ outcome: 'abstain' });
    expect(await policy.breakGlass?.(asking(['db:write', 'mail:read'], because))).toEqual({ outcome: 'abstain' });
    expect(await withBreakGlass(undefined).breakGlass?.(asking('db:write', because))).toEqual({ outcome: 'abstain' });
  });

  it('L21 is denied by every deny rule that overlaps', async () => {
    const policy = withBreakGlass([{ ...rule, patterns: true }], { id: 'no', scopes: ['db:secret'], deny: 'never' });
    const denied = { outcome: 'deny', rule: 'no', reason: 'never' };
    expect(await policy.breakGlass?.(asking('db:secret', because))).toEqual(denied);
    expect(await policy.breakGlass?.(asking('db:*', because))).toEqual(denied);
    expect(await policy.breakGlass?.(asking('db:write', because))).toMatchObject({ outcome: 'approve' });
  });

  it('approves with the terms of its rule, and names the skipped groups and people', async () => {
    const policy = withBreakGlass([{ ...rule, maxUnreviewed: 3, idleTtl: '5m' }], {
      id: 'ordinary',
      scopes: ['db:*'],
      maxTtl: '1s',
      review: { groups: { dba: 2, leads: 1 } },
    });
    expect(await policy.breakGlass?.(asking('db:write', because))).toEqual({
      outcome: 'approve',
      rule: 'outage',
      reviewWithinMs: 24 * HOUR,
      maxUnreviewed: 3,
      reviewers: ['security'],
      skippedGroups: ['dba', 'leads'],
      skippedPeople: ['user:ana', 'user:kim', 'user:sam', 'user:rob'],
      terms: { warnBeforeMs: undefined, idleTtlMs: 5 * MINUTE, maxUses: undefined, maxTotalMs: undefined },
    });
  });

  it('skips no group if the ordinary rules ask none', async () => {
    expect(await withBreakGlass([rule]).breakGlass?.(asking('db:write', because))).toMatchObject({
      outcome: 'approve',
      maxUnreviewed: 1,
      skippedGroups: [],
    });
  });

  it.each([
    ['no justification', { justification: undefined }, 'give a justification (rule outage: require.justification)'],
    ['a blank justification', { justification: '  ' }, 'give a justification (rule outage: require.justification)'],
    ['too long a window', { ttlMs: 15 * MINUTE + 1 }, 'ask for at most 15m (rule outage: maxTtl)'],
    ['no ticket', { ticket: undefined }, 'cite a ticket like INC-* (rule outage: require.ticket)'],
    ['another requester', { requestedBy: 'user:lee' }, 'user:lee may not request this for user:maya (rule outage: requesters)'],
    ['a pattern', { scopes: ['db:*'] }, 'db:* is a pattern, but rule outage allows only single scopes (patterns)'],
  ])('denies an ask with %s, and names rule and field', async (_, over, reason) => {
    const policy = withBreakGlass([
      { ...rule, require: { justification: false, ticket: 'INC-*' } },
      { ...rule, id: 'lax' },
    ]);
    const request = asking('db:write', { ...because, ticket: 'INC-1', ...over });
    expect(await policy.breakGlass?.(request)).toMatchObject({ outcome: 'deny', reason });
  });

  it('L10 takes the strictest of the rules of a bundle', async () => {
    const policy = withBreakGlass([
      { ...rule, maxUnreviewed: 2, reviewers: ['dba', 'security'] },
      { ...rule, id: 'mail', scopes: ['mail:*'], maxTtl: '5m', reviewWithin: '2h', maxUnreviewed: 5, reviewers: ['security', 'leads'] },
      { ...rule, id: 'wiki', scopes: ['wiki:*'], reviewers: ['leads'] },
    ]);
    const both = ['mail:read', 'db:write'];
    expect(await policy.breakGlass?.(asking(both, { ...because, ttlMs: 5 * MINUTE }))).toMatchObject({
      outcome: 'approve',
      rule: 'outage, mail',
      reviewWithinMs: 2 * HOUR,
      maxUnreviewed: 2,
    });
    expect(await policy.breakGlass?.(asking(both, because))).toMatchObject({
      outcome: 'deny',
      reason: 'ask for at most 5m (rule mail: maxTtl)',
    });
    // No reviewer could review it.
    expect(await policy.breakGlass?.(asking(['db:write', 'wiki:read'], because))).toMatchObject({
      outcome: 'deny',
      reason: 'rules outage, wiki have no review group in common: ask for fewer scopes at a time (reviewers)',
    });
  });

  it('does not ask the groups that it skips: names groups of code, and the people of lists', async () => {
    const asked: string[] = [];
    const ask = (group: string) => ({
      isMember: () => asked.push(group) > 0,
      members: () => (asked.push(group), ['user:a']),
    });
    const live = definePolicy({
      groups: {
        ...groups,
        managers: ask('managers'),
        staff: ask('staff'),
        many: Array.from({ length: 1001 }, (_, i) => `user:${i}`),
      },
      rules: [
        { id: 'zoe', scopes: ['db:*'], subjects: ['user:zoe'], review: { groups: { leads: 1 } } },
        { id: 'staff', scopes: ['db:*'], subjects: [{ group: 'staff' }], review: { groups: { managers: 1 } } },
        { id: 'sre', scopes: ['db:*'], subjects: [{ group: 'sre' }], review: { groups: { dba: 1 } } },
        { id: 'rest', scopes: ['db:*'], review: { groups: { leads: 1 } } },
        { id: 'mail', scopes: ['mail:*'], review: { groups: { many: 1 } } },
      ],
      breakGlass: [{ ...rule, scopes: ['**'] }],
    });
    expect(await live.breakGlass?.(asking('db:write', because))).toMatchObject({
      outcome: 'approve',
      skippedGroups: ['managers', 'dba'],
      skippedPeople: ['user:ana', 'user:kim', 'user:sam'],
    });
    expect(await live.breakGlass?.(asking('mail:read', because))).toMatchObject({
      outcome: 'approve',
      skippedGroups: ['many'],
      skippedPeople: undefined,
    });
    expect(asked).toEqual([]);
  });

  it('names, for a pattern, the groups of each rule that applies to a part of it', async () => {
    const policy = withBreakGlass(
      [{ ...rule, patterns: true }],
      { id: 'read', scopes: ['db:read'], approve: true },
      { id: 'write', scopes: ['db:write'], review: { groups: { dba: 1 } } },
      { id: 'rest', scopes: ['db:**'], review: { groups: { leads: 1 } } },
    );
    expect(await policy.breakGlass?.(asking('db:*', because))).toMatchObject({ skippedGroups: ['dba', 'leads'] });
    expect(await policy.breakGlass?.(asking('db:read', because))).toMatchObject({ skippedGroups: [] });
  });

  it.each([
    ['are missing', []],
    ['are the subject alone', ['user:maya']],
    ['are the subject and the requester', ['user:maya', 'user:lee']],
  ])('denies if the reviewers of it %s, unless a group of code may have members', async (_, members) => {
    const by = { ...because, requestedBy: 'user:lee' };
    const of = (reviewers: readonly string[]) =>
      definePolicy({
        groups: { members, other: members, live: { isMember: () => false } },
        rules: [],
        breakGlass: [{ ...rule, requesters: ['user:lee'], reviewers }],
      }).breakGlass?.(asking('db:write', by));
    expect(await of(['members', 'other'])).toEqual({
      outcome: 'deny',
      rule: 'outage',
      reason: 'the review groups of outage have no member who may review this access (reviewers)',
    });
    expect(await of(['members', 'live'])).toMatchObject({ outcome: 'approve', reviewers: ['members', 'live'] });
  });
});

describe('mayReviewBreakGlass()', () => {
  const owing = (reviewers: readonly string[], over: Parameters<typeof asking>[1] = {}) =>
    asking('db:write', {
      ...over,
      afterReview: {
        reviewBy: 1,
        reviewers,
        skippedGroups: [],
        skippedPeople: undefined,
        missedAt: undefined,
        breakGlassReview: undefined,
      },
    });

  it('L17 allows a current member of a group that was named when the access was taken, regardless of later rules', async () => {
    for (const policy of [withBreakGlass([{ ...rule, reviewers: ['dba'] }]), withBreakGlass(undefined)]) {
      const may = (person: string) => policy.mayReviewBreakGlass?.(person, owing(['security', 'leads'], { rule: 'outage' }));
      expect(await may('user:noor')).toBe(true);
      expect(await may('user:rob')).toBe(true);
      expect(await may('user:kim')).toBe(false);
    }
  });

  it('allows no member of a deleted group, and no reviewer if no group was named', async () => {
    const policy = withBreakGlass([rule]);
    expect(await policy.mayReviewBreakGlass?.('user:noor', owing(['gone', '__proto__']))).toBe(false);
    expect(await policy.mayReviewBreakGlass?.('user:noor', owing([], { rule: 'outage' }))).toBe(false);
    expect(await policy.mayReviewBreakGlass?.('user:noor', asking('db:write', { rule: 'outage' }))).toBe(false);
  });
});
