import { describe, expect, it } from 'vitest';
import type { QuorumInput } from '../../src/core/approver-port.js';
import { completedSteps } from '../../src/lifecycle/quorum.js';
import { missingInWords, missingOf, quorumInWords } from '../../src/records/index.js';
import { aQuorum } from './a-quorum.js';

/** A quorum of groups, each with its number of approvals. */
const quorumOf = (groups: Readonly<Record<string, number>>) =>
  aQuorum({ groups: Object.entries(groups).map(([name, approvals]) => ({ name, approvals })) });

describe('the missing approvals', () => {
  it.each<readonly [groups: Readonly<Record<string, number>>, approvals: readonly (readonly string[])[], missing: string]>([
    [{ a: 1 }, [], '1 more of a'],
    [{ a: 3 }, [['a']], '2 more of a'],
    [{ a: 2, b: 1 }, [], '2 more of a and 1 more of b'],
    [{ a: 1, b: 1, c: 2 }, [], '1 more of a, 1 more of b and 2 more of c'],
    // Counted in one group only, and in the first of them.
    [{ a: 1, b: 1 }, [['a', 'b']], '1 more of b'],
    // The first counts where the second does not.
    [{ a: 1, b: 1, c: 1 }, [['a', 'b'], ['a']], '1 more of c'],
    [{ a: 1, b: 1, c: 1, d: 1 }, [['a', 'b'], ['b', 'c'], ['a']], '1 more of d'],
    [{ a: 1, b: 1 }, [['b'], ['b'], ['c'], []], '1 more of a'],
    [
      { a: 1, b: 1 },
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
      'no more: the next approval counts the quorum again',
    ],
  ])('L14 of %j with the approvals %j are: %s', (groups, approvals, words) => {
    const given = approvals.map((own) => [[own]]);
    const missing = missingOf(quorumOf(groups), given);
    expect(missingInWords(missing)).toBe(words);
    expect(completedSteps(quorumOf(groups), given)[0]?.isMet).toBe(missing.length === 0);
  });
});

describe('a quorum in words', () => {
  const group = (name: string, approvals: number) => ({ name, approvals });
  it.each<readonly [QuorumInput, string]>([
    [{ groups: [group('a', 2)] }, '2 of a'],
    [{ groups: [group('a', 2), group('b', 1)] }, '2 of a and 1 of b'],
    [{ steps: [{ groups: [group('a', 1), group('b', 1)] }, { groups: [group('c', 1)] }] }, '1 of a and 1 of b, then 1 of c'],
    [{ anyOf: [{ groups: [group('a', 2)] }, { groups: [group('b', 1)] }] }, '2 of a, or 1 of b'],
    [
      { anyOf: [{ steps: [{ groups: [group('a', 1)] }, { groups: [group('a', 1)] }] }, { groups: [group('b', 1)] }] },
      '1 of a, then 1 of a, or 1 of b',
    ],
  ])('%j is: %s', (input, words) => {
    expect(quorumInWords(aQuorum(input))).toBe(words);
  });
});
