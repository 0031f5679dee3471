import { bindingHash, boundMembers, isBindingHash, isSameTuple } from 'jit-access/authzen/access-request';
import { describe, expect, it } from 'vitest';

const ALICE = { type: 'user', id: 'alice@example.com' };
const PLAN = { type: 'document', id: 'q4-plan' };
const READ = { name: 'can_read' };
const TUPLE = { subject: ALICE, resource: PLAN, action: READ, context: {} };
const ACTOR = {
  subject: { ...ALICE },
  resource: { type: 'tool', id: 'crm.search_accounts' },
  action: { name: 'invoke' },
  context: {},
};

describe('B.4 the binding hash', () => {
  it('B.4 is the hash of the example of a single request', () => {
    expect(bindingHash(TUPLE)).toBe('jy2Na0olk8TuIQE3wxOjXWDCKxtviYbrPjBYSmyF6o8');
  });

  it('B.4 is the hash of the example of a bulk request', () => {
    const items = [
      { resource: PLAN, action: READ },
      { resource: { type: 'channel', id: 'engineering' }, action: { name: 'can_post' } },
    ];
    expect(bindingHash({ subject: ALICE, items, context: {} })).toBe('NM0o1jI6qexrMTEnKEo1dxlaGjYPPOrOs9Ecqzmq3po');
  });

  it('B.4 is the hash of the example of an actor, with and without the actor in the subject', () => {
    const hash = 'yNM9XG-K4Bg6xk5KzQd4GU0mYM6gMuDm5AWz0q1YeeM';
    expect(bindingHash(ACTOR)).toBe(hash);
    expect(bindingHash({ ...ACTOR, subject: { ...ALICE, properties: { act: { sub: 'agent-7' } } } })).toBe(hash);
  });

  it('B.4 accepts both forms of a subject whose only property is the actor', () => {
    const kept = { ...ACTOR, subject: { ...ALICE, properties: {} } };
    for (const hash of ['yNM9XG-K4Bg6xk5KzQd4GU0mYM6gMuDm5AWz0q1YeeM', 'F17OXm28QWX5pVv_Fc_dMxJy2Ut54GOfE-69KeOIgCM'])
      expect(isBindingHash(hash, kept, [])).toBe(true);
    expect(isBindingHash(bindingHash({ ...kept, subject: { ...ALICE, properties: { plan: 'gold' } } }), kept, [])).toBe(false);
  });

  it('B3 covers only the bound members of the context, and never those of the profile', () => {
    const context = {
      ip: '10.0.0.1',
      time: 7,
      reason: 'r',
      approval: { id: 'x' },
      access_request: {},
      evaluation_id: 'e',
      evaluated_at: 't',
    };
    expect(boundMembers(context)).toEqual(['ip', 'time']);
    expect(boundMembers(context, ['ip', 'approval'])).toEqual(['ip']);
    const hash = bindingHash({ ...TUPLE, context }, ['ip', 'approval']);
    expect(hash).toBe(bindingHash({ ...TUPLE, context: { ip: '10.0.0.1', time: 8 } }, ['ip']));
    expect(hash).not.toBe(bindingHash({ ...TUPLE, context: { ip: '10.0.0.2' } }, ['ip']));
  });
});

describe('B3 structural comparison', () => {
  const withProperties = (value: unknown) => ({ ...TUPLE, resource: { ...PLAN, properties: { value } as never } });
  it.each([
    ['the order of members', { a: 1, b: 2 }, { b: 2, a: 1 }, true],
    ['numbers by their RFC 8785 form', 1.0, 1, true],
    ['zero and minus zero', 0, -0, true],
    ['the order of arrays', [1, 2], [2, 1], false],
    ['types', 1, '1', false],
    ['an absent member and null', undefined, null, false],
    ['more members', { a: 1 }, { a: 1, b: 1 }, false],
    ['strings by code point', 'ä', 'a\u0308', false],
    ['large numbers', 1e21, 1e21 + 1e6, false],
  ])('B3 compares %s', (_, a, b, same) => {
    expect(isSameTuple(withProperties(a), withProperties(b), [])).toBe(same);
  });

  it('B3 omits the actor of the subject, and no other property', () => {
    const subject = (properties: object) => ({ ...TUPLE, subject: { ...ALICE, properties: properties as never } });
    expect(isSameTuple(subject({ act: { sub: 'a' }, plan: 'gold' }), subject({ plan: 'gold' }), [])).toBe(true);
    expect(isSameTuple(subject({ act: { sub: 'a' } }), TUPLE, [])).toBe(true);
    expect(isSameTuple(subject({ plan: 'gold' }), TUPLE, [])).toBe(false);
    const nested = (act: object) => ({ ...TUPLE, resource: { ...PLAN, properties: { act } as never } });
    expect(isSameTuple(nested({ sub: 'a' }), nested({ sub: 'b' }), [])).toBe(false);
  });

  it('B3 compares members that are named like those of Object.prototype', () => {
    const context = JSON.parse('{"__proto__": {"a": 1}}') as never;
    const other = JSON.parse('{"__proto__": {"a": 2}}') as never;
    expect(isSameTuple({ ...TUPLE, context }, { ...TUPLE, context: other }, ['__proto__'])).toBe(false);
    expect(bindingHash({ ...TUPLE, context: {} }, ['constructor', 'toString'])).toBe(bindingHash(TUPLE));
  });
});
