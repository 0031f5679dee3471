import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBreakGlass, readVerdict } from '../../src/lifecycle/verdict.js';
import { refusal } from '../engine/an-engine.js';

const GROUPS = [{ name: 'ops', approvals: 2 }];
const NO_TERMS = { warnBeforeMs: undefined, idleTtlMs: undefined, maxUses: undefined, maxTotalMs: undefined, endBy: undefined };

const argumentOf = async (read: () => unknown): Promise<string> => (await refusal(read, 'ERR_JIT_INVALID_ARGUMENT')).argument;

/** A value as a title shows it. */
const shown = (value: unknown): string =>
  inspect(value, { compact: true, breakLength: Infinity, depth: 5, maxArrayLength: 3, maxStringLength: 20 });

type Row = readonly [argument: string, answer: unknown];

/** Terms that both kinds of answer refuse, and the argument that the error names. */
const TERMS: readonly Row[] = [
  ['terms', null],
  ['terms', 'forever'],
  ['terms', { maxuses: 1 }],
  ['terms', { maxUse: 3 }],
  ['terms.warnBeforeMs', { warnBeforeMs: 0 }],
  ['terms.warnBeforeMs', { warnBeforeMs: 5 }],
  ['terms.warnBeforeMs', { warnBeforeMs: [] }],
  ['terms.warnBeforeMs', { warnBeforeMs: [1, 2, 1] }],
  ['terms.warnBeforeMs[1]', { warnBeforeMs: [1, 0] }],
  ['terms.warnBeforeMs[0]', { warnBeforeMs: ['5m'] }],
  ...[0, -1, 1.5, NaN, Infinity, null].map((idleTtlMs) => ['terms.idleTtlMs', { idleTtlMs }] as const),
  ...[0, -1, 0.5, 1.5, NaN, 2 ** 53, '3'].map((maxUses) => ['terms.maxUses', { maxUses }] as const),
  ...[0, Infinity].map((maxTotalMs) => ['terms.maxTotalMs', { maxTotalMs }] as const),
  ...[-1, 1.5, Infinity, '2026-12-20'].map((endBy) => ['terms.endBy', { endBy }] as const),
];

describe('readVerdict()', () => {
  it('reads each outcome, with every default in place', () => {
    expect(readVerdict('p', { outcome: 'approve' })).toEqual({
      approver: 'p',
      rule: undefined,
      verdict: { outcome: 'approve', reason: undefined, terms: NO_TERMS },
    });
    expect(readVerdict('p', { outcome: 'deny', reason: 'no', approver: 'q', rule: 'r1' })).toEqual({
      approver: 'q',
      rule: 'r1',
      verdict: { outcome: 'deny', reason: 'no' },
    });
    expect(readVerdict('p', { outcome: 'abstain' })).toEqual({ approver: 'p', rule: undefined, verdict: { outcome: 'abstain' } });
    expect(readVerdict('p', { outcome: 'review', quorum: { groups: GROUPS } }).verdict).toEqual({
      outcome: 'review',
      quorum: { groups: GROUPS, denials: 1, approvalTtlMs: undefined, escalation: undefined },
      reviewWithinMs: undefined,
      terms: NO_TERMS,
    });
  });

  it('reads every field of a quorum', () => {
    const escalation = { group: 'leads', afterMs: 5 };
    const terms = { warnBeforeMs: [9, 1], idleTtlMs: 2, maxUses: 3, maxTotalMs: 4, endBy: 5 };
    const quorum = { groups: GROUPS, denials: 3, approvalTtlMs: 7, reviewWithinMs: 9, escalation, remindEveryMs: 300_000 };
    expect(readVerdict('p', { outcome: 'review', quorum, terms }).verdict).toEqual({
      outcome: 'review',
      quorum: { groups: GROUPS, denials: 3, approvalTtlMs: 7, escalation: [escalation], remindEveryMs: 300_000 },
      reviewWithinMs: 9,
      terms,
    });
  });

  const review = (quorum: unknown) => ({ outcome: 'review', quorum });
  const inQuorum = (over: object) => review({ groups: GROUPS, ...over });
  const inGroup = (over: object) => review({ groups: [{ name: 'ops', approvals: 1, ...over }] });
  const COUNTS = [0, -1, -0, 1.5, NaN, Infinity, '1', null, [1], 2 ** 53];
  const throwing = {
    get outcome() {
      throw new Error('no');
    },
  };
  const cases: readonly Row[] = [
    ...[undefined, null, true, 'approve', ['approve']].map((answer) => ['verdict', answer] as const),
    ['verdict', { outcome: 'approve', granted: true }],
    ['verdict', Object.create({ outcome: 'approve' })],
    ['verdict.outcome', {}],
    ['verdict.outcome', throwing],
    ...['approved', 'APPROVE', new String('approve'), true].map((outcome) => ['verdict.outcome', { outcome }] as const),
    ['verdict.reason', { outcome: 'deny', reason: 7 }],
    ['verdict.reason', { outcome: 'deny', reason: '\u001b[31m' }],
    ['verdict.reason', { outcome: 'approve', reason: {} }],
    ['verdict.reason', { outcome: 'approve', reason: 7 }],
    ['verdict.approver', { outcome: 'approve', approver: '' }],
    ['verdict.rule', { outcome: 'approve', rule: ' x' }],
    ['verdict.rule', { outcome: 'abstain', rule: 7 }],
    ['verdict.quorum', { outcome: 'approve', quorum: { groups: GROUPS } }],
    ['verdict.quorum', { outcome: 'approve', quorum: { groups: [] } }],
    ['verdict.quorum', { outcome: 'abstain', quorum: {} }],
    ['verdict.quorum', { outcome: 'review' }],
    ['verdict.quorum', review(undefined)],
    ['verdict.quorum', review([])],
    ['verdict.quorum', inQuorum({ steps: [{ groups: GROUPS }] })],
    ['verdict.quorum', inQuorum({ approvals: 1 })],
    ['verdict.quorum', inQuorum({ denial: 1 })],
    ['verdict.quorum.groups', review({})],
    ['verdict.quorum.groups', review({ groups: [] })],
    ['verdict.quorum.groups', review({ groups: { 0: GROUPS[0], length: 1 } })],
    ['verdict.quorum.groups[0]', review({ groups: [undefined] })],
    ['verdict.quorum.groups[0]', review({ groups: [null] })],
    ['verdict.quorum.groups[0]', inGroup({ approval: 2 })],
    ['verdict.quorum.groups[1]', review({ groups: [...GROUPS, 'sec'] })],
    ['verdict.quorum.groups[1].name', review({ groups: [...GROUPS, ...GROUPS] })],
    ['verdict.quorum.groups[0].name', review({ groups: [{}] })],
    ['verdict.quorum.groups[0].name', review({ groups: [{ approvals: 1 }] })],
    ...[...COUNTS, undefined, 1_001].map((approvals) => ['verdict.quorum.groups[0].approvals', inGroup({ approvals })] as const),
    ...[...COUNTS, 0.5, 1_001].map((denials) => ['verdict.quorum.denials', inQuorum({ denials })] as const),
    ...COUNTS.map((approvalTtlMs) => ['verdict.quorum.approvalTtlMs', inQuorum({ approvalTtlMs })] as const),
    ...COUNTS.map((reviewWithinMs) => ['verdict.quorum.reviewWithinMs', inQuorum({ reviewWithinMs })] as const),
    ...[...COUNTS, 1, 299_999].map((remindEveryMs) => ['verdict.quorum.remindEveryMs', inQuorum({ remindEveryMs })] as const),
    ...['leads', null].map((escalation) => ['verdict.quorum.escalation', inQuorum({ escalation })] as const),
    ['verdict.quorum.escalation', inQuorum({ escalation: { group: 'leads', afterMs: 1, to: 'x' } })],
    ['verdict.quorum.escalation', review({ steps: [{ groups: GROUPS }], escalation: { group: 'leads', afterMs: 1 } })],
    ...[{}, { afterMs: 1 }, { group: '', afterMs: 1 }, { group: ['leads'], afterMs: 1 }].map(
      (escalation) => ['verdict.quorum.escalation.group', inQuorum({ escalation })] as const,
    ),
    ...[undefined, 0, -1, Infinity].map(
      (afterMs) => ['verdict.quorum.escalation.afterMs', inQuorum({ escalation: { group: 'leads', afterMs } })] as const,
    ),
  ];
  for (const [argument, answer] of cases) {
    it(`L16 L30 names ${argument}, and never reads as a yes: ${shown(answer)}`, async () => {
      expect(await argumentOf(() => readVerdict('p', answer))).toBe(argument);
    });
  }

  for (const [argument, terms] of TERMS) {
    it(`L3 L30 names ${argument}, and reads no approval and no review on the terms ${shown(terms)}`, async () => {
      expect(await argumentOf(() => readVerdict('p', { outcome: 'approve', terms }))).toBe(`verdict.${argument}`);
      expect(await argumentOf(() => readVerdict('p', { ...inQuorum({}), terms }))).toBe(`verdict.${argument}`);
    });
  }

  it('L16 reads only reviews that need at least one approval (a property)', () => {
    const number = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double(), fc.constantFrom(undefined, null, '1'));
    const group = fc.record({ name: fc.constantFrom('a', 'b', ''), approvals: number });
    fc.assert(
      fc.property(fc.record({ groups: fc.array(group, { maxLength: 3 }), denials: number }), (quorum) => {
        let read;
        try {
          read = readVerdict('p', { outcome: 'review', quorum }).verdict;
        } catch {
          return;
        }
        if (read.outcome !== 'review') throw new Error('it is a review');
        const { groups = [] } = read.quorum;
        expect(groups.length).toBeGreaterThan(0);
        for (const { approvals } of groups) expect(Number.isSafeInteger(approvals) && approvals > 0).toBe(true);
        expect(read.quorum.denials).toBeGreaterThan(0);
      }),
    );
  });
});

describe('readBreakGlass()', () => {
  const APPROVE = { outcome: 'approve', reviewWithinMs: 5 };

  it('reads each outcome, with every default in place', () => {
    expect(readBreakGlass('p', APPROVE)).toEqual({
      approver: 'p',
      rule: undefined,
      verdict: { ...APPROVE, maxUnreviewed: 1, reviewers: [], skippedGroups: [], skippedPeople: undefined, terms: NO_TERMS },
    });
    expect(
      readBreakGlass('p', {
        ...APPROVE,
        maxUnreviewed: 2,
        reviewers: ['ciso'],
        skippedGroups: ['g'],
        skippedPeople: [],
        rule: 'r',
        approver: 'q',
      }),
    ).toEqual({
      approver: 'q',
      rule: 'r',
      verdict: { ...APPROVE, maxUnreviewed: 2, reviewers: ['ciso'], skippedGroups: ['g'], skippedPeople: [], terms: NO_TERMS },
    });
    expect(readBreakGlass('p', { outcome: 'deny', reason: 'no' }).verdict).toEqual({ outcome: 'deny', reason: 'no', problems: [] });
    expect(readBreakGlass('p', { outcome: 'abstain' }).verdict).toEqual({ outcome: 'abstain' });
  });

  it('names the problems where they are malformed, or stand beside another outcome', async () => {
    const problems = [{ field: 'ttl', code: 'too_long' }];
    expect(await argumentOf(() => readBreakGlass('p', { ...APPROVE, problems }))).toBe('verdict.problems');
    expect(await argumentOf(() => readBreakGlass('p', { outcome: 'deny', problems: 'ttl' }))).toBe('verdict.problems');
    expect(readBreakGlass('p', { outcome: 'deny', problems }).verdict).toMatchObject({ problems });
  });

  const cases: readonly Row[] = [
    ...[undefined, null, true, 'approve'].map((answer) => ['verdict', answer] as const),
    ['verdict', { ...APPROVE, quorum: { groups: GROUPS } }],
    ['verdict', { outcome: 'review', quorum: { groups: GROUPS } }],
    ['verdict', { ...APPROVE, maxUnreviewd: 3 }],
    ['verdict.outcome', { ...APPROVE, outcome: 'review' }],
    ['verdict.outcome', { reviewWithinMs: 5 }],
    ['verdict.reviewWithinMs', { outcome: 'approve' }],
    ...[0, -1, NaN, Infinity, null, ''].map((reviewWithinMs) => ['verdict.reviewWithinMs', { ...APPROVE, reviewWithinMs }] as const),
    ...[0, -1, 1.5, NaN, Infinity, '1', null, 1_001].map(
      (maxUnreviewed) => ['verdict.maxUnreviewed', { ...APPROVE, maxUnreviewed }] as const,
    ),
    ['verdict.reviewers', { ...APPROVE, reviewers: 'ops' }],
    ['verdict.reviewers', { ...APPROVE, reviewers: Array.from({ length: 1_001 }, (_, i) => `g${i}`) }],
    ['verdict.reviewers[1]', { ...APPROVE, reviewers: ['ops', ''] }],
    ['verdict.skippedGroups', { ...APPROVE, skippedGroups: 'ops' }],
    ['verdict.skippedGroups', { ...APPROVE, skippedGroups: Array.from({ length: 1_001 }, (_, i) => `g${i}`) }],
    ['verdict.skippedGroups[0]', { ...APPROVE, skippedGroups: [''] }],
    ['verdict.skippedGroups[1]', { ...APPROVE, skippedGroups: ['ops', ''] }],
    ['verdict.skippedPeople', { ...APPROVE, skippedPeople: null }],
    ['verdict.skippedPeople', { ...APPROVE, skippedPeople: 'user:sam' }],
    ['verdict.skippedPeople[0]', { ...APPROVE, skippedPeople: [7] }],
    ['verdict.reason', { outcome: 'deny', reason: 7 }],
    ['verdict.approver', { ...APPROVE, approver: 7 }],
    ['verdict.rule', { outcome: 'abstain', rule: '' }],
    ...TERMS.map(([argument, terms]) => [`verdict.${argument}`, { ...APPROVE, terms }] as const),
  ];
  for (const [argument, answer] of cases) {
    it(`L30 names ${argument}, and never reads as a yes: ${shown(answer)}`, async () => {
      expect(await argumentOf(() => readBreakGlass('p', answer))).toBe(argument);
    });
  }
});
