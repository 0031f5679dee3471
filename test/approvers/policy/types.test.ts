import { expectTypeOf, it } from 'vitest';
import {
  definePolicy,
  type BreakGlassRule,
  type LiveGroup,
  type PolicyDefinition,
  type PolicyRule,
  type ReviewGroups,
} from '../../../src/policy.js';

/* Judged by the compiler: nothing here runs. */

const groups = { sre: ['user:maya'], dba: ['user:ana'], lead: { isMember: (person: string) => person === 'user:kim' } };
const head = { id: 'p', scopes: ['db:*'] } as const;
const bounds = { id: 'bg', scopes: ['db:*'], maxTtl: '1h', reviewWithin: '1d' } as const;
const after = '1h';

it('[A18] takes each defined group wherever a policy names one', () => {
  void (() => {
    definePolicy({
      groups: { ...groups, managers: { isMember: (person, request) => person !== request.subject } },
      rules: [
        { ...head, subjects: ['user:x', { like: 'user:*' }, { group: 'sre' }], deny: 'no' },
        { ...head, subjects: [{ group: 'sre' }], requesters: [{ self: true }, { group: 'managers' }], approve: true },
        { ...head, review: { groups: { dba: 1, lead: { approvals: 1, denials: 1 } }, escalate: { to: 'managers', after } } },
        { ...head, review: { steps: [{ groups: { dba: 1 }, escalate: [{ to: 'lead', after }] }] } },
        { ...head, review: { anyOf: [{ groups: { dba: 1 } }, { steps: [{ groups: { lead: 1 } }] }] } },
      ],
      breakGlass: [{ ...bounds, subjects: [{ group: 'sre' }], reviewers: ['dba', 'managers'] }],
    });
  });
});

it('[A18] refuses a misspelt group wherever a policy names one', () => {
  void (() => {
    // @ts-expect-error a subject
    definePolicy({ groups, rules: [{ ...head, subjects: [{ group: 'srre' }], approve: true }] });
    // @ts-expect-error a subject that is denied
    definePolicy({ groups, rules: [{ ...head, subjects: [{ group: 'srre' }], deny: 'no' }] });
    // @ts-expect-error a requester
    definePolicy({ groups, rules: [{ ...head, requesters: [{ group: 'srre' }], approve: true }] });
    // @ts-expect-error the group of a review
    definePolicy({ groups, rules: [{ ...head, review: { groups: { dbaa: 1 } } }] });
    // @ts-expect-error one of two groups of a review
    definePolicy({ groups, rules: [{ ...head, review: { groups: { dba: 1, leed: 1 } } }] });
    // @ts-expect-error a step
    definePolicy({ groups, rules: [{ ...head, review: { steps: [{ groups: { dbaa: 1 } }] } }] });
    // @ts-expect-error an alternative
    definePolicy({ groups, rules: [{ ...head, review: { anyOf: [{ groups: { dbaa: 1 } }] } }] });
    // @ts-expect-error the steps of an alternative
    definePolicy({ groups, rules: [{ ...head, review: { anyOf: [{ steps: [{ groups: { dbaa: 1 } }] }] } }] });
    // @ts-expect-error a group that stands in
    definePolicy({ groups, rules: [{ ...head, review: { groups: { dba: 1 }, escalate: { to: 'leed', after } } }] });
    // @ts-expect-error one of several groups that stand in
    definePolicy({ groups, rules: [{ ...head, review: { groups: { dba: 1 }, escalate: [{ to: 'leed', after }] } }] });
    // @ts-expect-error a group that stands in for those of a step
    definePolicy({ groups, rules: [{ ...head, review: { steps: [{ groups: { dba: 1 }, escalate: { to: 'leed', after } }] } }] });
    // @ts-expect-error the reviewers of break-glass access
    definePolicy({ groups, rules: [], breakGlass: [{ ...bounds, reviewers: ['dbaa'] }] });
    // @ts-expect-error the subjects of a break-glass rule
    definePolicy({ groups, rules: [], breakGlass: [{ ...bounds, subjects: [{ group: 'srre' }], reviewers: ['dba'] }] });
    // @ts-expect-error still another field
    definePolicy({ groups, rules: [{ ...head, subjects: [{ group: 'sre' }], maxTTL: '1h', approve: true }] });
  });
});

it('takes a policy whose names are known only at run time', () => {
  interface Loaded {
    readonly rules: readonly PolicyRule[];
    readonly rule: BreakGlassRule;
    readonly whole: PolicyDefinition;
    readonly part: Partial<PolicyDefinition>;
    readonly lists: Readonly<Record<string, readonly string[]>>;
    readonly quorum: ReviewGroups;
    readonly name: string;
    readonly live: LiveGroup;
  }
  void (({ rules, rule, whole, part, lists, quorum, name, live }: Loaded) => {
    definePolicy(whole);
    definePolicy({ ...whole, name });
    definePolicy({ groups, rules: [], ...part });
    definePolicy({ rules });
    definePolicy({ groups, rules, breakGlass: [rule] });
    definePolicy({ groups: lists, rules: [{ ...head, subjects: [{ group: 'any' }], review: { groups: { other: 1 } } }] });
    definePolicy({ groups: { [name]: live }, rules: [{ ...head, review: { groups: { [name]: 1, any: 1 } } }] });
    definePolicy({ groups, rules: [{ ...head, subjects: [{ group: name }], review: { groups: quorum } }] });
    definePolicy({ groups, rules: [{ ...head, subjects: [{ group: 'sre' }], review: { groups: quorum } }] });
    definePolicy({ groups, rules: [], breakGlass: [{ ...bounds, reviewers: [name] }] });
    definePolicy({ groups: undefined, rules: JSON.parse('[]') as PolicyRule[] });
  });
  expectTypeOf(definePolicy).toExtend<(policy: PolicyDefinition) => unknown>();
  expectTypeOf<PolicyDefinition>().toExtend<Parameters<typeof definePolicy>[0]>();
  expectTypeOf<Parameters<typeof definePolicy>[0]>().toExtend<PolicyDefinition>();
  expectTypeOf<ReviewGroups>().toEqualTypeOf<
    Readonly<Record<string, number | { readonly approvals: number; readonly denials?: number | undefined }>>
  >();
});
