import { definePolicy, type PolicyRule } from 'jit-access/policy';
import { describe, expect, it } from 'vitest';
import { autoApprove, denyAll, exactScopes, firstDecisive, patternScopes, reviewers, type Approver } from '../../src/index.js';
import type { RequestableAnswer, RequestableContext, RequestableInput } from '../../src/explain.js';
import { hangs, malformed, ScriptedApprover, throws } from '../../src/testing.js';

const MAYA = 'user:maya';
const contextWith = (over: Partial<RequestableContext> = {}): RequestableContext => ({
  at: 0,
  scopes: patternScopes,
  canonicalId: undefined,
  requestedBy: MAYA,
  operator: undefined,
  ...over,
});
const lists = (name: string, ...items: readonly RequestableInput[]): Approver => new ScriptedApprover({ requestable: { items } }, name);
const at = (scope: string, outcome: RequestableInput['outcome'] = 'approve'): RequestableInput => ({ scope, outcome });
const ask = async (members: readonly Approver[], over: Partial<RequestableContext> = {}) =>
  (await firstDecisive(...members).requestable?.(MAYA, contextWith(over))) as RequestableAnswer;
const short = ({ items }: RequestableAnswer) => items.map(({ scope, approver, except }) => [scope, approver, except]);

describe('requestable() of a chain (feature 1)', () => {
  it('lists the items of all members in order, each with the member by whose name a request would be found', async () => {
    const part = { ...at('c'), approver: 'part' };
    const whole: Approver = {
      name: 'whole',
      answersFor: (name) => name === 'part',
      decide: () => ({ outcome: 'abstain' }),
      requestable: () => ({ items: [part, { ...at('d'), approver: 'other' }] }),
    };
    const answer = await ask([lists('one', at('a')), lists('two', at('b')), whole]);
    expect(short(answer)).toEqual([
      ['a', 'one', []],
      ['b', 'two', []],
      ['c', 'part', []],
      ['d', 'whole', []],
    ]);
    expect([answer.complete, answer.denied]).toEqual([true, []]);
  });

  it('omits what an earlier member decides, for each verb alone', async () => {
    const answer = await ask([lists('one', at('a:*')), lists('two', at('a:b'), at('a:b', 'break_glass'), at('a:**'))]);
    expect(answer.items.map(({ scope, outcome, approver }) => [scope, outcome, approver])).toEqual([
      ['a:*', 'approve', 'one'],
      ['a:b', 'break_glass', 'two'],
      ['a:**', 'approve', 'two'],
    ]);
  });

  it('omits what an earlier member denies, excludes the parts, and leaves the items of the members before it', async () => {
    const deny: PolicyRule = { id: 'no', scopes: ['db:payroll', 'mail:**'], deny: 'no' };
    const policy = definePolicy({ rules: [deny] });
    const answer = await ask([lists('one', at('mail:*')), policy, lists('two', { ...at('db:*'), except: ['db:x'] }, at('mail:read'))]);
    expect(short(answer)).toEqual([
      ['mail:*', 'one', []],
      ['db:*', 'two', ['db:x', 'db:payroll']],
    ]);
    expect(answer.denied).toEqual(['db:payroll', 'mail:**']);
    expect(short(await ask([denyAll(), lists('two', at('a'))]))).toEqual([]);
    expect(short(await ask([lists('two', at('a')), denyAll()]))).toEqual([['a', 'two', []]]);
  });

  it('matches the scopes of items as patterns in an engine with exact scopes, and also by the matcher of the engine', async () => {
    const members = [lists('one', at('a:*')), lists('two', at('a:b'))];
    expect(short(await ask(members, { scopes: exactScopes }))).toEqual([['a:*', 'one', []]]);
    const tree = {
      name: 'tree',
      exact: false,
      covers: (a: string, b: string) => b.startsWith(a),
      overlaps: (a: string, b: string) => a.startsWith(b) || b.startsWith(a),
    };
    expect(short(await ask([lists('one', at('a')), lists('two', at('a:b'))], { scopes: tree }))).toEqual([['a', 'one', []]]);
    const denies = new ScriptedApprover({ requestable: { items: [], denied: ['a:b'] } }, 'denies');
    expect(short(await ask([denies, lists('two', at('a'))], { scopes: tree }))).toEqual([['a', 'two', ['a:b']]]);
  });

  it('says that the list is incomplete where a member cannot list, or lists not all', async () => {
    const auto = autoApprove(() => true);
    expect(await ask([auto, lists('two', at('a'))])).toMatchObject({ items: [{ scope: 'a' }], complete: false });
    expect(await ask([new ScriptedApprover({ requestable: () => undefined })])).toEqual({ items: [], denied: [], complete: false });
    const some = new ScriptedApprover({ requestable: { items: [], complete: false } }, 'some');
    expect(await ask([some, lists('two', at('a'))])).toMatchObject({ complete: false });
    expect(await firstDecisive(reviewers({ members: ['user:sam'] })).requestable?.(MAYA)).toMatchObject({ complete: true });
  });

  it('L42 keeps the bounds of one answer, and says that the list is incomplete', async () => {
    const many = (name: string) => lists(name, ...Array.from({ length: 2_000 }, (_, i) => at(`${name}:${i}`)));
    const both = await ask([many('a'), many('b')]);
    expect([both.items.length, both.complete]).toEqual([2_000, false]);
    const denied = (name: string) =>
      new ScriptedApprover({ requestable: { items: [], denied: Array.from({ length: 600 }, (_, i) => `${name}:${i}`) } }, name);
    const after = await ask([denied('a'), denied('b'), lists('c', at('**'))]);
    expect([after.items, after.denied?.length, after.complete]).toEqual([[], 1_000, false]);
  });

  it('L30 fails where a member fails or answers with anything else, and asks all members together', async () => {
    const broken = [
      null,
      1,
      'a',
      [],
      { items: 'a' },
      { items: [1] },
      { items: [null] },
      { items: [], denied: 1 },
      { items: [], complete: 'yes' },
      { items: [{ scope: 'a', except: 1 }] },
    ];
    for (const answer of broken)
      await expect(ask([new ScriptedApprover({ requestable: malformed(answer) })]), JSON.stringify(answer)).rejects.toThrow();
    await expect(ask([new ScriptedApprover({ requestable: throws(new Error('down')) }, 'one'), lists('two')])).rejects.toThrow('down');
    const second = new ScriptedApprover({ requestable: { items: [] } }, 'two');
    void ask([new ScriptedApprover({ requestable: hangs() }, 'one'), second]);
    expect(second.asked('requestable')).toBe(1);
  });
});

describe('requestable() of reviewers() (feature 1)', () => {
  it('lists every scope, with the reviewers who are left, and denies all where too few are left', async () => {
    const approver = reviewers({ members: ['user:sam', MAYA, 'user:ana'], approvals: 2, denials: 2, reviewWithin: '1h' });
    expect(await approver.requestable?.('user:lee')).toEqual({
      items: [
        {
          scope: '**',
          outcome: 'review',
          patterns: false,
          quorum: { groups: [{ name: 'reviewers', approvals: 2 }], denials: 2, approvalTtlMs: undefined, reviewWithinMs: 3_600_000 },
          reviewers: ['user:sam', MAYA, 'user:ana'],
        },
      ],
    });
    expect((await approver.requestable?.(MAYA))?.items[0]?.reviewers).toEqual(['user:sam', 'user:ana']);
    expect(await approver.requestable?.(MAYA, contextWith({ requestedBy: 'user:sam' }))).toEqual({ items: [], denied: ['**'] });
    const crowd = reviewers({ members: Array.from({ length: 101 }, (_, i) => `user:${i}`) });
    expect((await crowd.requestable?.(MAYA))?.items[0]?.reviewers).toBeUndefined();
  });
});
