import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { patternScopes, reviewers, type ReviewersOptions } from '../../src/index.js';
import { aRequest } from '../../src/testing.js';
import { ANA, anEngine, aPending, ask, at, LEE, MAYA, refusal, SAM } from '../engine/an-engine.js';

describe('reviewers()', () => {
  it('requires one approval of one group by default', () => {
    const approver = reviewers({ members: [SAM, ANA] });
    expect(approver.name).toBe('reviewers');
    expect(approver.decide(aRequest())).toEqual({
      outcome: 'review',
      quorum: { groups: [{ name: 'reviewers', approvals: 1 }], denials: 1, approvalTtlMs: undefined, reviewWithinMs: undefined },
    });
    expect(approver.groupsOf?.(SAM, aRequest())).toEqual(['reviewers']);
    expect(approver.groupsOf?.('user:eve', aRequest())).toEqual([]);
  });

  it('accepts every number and name option', () => {
    const approver = reviewers({
      members: [SAM, ANA, LEE],
      approvals: 2,
      denials: 3,
      approvalTtl: '5m',
      reviewWithin: '1s',
      name: 'on-call',
    });
    expect(approver.name).toBe('on-call');
    expect(approver.decide(aRequest())).toEqual({
      outcome: 'review',
      quorum: { groups: [{ name: 'on-call', approvals: 2 }], denials: 3, approvalTtlMs: 300_000, reviewWithinMs: 1000 },
    });
  });

  it('L15 lists neither the subject nor the requester among who may review', () => {
    const approver = reviewers({ members: [SAM, ANA, LEE] });
    expect(approver.membersOf?.(aRequest({ subject: SAM, requestedBy: ANA }))).toEqual([LEE]);
  });

  it('L15 denies at once, with the reason, if too few others may review', async () => {
    const { engine } = anEngine({ approver: reviewers({ members: [SAM, MAYA], approvals: 2, name: 'on-call' }) });
    const result = await ask(engine);
    expect(result).toMatchObject({ outcome: 'denied', request: { approver: 'on-call', end: { cause: 'approver' } } });
    expect(result.outcome === 'denied' && result.reason).toMatch(/needs 2 approvals from group on-call, but only 1 of its members/);
    expect((await ask(engine, { subject: 'user:bob' })).outcome).toBe('pending');
  });

  it('L21 skips a pattern unless patterns are allowed', async () => {
    for (const [patterns, outcome] of [
      [undefined, 'denied'],
      [false, 'denied'],
      [true, 'pending'],
    ] as const) {
      const { engine } = anEngine({ scopes: patternScopes, approver: reviewers({ members: [SAM], patterns }) });
      expect((await ask(engine, { scopes: ['a:b', 'db:*'] })).outcome).toBe(outcome);
      expect((await ask(engine, { scope: '**' })).outcome).toBe(outcome);
      expect((await ask(engine, { scope: 'db:b' })).outcome).toBe('pending');
    }
  });

  it('copies its members: a list changed afterwards changes nothing', async () => {
    const members = [SAM];
    const { engine } = anEngine({ approver: reviewers({ members }) });
    members.push('user:eve');
    await refusal(engine.approve((await aPending(engine)).id, { by: 'user:eve' }), 'ERR_JIT_NOT_REVIEWER');
  });

  it('L13 counts the deadline from the instant at which it is asked', async () => {
    const { engine } = anEngine({ approver: reviewers({ members: [SAM], reviewWithin: '5m' }) });
    expect((await aPending(engine)).reviewBy).toBe(at(300_000));
  });

  const NUMBERS = [0, -1, -0, 1.5, NaN, Infinity, '1', [1], true, 3];
  const DURATIONS = [0, -1, NaN, Infinity, '', '5', [60], true];
  for (const [argument, values, make] of [
    ['reviewers', [undefined, null, 7, 'x', []], (value) => value],
    ['reviewers', ['member', 'quorum'], (value) => ({ members: [SAM], [value as string]: 1 })],
    ['members', [undefined, null, [], SAM, {}, new Set([SAM])], (value) => ({ members: value })],
    ['members[1]', [SAM, '', 7, undefined, 'x ', '\ud800'], (value) => ({ members: [SAM, value] })],
    ['approvals', NUMBERS, (value) => ({ members: [SAM, ANA], approvals: value })],
    ['denials', NUMBERS, (value) => ({ members: [SAM, ANA], denials: value })],
    ['approvalTtl', DURATIONS, (value) => ({ members: [SAM], approvalTtl: value })],
    ['reviewWithin', DURATIONS, (value) => ({ members: [SAM], reviewWithin: value })],
    ['patterns', [1, 'true', {}], (value) => ({ members: [SAM], patterns: value })],
    ['name', ['', 7, 'x\n', 'x'.repeat(257)], (value) => ({ members: [SAM], name: value })],
  ] as readonly (readonly [string, readonly unknown[], (value: unknown) => unknown])[]) {
    it(`L16 refuses a bad ${argument}: ${inspect(values[0])}, ... (${values.length})`, async () => {
      for (const value of values) {
        expect(await refusal(() => reviewers(make(value) as ReviewersOptions), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument });
      }
    });
  }

  it('[A18] says that the requester may not review, if no other member is left', async () => {
    const { engine } = anEngine({ approver: reviewers({ members: [MAYA] }) });
    expect(await ask(engine)).toMatchObject({
      outcome: 'denied',
      reason:
        'needs 1 approvals from group reviewers, but only 0 of its members may review this request: its subject and its requester never may',
    });
  });
});
