import { describe, expect, it } from 'vitest';
import { ScriptedApprover } from '../../src/testing.js';
import { aGranted, anEngine, ask, HOUR, MAYA, MINUTE, refusal, SAM } from './an-engine.js';

const review = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } } as const;
const anApprover = (maxTotalMs: number) =>
  new ScriptedApprover({ decide: { ...review, terms: { maxTotalMs } }, groupsOf: (who) => (who === SAM ? ['ops'] : []) });

describe('a request for which its rule leaves no time', () => {
  it('L4 is denied as soon as the rule is known: no reviewer is asked', async () => {
    const { engine } = anEngine({ approver: anApprover(15 * MINUTE) });
    const grant = await aGranted(engine);
    expect(await engine.extend(grant.id, { requestedBy: MAYA, ttl: MINUTE })).toMatchObject({
      outcome: 'denied',
      reason: 'no time is left within its maxTotal',
      request: { end: { cause: 'limit', by: 'system:approver' }, reviews: [], quorum: undefined },
    });
    expect((await engine.inbox(SAM)).items).toEqual([]);
    expect(await ask(engine, { scope: 'other', ttl: 16 * MINUTE })).toMatchObject({
      outcome: 'denied',
      reason: 'it is longer than the maxTotal of its rule',
    });
  });

  it('L4 is granted if its rule leaves a single millisecond', async () => {
    const { engine } = anEngine({ approver: anApprover(15 * MINUTE + 1) });
    const grant = await aGranted(engine);
    const { request } = await engine.extend(grant.id, { requestedBy: MAYA, ttl: MINUTE });
    const granted = await engine.approve(request.id, { by: SAM });
    expect(granted.outcome === 'granted' && granted.grants[0]).toMatchObject({
      startsAt: grant.expiresAt,
      expiresAt: grant.expiresAt + 1,
    });
  });
});

describe('the message of a time limit', () => {
  it('L3 writes durations as people do, such as 1h30m', async () => {
    const { engine, clock } = anEngine({ limits: { maxTtl: '1h30m', maxTotal: '2h' } });
    const { reason } = await refusal(ask(engine, { ttl: 2 * HOUR }), 'ERR_JIT_REQUIREMENTS');
    expect(reason).toBe('limits.maxTtl allows at most 1h30m; got 2h');
    const startsAt = clock.now() + 8 * 24 * HOUR;
    expect((await refusal(ask(engine, { startsAt }), 'ERR_JIT_REQUIREMENTS')).reason).toBe(
      'limits.maxStartAhead allows at most 7d; got 8d',
    );
    const first = await aGranted(engine, { ttl: HOUR });
    const { request } = await engine.extend(first.id, { requestedBy: MAYA, ttl: HOUR });
    const second = await engine.approve(request.id, { by: SAM });
    const id = second.outcome === 'granted' ? (second.grants[0]?.id ?? '') : '';
    expect((await refusal(engine.extend(id, { requestedBy: MAYA, ttl: MINUTE }), 'ERR_JIT_LIMIT')).message).toBe(
      'this extension chain has used all of limits.maxTotal (2h); request access instead',
    );
    expect((await engine.status(MAYA)).scheduled).toHaveLength(1);
  });
});
