import { describe, expect, it } from 'vitest';
import { definePolicy } from 'jit-access/policy';
import { asking, HOUR, MINUTE, policyOf } from './ask.js';

const policy = policyOf(
  { id: 'agents', scopes: ['**'], subjects: [{ like: 'agent:*' }], approve: true },
  { id: 'wiki', scopes: ['wiki:*'], approve: true },
  { id: 'db', scopes: ['db:*'], maxTtl: '1h', maxStartAhead: '1d', patterns: true, idleTtl: '5m', review: { groups: { dba: 2 } } },
  { id: 'write', scopes: ['db:write'], review: { groups: { security: 1 } } },
  { id: 'secret', scopes: ['db:secret'], deny: 'never' },
);
const ask = { subject: 'user:maya', ttl: '15m' } as const;

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('explain()', () => {
  it('returns the outcome, its rule, the reasons, and the possible reviewers', async () => {
    expect(await policy.explain({ ...ask, scope: 'db:write' })).toEqual({
      outcome: 'review',
      rule: 'db',
      reason: undefined,
      problems: [],
      quorum: {
        groups: [{ name: 'dba', approvals: 2 }],
        denials: 1,
        approvalTtlMs: undefined,
        reviewWithinMs: undefined,
        escalation: undefined,
      },
      quorumInWords: '2 of dba',
      reviewers: ['user:ana', 'user:kim', 'user:sam'],
      terms: { warnBeforeMs: undefined, idleTtlMs: 5 * MINUTE, maxUses: undefined, maxTotalMs: undefined },
      scopes: [
        {
          scope: 'db:write',
          considered: [
            { rule: 'agents', verdict: 'passed_over', why: 'its subjects do not include user:maya' },
            { rule: 'wiki', verdict: 'passed_over', why: 'its scopes do not cover db:write' },
            { rule: 'db', verdict: 'decides', why: 'it is the first rule that covers the scope for this subject' },
            { rule: 'write', verdict: 'passed_over', why: 'rule db comes first and covers the scope' },
            { rule: 'secret', verdict: 'passed_over', why: 'its scopes do not overlap db:write' },
          ],
        },
      ],
    });
  });

  it.each([
    ['an approval', { scope: 'wiki:read' }, { outcome: 'approve', rule: 'wiki', reviewers: undefined }],
    ['a denial', { scope: 'db:secret' }, { outcome: 'deny', rule: 'secret', reason: 'never' }],
    ['no rule', { scope: 'mail:read' }, { outcome: 'ineligible', rule: undefined, reason: 'no rule covers mail:read for user:maya' }],
    [
      'an ask that does not fit',
      { scope: 'db:read', ttl: '2h' as const },
      { outcome: 'ineligible', rule: 'db', reason: 'ask for at most 1h (rule db: maxTtl)' },
    ],
    ['an ask by another requester', { scope: 'db:read', requestedBy: 'user:lee' }, { outcome: 'ineligible', rule: 'db' }],
    ['several scopes', { scopes: ['db:read', 'wiki:read'] }, { outcome: 'review', rule: 'wiki, db' }],
    [
      'a start',
      { scope: 'db:read', startsAt: 25 * HOUR, at: 0 },
      { outcome: 'ineligible', reason: 'start at most 1d ahead (rule db: maxStartAhead)' },
    ],
  ])('explains %s', async (_, over, expected) => {
    expect(await policy.explain({ ...ask, ...over })).toMatchObject(expected);
  });

  it('lists, for a pattern, the rules that apply to a part of it', async () => {
    const without = policyOf(
      { id: 'db', scopes: ['db:*'], patterns: true, review: { groups: { dba: 2 } } },
      { id: 'write', scopes: ['db:write'], review: { groups: { security: 1 } } },
      { id: 'all', scopes: ['**'], approve: true },
    );
    const { rule, scopes } = await without.explain({ ...ask, scope: 'db:*' });
    expect(rule).toBe('db, write, all');
    expect(scopes[0]?.considered).toEqual([
      { rule: 'db', verdict: 'decides', why: 'it is the first rule that covers the scope for this subject' },
      { rule: 'write', verdict: 'decides', why: 'db:* is a pattern that overlaps its scopes, so its conditions apply too' },
      { rule: 'all', verdict: 'decides', why: 'db:* is a pattern that overlaps its scopes, so its conditions apply too' },
    ]);
    const denied = await policy.explain({ ...ask, scope: 'db:*' });
    expect(denied).toMatchObject({ outcome: 'deny', rule: 'secret' });
    expect(denied.scopes[0]?.considered.at(-1)).toEqual({
      rule: 'secret',
      verdict: 'decides',
      why: 'it denies every overlapping scope, and deny rules come first',
    });
  });

  it('passes the metadata to groups of code', async () => {
    const inTeam = definePolicy({
      groups: { team: { isMember: (_, request) => request.metadata?.['team'] === 'a' } },
      rules: [{ id: 'r', scopes: ['db'], subjects: [{ group: 'team' }], approve: true }],
    });
    expect(await inTeam.explain({ ...ask, scope: 'db', metadata: { team: 'a' } })).toMatchObject({ outcome: 'approve' });
    expect(await inTeam.explain({ ...ask, scope: 'db' })).toMatchObject({ outcome: 'ineligible' });
  });

  it('lets no rule decide a pattern that it does not cover fully', async () => {
    const narrow = policyOf({ id: 'narrow', scopes: ['db:prod', 'mail'], patterns: true, approve: true });
    const { outcome, scopes } = await narrow.explain({ ...ask, scopes: ['db:*', 'mail'] });
    expect(outcome).toBe('ineligible');
    expect(scopes.map(({ considered }) => considered[0])).toEqual([
      { rule: 'narrow', verdict: 'passed_over', why: 'its scopes do not cover db:*' },
      { rule: 'narrow', verdict: 'decides', why: 'it is the first rule that covers the scope for this subject' },
    ]);
  });

  it('explains a request as decide() decides it', async () => {
    for (const scope of ['db:read', 'db:secret', 'wiki:read', 'mail:read']) {
      const request = asking(scope);
      const { outcome, rule, reason, quorum, terms } = await policy.explain(request);
      const verdict = await policy.decide(request);
      expect(verdict).toEqual(
        outcome === 'ineligible'
          ? { outcome: 'abstain' }
          : { outcome, rule, ...(outcome === 'deny' ? { reason } : { terms }), ...(quorum && { quorum }) },
      );
    }
  });

  it.each([
    ['no scope', ask, 'scope'],
    ['both', { ...ask, scope: 'a', scopes: ['b'] }, 'scope'],
    ['an empty list', { ...ask, scopes: [] }, 'scopes'],
    ['an invalid scope', { ...ask, scopes: ['a', 'b*'] }, 'scopes[1]'],
    ['no window', { ...ask, scope: 'a', ttl: 0 }, 'ttl'],
    ['a start without the instant of the ask', { ...ask, scope: 'a', startsAt: 5 }, 'at'],
    ['a misspelt field', { ...ask, scoop: 'a' }, 'request'],
    ['a missing subject', { scope: 'a', ttl: '1ms' }, 'subject'],
    ['a scope twice', { ...ask, scopes: ['a', 'b', 'a'] }, 'scopes[2]'],
    ['more scopes than one request has', { ...ask, scopes: Array.from({ length: 51 }, (_, i) => `a:${i}`) }, 'scopes'],
    ['metadata that is not JSON', { ...ask, scope: 'a', metadata: { a: () => 1 } }, 'metadata.a'],
    ['an object that only claims to be a request', { ...ask, kind: 'request', scopes: ['a'] }, 'request'],
    ['another record', { ...asking('a'), kind: 'grant' }, 'request'],
    ['a request with an invalid window', { ...asking('a'), ttlMs: NaN }, 'request'],
    ['a revoked proxy of a request', revoked(), 'request'],
  ])('refuses %s', async (_, given, argument) => {
    await expect(policy.explain(given as never)).rejects.toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT', argument });
  });
});
