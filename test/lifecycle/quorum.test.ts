import { describe, expect, it } from 'vitest';
import { isMet, missingInWords, missingOf } from '../../src/lifecycle/quorum.js';
import { makeQuorum } from '../../src/records/index.js';

/** A quorum of groups, each with its number of approvals. */
const quorumOf = (groups: Readonly<Record<string, number>>) =>
  makeQuorum({
    groups: Object.entries(groups).map(([name, approvals]) => ({ name, approvals })),
    denials: 1,
    approvalTtlMs: undefined,
    escalation: undefined,
  });

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
    const given = approvals.map((own) => ({ groups: own }));
    const missing = missingOf(quorumOf(groups), given);
    expect(missingInWords(missing)).toBe(words);
    expect(isMet(quorumOf(groups), given)).toBe(missing.length === 0);
  });
});
