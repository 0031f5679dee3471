import { describe, expect, it } from 'vitest';
import { definePolicy, type BreakGlassRule } from 'jit-access/policy';
import { asking, groups, HOUR, MINUTE, withBreakGlass } from './ask.js';

const rule = { id: 'outage', scopes: ['db:*'], maxTtl: '15m', reviewers: ['security'], reviewWithin: '1d' } satisfies BreakGlassRule;
const because = { justification: 'writes fail' };

describe('breakGlass()', () => {
  it('L20 has no opinion where no rule of it covers everything asked', async () => {
    const policy = withBreakGlass([rule], { id: 'a', scopes: ['**'], approve: true });
    expect(await policy.breakGlass?.(asking('mail:read', because))).toEqual({ outcome: 'abstain' });
    expect(await policy.breakGlass?.(asking(['db:write', 'mail:read'], because))).toEqual({ outcome: 'abstain' });
    expect(await withBreakGlass(undefined).breakGlass?.(asking('db:write', because))).toEqual({ outcome: 'abstain' });
  });

  it('L21 stands below every deny rule that overlaps', async () => {
    const policy = withBreakGlass([{ ...rule, patterns: true }], { id: 'no', scopes: ['db:secret'], deny: 'never' });
    const denied = { outcome: 'deny', rule: 'no', reason: 'never' };
    expect(await policy.breakGlass?.(asking('db:secret', because))).toEqual(denied);
    expect(await policy.breakGlass?.(asking('db:*', because))).toEqual(denied);
    expect(await policy.breakGlass?.(asking('db:write', because))).toMatchObject({ outcome: 'approve' });
  });

  it('approves with what its rule says, and names whom it skips', async () => {
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
      skippedGroups: ['dba', 'leads'],
      skippedPeople: ['user:ana', 'user:kim', 'user:sam', 'user:rob'],
      terms: { warnBeforeMs: undefined, idleTtlMs: 5 * MINUTE, maxUses: undefined, maxTotalMs: undefined },
    });
  });

  it('skips nobody where the ordinary rules ask nobody', async () => {
    expect(await withBreakGlass([rule]).breakGlass?.(asking('db:write', because))).toMatchObject({
      outcome: 'approve',
      maxUnreviewed: 1,
      skippedGroups: [],
    });
  });

  it.each([
    ['no justification', { justification: undefined }, 'give a justification (rule outage: require.justification)'],
    ['a blank one', { justification: '  ' }, 'give a justification (rule outage: require.justification)'],
    ['too long a window', { ttlMs: 15 * MINUTE + 1 }, 'ask for at most 15m (rule outage: maxTtl)'],
    ['no ticket', { ticket: undefined }, 'cite a ticket like INC-* (rule outage: require.ticket)'],
    ['another to ask', { requestedBy: 'user:lee' }, 'user:lee may not ask for user:maya (rule outage: requesters)'],
    ['a pattern', { scopes: ['db:*'] }, 'db:* is a pattern, and rule outage gives none (patterns)'],
  ])('denies what has %s, and names rule and field', async (_, over, reason) => {
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
    // Its review could be given by nobody.
    expect(await policy.breakGlass?.(asking(['db:write', 'wiki:read'], because))).toMatchObject({
      outcome: 'deny',
      reason: 'no group reviews for all of the rules outage, wiki: ask for less at a time (reviewers)',
    });
  });

  it('needs no directory to list whom it skips', async () => {
    const live = definePolicy({
      groups: {
        ...groups,
        managers: { isMember: () => false, members: () => Promise.reject(new Error('down')) },
        many: { isMember: () => true, members: () => Array.from({ length: 1001 }, (_, i) => `user:${i}`) },
      },
      rules: [
        { id: 'a', scopes: ['db:*'], review: { groups: { managers: 1 } } },
        { id: 'b', scopes: ['mail:*'], review: { groups: { many: 1 } } },
      ],
      breakGlass: [{ ...rule, scopes: ['**'] }],
    });
    for (const [scope, group] of [
      ['db:write', 'managers'],
      ['mail:read', 'many'],
    ] as const) {
      expect(await live.breakGlass?.(asking(scope, because))).toMatchObject({
        outcome: 'approve',
        skippedGroups: [group],
        skippedPeople: undefined,
      });
    }
  });
});

describe('mayAcknowledge()', () => {
  const broken = (ruleId: string | undefined, scopes: readonly string[] = ['db:write']) => asking(scopes, { ...because, rule: ruleId });

  it('L17 takes a member of a group of reviewers, as of now', async () => {
    const policy = withBreakGlass([{ ...rule, reviewers: ['security', 'leads'] }]);
    expect(await policy.mayAcknowledge?.('user:noor', broken('outage'))).toBe(true);
    expect(await policy.mayAcknowledge?.('user:rob', broken('outage'))).toBe(true);
    expect(await policy.mayAcknowledge?.('user:kim', broken('outage'))).toBe(false);
  });

  it('takes for a bundle only those who review for all of its rules', async () => {
    const policy = withBreakGlass([
      { ...rule, reviewers: ['dba', 'security'] },
      { ...rule, id: 'mail', scopes: ['mail:*'], reviewers: ['security', 'leads'] },
    ]);
    const request = broken('outage, mail', ['db:write', 'mail:read']);
    expect(await policy.mayAcknowledge?.('user:noor', request)).toBe(true);
    expect(await policy.mayAcknowledge?.('user:kim', request)).toBe(false);
    expect(await policy.mayAcknowledge?.('user:rob', request)).toBe(false);
  });

  it('asks the rules that cover the scopes, where those that were named are gone', async () => {
    const policy = withBreakGlass([{ ...rule, subjects: ['user:zoe'] }]);
    expect(await policy.mayAcknowledge?.('user:noor', broken('renamed'))).toBe(true);
    expect(await policy.mayAcknowledge?.('user:kim', broken('renamed'))).toBe(false);
    expect(await policy.mayAcknowledge?.('user:noor', broken('renamed', ['mail:read']))).toBe(false);
    expect(await withBreakGlass(undefined).mayAcknowledge?.('user:noor', broken('outage'))).toBe(false);
    expect(await withBreakGlass(undefined).mayAcknowledge?.('user:noor', broken(undefined, []))).toBe(false);
  });
});
