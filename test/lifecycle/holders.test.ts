import { describe, expect, it } from 'vitest';
import { recordHolders, type HoldersByRule } from '../../src/lifecycle/holders.js';
import { makeTerms } from '../../src/records/index.js';
import { aGrant, aRequest, START_AT } from '../../src/testing.js';

const MOMENT = { now: START_AT, highWater: START_AT, forEnds: START_AT, steppedBack: false, actor: 'user:sam' };
const NONE: HoldersByRule = new Map([['one', { row: undefined, grants: [], unreadable: [] }]]);

describe('recordHolders()', () => {
  const grant = aGrant({ scope: 'a' });
  const terms = makeTerms({
    ...{ warnBeforeMs: undefined, idleTtlMs: undefined, maxUses: undefined, maxTotalMs: undefined, endBy: undefined },
    maxHolders: [{ rule: 'one', max: 1, scopes: ['a'] }],
  });
  const request = aRequest({ approver: 'policy', terms });

  it('creates the row of a rule with the first grant under it, and none without such a grant (feature 11)', () => {
    expect(recordHolders(request, [grant], NONE, MOMENT, true)).toMatchObject([{ version: 1, rule: 'one', grantIds: [grant.id] }]);
    expect(recordHolders(request, [aGrant({ scope: 'b' })], NONE, MOMENT, true)).toEqual([]);
  });

  it('counts no break-glass access without the row of the rule, and does not refuse it', () => {
    expect(recordHolders(request, [grant], undefined, MOMENT, false)).toEqual([]);
  });

  it.each([
    ['the row of the rule', request, undefined],
    ['the row of this rule', request, new Map()],
    ['the name of the approver', aRequest({ terms }), NONE],
  ])('issues no grant under the limit without %s', (_what, of, holders) => {
    expect(() => recordHolders(of, [grant], holders, MOMENT, true)).toThrow('an approval under maxHolders needs its context');
  });
});
