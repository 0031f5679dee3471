import { aRequest, hangs, inTurn, malformed, ScriptedApprover, throws } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../src/core/approver-port.js';
import { yieldToOthers } from '../../src/core/turns.js';

const request = aRequest();
const approve: Verdict = { outcome: 'approve' };

describe('ScriptedApprover', () => {
  it('has only the methods that are scripted', () => {
    const bare = new ScriptedApprover();
    expect(bare.name).toBe('scripted');
    expect([bare.groupsOf, bare.membersOf, bare.isEligible]).toEqual([undefined, undefined, undefined]);
    expect('groupsOf' in bare).toBe(false);
    expect(bare.decide(request)).toEqual({ outcome: 'abstain' });
  });

  it('answers with values and with functions of the question', () => {
    const approver = new ScriptedApprover(
      {
        decide: ({ scopes }) => ({ outcome: 'deny', reason: `no ${scopes.join()}` }),
        groupsOf: (reviewer) => (reviewer === 'user:noor' ? ['on-call'] : []),
        membersOf: ['user:noor'],
        isEligible: (_, when) => when !== 'start',
      },
      'policy',
    );
    expect(approver.name).toBe('policy');
    expect(approver.decide(request)).toEqual({ outcome: 'deny', reason: 'no db-prod:write' });
    expect(approver.groupsOf?.('user:noor', request)).toEqual(['on-call']);
    expect(approver.groupsOf?.('user:zoe', request)).toEqual([]);
    expect(approver.membersOf?.(request)).toEqual(['user:noor']);
    expect(approver.isEligible?.(request, 'creation')).toBe(true);
    expect(approver.isEligible?.(request, 'start')).toBe(false);
  });

  it('records its questions, in order', () => {
    const approver = new ScriptedApprover({ decide: approve, groupsOf: [], membersOf: [], isEligible: true });
    void approver.isEligible?.(request, 'creation');
    void approver.decide(request);
    void approver.groupsOf?.('user:noor', request);
    void approver.membersOf?.(request);
    expect(approver.questions).toEqual([
      { method: 'isEligible', when: 'creation', request },
      { method: 'decide', request },
      { method: 'groupsOf', reviewer: 'user:noor', request },
      { method: 'membersOf', request },
    ]);
    expect(approver.asked('decide')).toBe(1);
    expect(approver.asked('groupsOf')).toBe(1);
  });

  it('answers what may be asked for, and records the subject (feature 1)', () => {
    const answer = { items: [{ scope: 'a', outcome: 'approve' }] } as const;
    const approver = new ScriptedApprover({ requestable: (subject) => (subject === 'user:maya' ? answer : undefined) });
    expect([approver.requestable?.('user:maya'), approver.requestable?.('user:eve')]).toEqual([answer, undefined]);
    expect(approver.questions).toEqual(['user:maya', 'user:eve'].map((subject) => ({ method: 'requestable', subject })));
    expect('requestable' in new ScriptedApprover()).toBe(false);
    approver.script.requestable = undefined;
    expect(approver.requestable?.('user:maya')).toBeUndefined();
  });

  it('follows changes of its script; a removed answer is a no', () => {
    const approver = new ScriptedApprover({ decide: approve, groupsOf: ['a'], membersOf: ['b'], isEligible: true });
    approver.script.decide = { outcome: 'deny', reason: 'late' };
    expect(approver.decide(request)).toEqual({ outcome: 'deny', reason: 'late' });
    approver.script.groupsOf = approver.script.membersOf = approver.script.isEligible = undefined;
    expect(approver.groupsOf?.('user:noor', request)).toEqual([]);
    expect(approver.membersOf?.(request)).toEqual([]);
    expect(approver.isEligible?.(request, 'creation')).toBe(false);
  });

  it('throws, hangs, and returns what its type forbids', async () => {
    const down = new Error('LDAP is down');
    const approver = new ScriptedApprover({ decide: throws(down), groupsOf: malformed('on-call'), isEligible: hangs() });
    expect(() => approver.decide(request)).toThrow(down);
    expect(approver.groupsOf?.('user:noor', request)).toBe('on-call');
    const winner = await Promise.race([approver.isEligible?.(request, 'start'), yieldToOthers().then(() => 'nothing')]);
    expect(winner).toBe('nothing');
    expect(approver.questions).toHaveLength(3);
  });

  it('answers in turn, and repeats the last answer', () => {
    const approver = new ScriptedApprover({ decide: inTurn(throws(new Error('down')), malformed(null), approve) });
    expect(() => approver.decide(request)).toThrow('down');
    expect(approver.decide(request)).toBeNull();
    expect(approver.decide(request)).toEqual(approve);
    expect(approver.decide(request)).toEqual(approve);
  });
});
