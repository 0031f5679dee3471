import fc from 'fast-check';
import { JitEngine, MemoryGrantStore, type Duration, type QuorumInput } from 'jit-access';
import { requestable } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { definePolicy, readPolicy, type ReviewRule } from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';
import { asking, groups, MINUTE, policyOf } from './ask.js';

type Review = ReviewRule['review'];
const rule = (review: Review, id = 'r', scopes: readonly string[] = ['db:*']): ReviewRule => ({ id, scopes, review });
const STEPS: Review = { steps: [{ groups: { dba: 1 } }, { groups: { security: 1 }, escalate: { to: 'leads', after: '1h' } }] };
const EITHER: Review = { anyOf: [{ groups: { dba: 2 } }, { groups: { security: 1 }, denials: 1 }], denials: 2 };

async function quorumOf(...rules: readonly ReviewRule[]): Promise<QuorumInput> {
  const scopes = rules.flatMap((one) => one.scopes).map((scope) => scope.replace('*', 'x'));
  const verdict = await policyOf(...rules).decide(asking(scopes));
  if (verdict.outcome !== 'review') throw new Error(`${verdict.outcome}: ${'reason' in verdict ? verdict.reason : ''}`);
  return verdict.quorum;
}
const problemOf = (review: unknown): string => {
  try {
    policyOf(rule(review as Review));
  } catch (error) {
    return (error as Error).message.replace('rules[0] ("r").', '');
  }
  return 'accepted';
};

describe('the quorum of a rule (feature 5)', () => {
  it('has alternatives, steps, denials of groups and a list of escalations', async () => {
    expect(await quorumOf(rule(STEPS))).toEqual({
      steps: [
        { groups: [{ name: 'dba', approvals: 1 }] },
        { groups: [{ name: 'security', approvals: 1 }], escalation: [{ group: 'leads', afterMs: 60 * MINUTE }] },
      ],
      denials: 1,
    });
    expect(await quorumOf(rule(EITHER))).toEqual({
      anyOf: [{ groups: [{ name: 'dba', approvals: 2 }] }, { groups: [{ name: 'security', approvals: 1 }], denials: 1 }],
      denials: 2,
    });
    const escalate = [
      { to: 'leads', after: '1m' },
      { to: 'sre', after: '2m' },
    ] as const;
    expect(await quorumOf(rule({ groups: { dba: { approvals: 2, denials: 2 } }, denials: 3, escalate }))).toEqual({
      groups: [{ name: 'dba', approvals: 2, denials: 2 }],
      denials: 3,
      escalation: [
        { group: 'leads', afterMs: MINUTE },
        { group: 'sre', afterMs: 2 * MINUTE },
      ],
    });
  });

  it.each<readonly [unknown, string]>([
    [{}, 'review must be a review with exactly one of groups, steps and anyOf; got none'],
    [{ ...STEPS, ...EITHER }, 'review must be a review with exactly one of groups, steps and anyOf; got steps and anyOf'],
    [{ anyOf: [{}] }, 'review.anyOf[0] must be an alternative with exactly one of groups and steps; got none'],
    [{ anyOf: [{ anyOf: [] }] }, 'review.anyOf[0].anyOf must be omitted: the fields are groups, steps, denials; got an unknown field'],
    [{ anyOf: [] }, 'review.anyOf must be a list of at least 1; got an array'],
    [{ steps: [] }, 'review.steps must be a list of at least 1; got an array'],
    [{ steps: [{ groups: {} }] }, 'review.steps[0].groups must be an object with at least one group, for example { dba: 1 }; got no group'],
    [{ steps: [{ groups: { dbas: 1 } }] }, 'review.steps[0].groups.dbas must be a defined group (did you mean dba?); got "dbas"'],
    [{ groups: { dba: { approvals: 0 } } }, 'review.groups.dba.approvals must be a whole number from 1 to 1000; got 0'],
    [{ groups: { dba: { approvals: 1, denials: 0 } } }, 'review.groups.dba.denials must be a whole number from 1 to 1000; got 0'],
    [{ ...STEPS, escalate: { to: 'leads', after: '1m' } }, 'review.escalate must be omitted, because each step has its own; got an object'],
    [
      {
        groups: { dba: 1 },
        escalate: [
          { to: 'leads', after: '1m' },
          { to: 'leads', after: '2m' },
        ],
      },
      'review.escalate[1].to must be different from every other item; got "leads"',
    ],
  ])('refuses %j', (review, problem) => {
    expect(problemOf(review)).toBe(problem);
  });

  it('reads the same from JSON', async () => {
    const text = JSON.stringify({ groups, rules: [rule(STEPS), rule(EITHER, 's', ['mail:*'])] });
    const policy = readPolicy(text);
    expect(await policy.decide(asking('db:x'))).toMatchObject({ quorum: await quorumOf(rule(STEPS)) });
    expect(await policy.decide(asking('mail:x'))).toMatchObject({ quorum: await quorumOf(rule(EITHER)) });
  });

  it('L10 joins the quorums of several rules: each combination of alternatives, step by step', async () => {
    const joined = await quorumOf(rule(EITHER), rule(STEPS, 's', ['mail:*']));
    expect(joined).toEqual({
      anyOf: [
        {
          steps: [
            { groups: [{ name: 'dba', approvals: 2 }] },
            { groups: [{ name: 'security', approvals: 1 }], escalation: [{ group: 'leads', afterMs: 60 * MINUTE }] },
          ],
        },
        {
          steps: [
            {
              groups: [
                { name: 'security', approvals: 1 },
                { name: 'dba', approvals: 1 },
              ],
            },
            { groups: [{ name: 'security', approvals: 1 }], escalation: [{ group: 'leads', afterMs: 60 * MINUTE }] },
          ],
          denials: 1,
        },
      ],
      denials: 1,
    });
  });

  it('L42 denies a request whose rules together have more than 20 alternatives', async () => {
    const rules = ['a', 'b', 'c', 'd', 'e'].map((scope) => rule(EITHER, scope, [`${scope}:*`]));
    const verdict = await policyOf(...rules).decide(asking(['a:x', 'b:x', 'c:x', 'd:x', 'e:x']));
    expect(verdict).toMatchObject({ outcome: 'deny', reason: expect.stringContaining('more than 20 alternatives') as string });
  });

  it('reminds as often as the rule that reminds most often, and not at all where no rule does (feature 11)', async () => {
    const reminding = (id: string, remindEvery?: Duration) => rule({ groups: { dba: 1 }, remindEvery }, id, [`${id}:*`]);
    const policy = policyOf(reminding('a', '2h'), reminding('b', 3_600_000), reminding('c'), reminding('d'));
    const every = async (...scopes: string[]) => {
      const verdict = await policy.decide(asking(scopes));
      return verdict.outcome === 'review' ? verdict.quorum.remindEveryMs : 'no review';
    };
    expect(await every('a:x')).toBe(120 * MINUTE);
    expect(await every('a:x', 'b:x', 'c:x')).toBe(60 * MINUTE);
    expect(await every('c:x', 'd:x')).toBeUndefined();
  });

  it('is described in words by explain and requestable', async () => {
    const policy = policyOf(rule({ anyOf: [{ groups: { dba: 2, leads: 1 } }, { steps: STEPS.steps }] }));
    const words = '2 of dba and 1 of leads, or 1 of dba, then 1 of security';
    expect(await policy.explain({ subject: 'user:maya', scope: 'db:x', ttl: '1m' })).toMatchObject({
      quorumInWords: words,
      reviewers: ['user:ana', 'user:kim', 'user:sam', 'user:rob', 'user:noor'],
    });
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: policy, clock: new ManualClock() });
    expect((await requestable(engine, 'user:maya')).items[0]).toMatchObject({ quorumInWords: words });
  });
});

describe('a quorum that can never be met (feature 5)', () => {
  it.each<readonly [Review, string | undefined]>([
    [
      { groups: { leads: 2 } },
      'needs 2 approvals from group leads, but only 1 of its members may review this request: its subject and its requester never may',
    ],
    [
      { steps: [{ groups: { leads: 1 } }, { groups: { leads: 1 } }] },
      'needs 2 approvals from group leads, but only 1 of its members may review this request: its subject and its requester never may',
    ],
    [{ anyOf: [{ groups: { leads: 2 } }, { groups: { dba: 1 } }] }, undefined],
    [{ groups: { leads: 2 }, escalate: { to: 'sre', after: '1m' } }, undefined],
    [
      { groups: { security: 2, noor: 1 } },
      'needs 3 different reviewers, but the groups list too few who may review this request: 1 more of noor',
    ],
    [{ groups: { leads: 1 }, denials: 2 }, 'needs 2 denials to end a request, but only 1 people may review this request'],
  ])('A8 is refused when it is asked for: %j', async (review, reason) => {
    const policy = definePolicy({ groups: { ...groups, noor: ['user:noor'] }, rules: [rule(review)] });
    const verdict = await policy.decide(asking('db:x'));
    expect(verdict).toMatchObject(reason === undefined ? { outcome: 'review' } : { outcome: 'deny', reason });
  });

  it.each<readonly [Review, readonly string[]]>([
    [STEPS, []],
    [
      { steps: [{ groups: { leads: 1 } }, { groups: { leads: 1 } }] },
      ['rule r needs 2 approvals from group leads, which lists only 1. Add people to it, or lower the number'],
    ],
    [
      { anyOf: [{ groups: { dba: 1 } }, { groups: { leads: 2 } }] },
      ['rule r needs 2 approvals from group leads, which lists only 1. Add people to it, or lower the number'],
    ],
    [
      { steps: [{ groups: { vacant: 1 } }, { groups: { dba: 1 } }] },
      ['group vacant of rule r is empty. Add people to it, or name another group'],
    ],
    [
      { groups: { dba: { approvals: 1, denials: 4 } }, denials: 1 },
      ['rule r needs 4 denials in group dba to end a request, but only 3 people may deny there. Lower its denials'],
    ],
    [
      { anyOf: [{ groups: { leads: 1 }, denials: 2 }], denials: 1 },
      ['rule r needs 2 denials in alternative 1 to end a request, but only 1 people may deny there. Lower its denials'],
    ],
    [
      { steps: [{ groups: { dba: 1 }, escalate: { to: 'leads', after: '2h' } }], reviewWithin: '1h' },
      ['rule r escalates to group leads only after the review deadline. Shorten escalate.after, or lengthen reviewWithin'],
    ],
  ])('A8 is named by lint: %j', (review, messages) => {
    const policy = definePolicy({ groups: { ...groups, vacant: [] }, rules: [rule(review)] });
    expect(
      policy
        .lint()
        .filter(({ code }) => code !== 'unused_group')
        .map(({ message }) => message),
    ).toEqual(messages);
  });
});

/** A threshold of Teleport: the reviewers that its filter selects, and its numbers of approvals and denials. */
interface Threshold {
  readonly filter: readonly string[];
  readonly approve: number;
  readonly deny: number;
}

/**
 * The semantics that Teleport documents: a review counts in each threshold whose filter selects its reviewer. The first threshold
 * that reaches its number of approvals or denials decides.
 */
function teleport(thresholds: readonly Threshold[], reviews: readonly (readonly [string, 'approve' | 'deny'])[]): string {
  for (const [i] of reviews.entries()) {
    const given = reviews.slice(0, i + 1);
    const count = ({ filter }: Threshold, verdict: string) => given.filter(([by, said]) => said === verdict && filter.includes(by)).length;
    if (thresholds.some((one) => count(one, 'deny') >= one.deny)) return 'denied';
    if (thresholds.some((one) => count(one, 'approve') >= one.approve)) return 'approved';
  }
  return 'pending';
}

describe('the thresholds of Teleport (feature 5)', () => {
  it('A8 one policy expresses them for all requests: several in OR, own numbers of denials, and filters on reviewers', async () => {
    const people = ['user:a', 'user:b', 'user:c', 'user:d', 'user:e'];
    const threshold = fc.record({
      filter: fc.subarray(people, { minLength: 1 }),
      approve: fc.integer({ min: 1, max: 3 }),
      deny: fc.integer({ min: 1, max: 2 }),
    });
    const verdicts = fc.array(fc.constantFrom('approve' as const, 'deny' as const), { minLength: 5, maxLength: 5 });
    const order = fc.shuffledSubarray(people, { minLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(threshold, { minLength: 1, maxLength: 3 }), order, verdicts, async (thresholds, reviewers, said) => {
        const policy = definePolicy({
          groups: Object.fromEntries(thresholds.map(({ filter }, i) => [`t${i}`, filter])),
          rules: [
            rule({
              anyOf: thresholds.map(({ approve, deny }, i) => ({ groups: { [`t${i}`]: approve }, denials: deny })),
              // Never reached before a threshold: with more denials than this, one of them has its number.
              denials: thresholds.reduce((sum, { deny }) => sum + deny - 1, 1),
            }),
          ],
        });
        const engine = new JitEngine({ store: new MemoryGrantStore(), approver: policy, clock: new ManualClock() });
        const { request, outcome } = await engine.requestAccess({ subject: 'user:maya', scope: 'db:x', ttl: '1m' });
        // A request that no reviewer could approve or deny is refused (A8). Teleport lets it wait.
        fc.pre(outcome === 'pending');
        const given: (readonly [string, 'approve' | 'deny'])[] = [];
        for (const [i, by] of reviewers.entries()) {
          if (!thresholds.some(({ filter }) => filter.includes(by))) continue;
          const verdict = said[i] as 'approve' | 'deny';
          await engine[verdict](request.id, { by });
          given.push([by, verdict]);
          const status = (await engine.getRequest(request.id))?.request.end?.status ?? 'pending';
          expect(status).toBe(teleport(thresholds, given));
          if (status !== 'pending') return;
        }
      }),
      { numRuns: 150 },
    );
  });
});
