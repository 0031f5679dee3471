import { describe, expect, it } from 'vitest';
import { JitEngine, MemoryGrantStore, type AccessRequest } from '../../../src/index.js';
import { definePolicy, type LiveGroup, type PolicyDefinition } from '../../../src/policy.js';
import { ManualClock } from '../../../src/testing.js';

const SAM = 'user:sam';
const RULES: PolicyDefinition['rules'] = [
  { id: 'db', scopes: ['db:*'], review: { groups: { dba: 1 } } },
  { id: 'web', scopes: ['web:*'], review: { groups: { web: 1, dba: 1 }, escalate: { to: 'lead', after: '1h' } } },
];

/** An engine with a policy whose groups are these, with one pending request for each scope. */
async function pending(groups: Partial<Record<'dba' | 'web' | 'lead', readonly string[] | LiveGroup>>, scopes = ['db:1', 'web:1', 'db:2']) {
  const told: unknown[] = [];
  const policy = definePolicy({ groups: { dba: [], web: [], lead: [], ...groups }, rules: RULES });
  const clock = new ManualClock();
  const engine = new JitEngine({ store: new MemoryGrantStore(), approver: policy, clock, onError: (error) => told.push(error) });
  for (const [i, scope] of scopes.entries()) {
    await engine.requestAccess({ subject: `user:${i}`, scope, ttl: '30m' });
    await clock.advance(1);
  }
  const seen = async () => (await engine.inbox(SAM)).items.map(({ request, groups: own }) => `${request.scopes.join()} ${own.join('+')}`);
  return { engine, policy, clock, told, seen };
}

/** A live group that answers for many requests together, and counts its questions. */
function together(isIn: (request: AccessRequest) => boolean) {
  const asked = { one: 0, all: [] as number[] };
  const group: LiveGroup = {
    isMember: (_, request) => {
      asked.one += 1;
      return isIn(request);
    },
    isMemberForAll: async (_, requests) => {
      asked.all.push(requests.length);
      return requests.map(isIn);
    },
  };
  return { asked, group };
}

describe('a live group with isMemberForAll', () => {
  it('is asked once for an inbox, about the requests whose quorum names it, and gives what isMember gives', async () => {
    const isIn = ({ scopes: [scope] }: AccessRequest) => scope !== 'db:2';
    const { asked, group } = together(isIn);
    const all = await pending({ dba: group, web: [SAM] });
    expect(await all.seen()).toEqual(['db:1 dba', 'web:1 web+dba']);
    expect(asked).toEqual({ one: 0, all: [3] });
    const single = await pending({ dba: { isMember: (_, request) => isIn(request) }, web: [SAM] });
    expect(await single.seen()).toEqual(await all.seen());
    expect(single.policy.groupsOfAll).toBeUndefined();
  });

  it('stands beside lists, groups of code and groups that are asked one by one', async () => {
    const { asked, group } = together(() => true);
    const { seen, clock } = await pending({ dba: [SAM], web: { isMember: () => false }, lead: group });
    expect(await seen()).toEqual(['db:1 dba', 'web:1 dba', 'db:2 dba']);
    expect(asked.all).toEqual([1]);
    await clock.advance('1h');
    expect(await seen()).toEqual(['db:1 dba', 'web:1 web+dba', 'db:2 dba']);
  });

  it('L17 does not decide a review: isMember does', async () => {
    const { group } = together(() => true);
    const { engine } = await pending({ dba: { ...group, isMember: () => false } }, ['db:1']);
    const [item] = (await engine.inbox(SAM)).items;
    await expect(engine.approve(item?.request.id as string, { by: SAM })).rejects.toMatchObject({ code: 'ERR_JIT_NOT_REVIEWER' });
  });

  it.each([
    ['throws', () => Promise.reject(new Error('LDAP is down'))],
    ['gives too few items', () => [true]],
    ['gives no list', () => true],
    ['gives items that are no booleans', (_: string, requests: readonly unknown[]) => requests.map(() => 'yes')],
  ])('L30 hides and reports the requests that it %s about, and shows the others', async (_, isMemberForAll) => {
    const dba = { isMember: () => true, isMemberForAll } as unknown as LiveGroup;
    const { seen, told } = await pending({ dba, web: [SAM], lead: [SAM] }, ['db:1', 'db:2']);
    expect(await seen()).toEqual([]);
    expect(told.length).toBeGreaterThan(0);
  });

  it('is refused where it is no function, and where it is misspelt', () => {
    const policy = (group: object) => () => definePolicy({ groups: { dba: group as LiveGroup }, rules: [RULES[0] as never] });
    expect(policy({ isMember: () => true, isMemberForAll: true })).toThrow('groups.dba.isMemberForAll must be a function');
    expect(policy({ isMember: () => true, isMemberOfAll: () => [] })).toThrow('isMemberForAll');
  });
});
