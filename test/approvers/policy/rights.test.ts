import type { Quorum, QuorumInput } from 'jit-access';
import { describe, expect, it } from 'vitest';
import { definePolicy } from 'jit-access/policy';
import { asking, HOUR, policyOf } from './ask.js';
import { aQuorum } from '../../lifecycle/a-quorum.js';

const quorum = (over: Partial<QuorumInput> = {}): Quorum => aQuorum({ groups: [{ name: 'dba', approvals: 1 }], ...over });
const may = (policy: ReturnType<typeof policyOf>, ...args: Parameters<typeof asking>) => policy.isEligible?.(asking(...args), 'approval');

describe('rights, asked live', () => {
  it('L17 do not check numbers again', async () => {
    const policy = policyOf({
      id: 'prod',
      scopes: ['db:*'],
      maxTtl: '1ms',
      maxStartAhead: '1ms',
      require: { justification: true, ticket: 'INC-#' },
      review: { groups: { dba: 1000 } },
    });
    expect(await may(policy, 'db:write', { ttlMs: HOUR })).toBe(true);
  });

  it('L17 are lost with the rule', async () => {
    expect(await may(policyOf({ id: 'a', scopes: ['db:read'], approve: true }), ['db:read', 'db:write'])).toEqual({
      eligible: false,
      reason: 'no rule covers db:write for user:maya',
    });
    expect(await may(policyOf({ id: 'a', scopes: ['db:*'], subjects: ['user:zoe'], approve: true }), 'db:read')).toMatchObject({
      eligible: false,
    });
    expect(await may(policyOf({ id: 'a', scopes: ['**'], approve: true }), [])).toMatchObject({ eligible: false });
  });

  it('L17 are lost to a deny rule with a reason of any length', async () => {
    for (const deny of ['x'.repeat(4096), '王'.repeat(1365)]) {
      const answer = await may(policyOf({ id: 'n'.repeat(64), scopes: ['**'], deny }), 'db:read');
      const { reason } = answer as { reason: string };
      expect(new TextEncoder().encode(reason).length).toBeLessThanOrEqual(4096);
      expect(reason).toMatch(/^(x|王)+\.\.\. \(rule n{64}\)$/);
    }
    expect(await may(policyOf({ id: 'no', scopes: ['**'], deny: 'x'.repeat(4000) }), 'db:read')).toEqual({
      eligible: false,
      reason: `${'x'.repeat(4000)} (rule no)`,
    });
  });

  it('L21 are lost when the rule no longer allows patterns', async () => {
    const rule = { id: 'a', scopes: ['db:*'], approve: true } as const;
    expect(await may(policyOf({ ...rule, patterns: true }), 'db:*')).toBe(true);
    expect(await may(policyOf(rule), 'db:*')).toMatchObject({ eligible: false });
  });

  it('L17 are lost if the requester may no longer ask for the subject, for a pattern under each rule that it overlaps', async () => {
    const rule = { id: 'a', scopes: ['db:*'], patterns: true, requesters: ['user:lead'], approve: true } as const;
    const byLead = { requestedBy: 'user:lead' };
    expect(await may(policyOf(rule), 'db:read', byLead)).toBe(true);
    expect(await may(policyOf(rule), 'db:*', byLead)).toBe(true);
    expect(await may(policyOf(rule), 'db:read')).toEqual({
      eligible: false,
      reason: 'the subject may not request this for itself (rule a: requesters)',
    });
    const narrow = { id: 'b', scopes: ['db:read'], approve: true } as const;
    expect(await may(policyOf(rule, narrow), 'db:read', byLead)).toBe(true);
    expect(await may(policyOf(rule, narrow), 'db:*', byLead)).toMatchObject({ eligible: false });
  });

  it('L17 are lost by a subject that leaves the group of a rule', async () => {
    const inside = new Set(['user:maya']);
    const policy = definePolicy({
      groups: { sre: { isMember: (person) => Promise.resolve(inside.has(person)) } },
      rules: [{ id: 'a', scopes: ['db:*'], subjects: [{ group: 'sre' }], approve: true }],
    });
    expect(await may(policy, 'db:read')).toBe(true);
    inside.clear();
    expect(await may(policy, 'db:read')).toMatchObject({ eligible: false });
  });
});

describe('groupsOf()', () => {
  const policy = policyOf({ id: 'a', scopes: ['db:*'], review: { groups: { dba: 1 } } });

  it('L17 names the frozen groups that a reviewer is in now, and the escalation group', async () => {
    const groups = [
      { name: 'dba', approvals: 1 },
      { name: 'security', approvals: 1 },
    ];
    const request = asking('db:read', { quorum: quorum({ groups, escalation: { group: 'leads', afterMs: HOUR } }) });
    expect(await policy.groupsOf?.('user:ana', request)).toEqual(['dba', 'security']);
    expect(await policy.groupsOf?.('user:kim', request)).toEqual(['dba']);
    expect(await policy.groupsOf?.('user:rob', request)).toEqual(['leads']);
    expect(await policy.groupsOf?.('user:maya', request)).toEqual([]);
  });

  it('returns nothing for a deleted group, or for a group that the request does not name', async () => {
    const gone = [
      { name: 'gone', approvals: 1 },
      { name: '__proto__', approvals: 1 },
    ];
    expect(await policy.groupsOf?.('user:ana', asking('db:read', { quorum: quorum({ groups: gone }) }))).toEqual([]);
    expect(await policy.groupsOf?.('user:maya', asking('db:read', { quorum: quorum() }))).toEqual([]);
    expect(await policy.groupsOf?.('user:ana', asking('db:read'))).toEqual([]);
  });

  it('asks a group of code about this person and this request', async () => {
    class Managers {
      readonly #managers = new Map([['user:maya', 'user:lee']]);
      isMember(person: string, request: { readonly subject: string }) {
        return this.#managers.get(request.subject) === person;
      }
    }
    const live = definePolicy({ groups: { managers: new Managers() }, rules: [] });
    const request = asking('db:read', { quorum: quorum({ groups: [{ name: 'managers', approvals: 1 }] }) });
    expect(await live.groupsOf?.('user:lee', request)).toEqual(['managers']);
    expect(await live.groupsOf?.('user:ana', request)).toEqual([]);
  });

  it.each([[undefined], ['yes'], [1], [null], [{}]])('L30 fails where a group of code answers %s', async (answer) => {
    const live = definePolicy({ groups: { managers: { isMember: () => answer as never } }, rules: [] });
    const request = asking('db:read', { quorum: quorum({ groups: [{ name: 'managers', approvals: 1 }] }) });
    await expect(live.groupsOf?.('user:lee', request)).rejects.toThrow(
      new TypeError('isMember of group managers must return true or false'),
    );
  });

  it('L30 fails if a group of code fails, and so does every question that depends on it', async () => {
    const down = new Error('the directory is down');
    const live = definePolicy({
      groups: { staff: { isMember: () => Promise.reject(down) } },
      rules: [
        { id: 'no', scopes: ['db:secret'], subjects: [{ group: 'staff' }], deny: 'no' },
        { id: 'a', scopes: ['db:*'], approve: true },
      ],
      breakGlass: [{ id: 'bg', scopes: ['**'], maxTtl: '15m', reviewers: ['staff'], reviewWithin: '1d' }],
    });
    const owed = {
      reviewBy: 1,
      reviewers: ['staff'],
      skippedGroups: [],
      skippedPeople: [],
      missedAt: undefined,
      breakGlassReview: undefined,
    };
    const request = asking('db:secret', { justification: 'x', afterReview: owed });
    await expect(live.decide(request)).rejects.toBe(down);
    await expect(live.isEligible?.(request, 'creation')).rejects.toBe(down);
    await expect(live.isEligible?.(request, 'start')).rejects.toBe(down);
    await expect(live.breakGlass?.(request)).rejects.toBe(down);
    await expect(live.mayReviewBreakGlass?.('user:lee', request)).rejects.toBe(down);
    await expect(live.explain(asking('db:secret'))).rejects.toBe(down);
    expect(await live.decide(asking('db:read'))).toMatchObject({ outcome: 'approve' });
  });
});

describe('membersOf()', () => {
  it('lists the people of the quorum except subject and requester, and names the group that cannot be listed', async () => {
    const live = definePolicy({
      groups: {
        dba: ['user:ana', 'user:maya', 'user:zoe'],
        managers: { isMember: () => true },
        leads: { isMember: () => true, members: () => Promise.resolve(['user:ana', 'user:rob']) },
      },
      rules: [],
    });
    const groups = ['dba', 'managers', 'leads', 'gone'].map((name) => ({ name, approvals: 1 }));
    const request = asking('db:read', { requestedBy: 'user:zoe', quorum: quorum({ groups }) });
    expect(await live.membersOf?.(request)).toEqual(['user:ana', 'group:managers', 'user:rob']);
    expect(await live.membersOf?.(asking('db:read'))).toEqual([]);
  });

  it('lists the escalation group once the escalation is recorded', async () => {
    const policy = policyOf();
    const frozen = quorum({ escalation: { group: 'leads', afterMs: 1 } });
    expect(await policy.membersOf?.(asking('db:read', { quorum: frozen, assignedAt: 0 }))).not.toContain('user:rob');
    expect(await policy.membersOf?.(asking('db:read', { quorum: frozen, assignedAt: 0, escalatedAt: 1 }))).toContain('user:rob');
  });

  it.each([[undefined], ['user:ana'], [['']], [[1]]])('fails where a group lists %s', async (answer) => {
    const live = definePolicy({ groups: { leads: { isMember: () => true, members: () => answer as never } }, rules: [] });
    const request = asking('db:read', { quorum: quorum({ groups: [{ name: 'leads', approvals: 1 }] }) });
    await expect(live.membersOf?.(request)).rejects.toThrow(new TypeError('members of group leads must return a list of ids'));
  });
});
