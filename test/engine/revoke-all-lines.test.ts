import { describe, expect, it } from 'vitest';
import type { AccessRequest, Grant, JitEngine } from '../../src/index.js';
import { aGranted, anEngine, at, entriesOf, LEE, MAYA, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';

const TTL = 15 * MINUTE;

async function pendingExtension(engine: JitEngine, grant: Grant): Promise<AccessRequest> {
  const result = await engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL });
  expect(result.outcome).toBe('pending');
  return result.request;
}

async function extended(engine: JitEngine, grant: Grant): Promise<Grant> {
  const result = await engine.approve((await pendingExtension(engine, grant)).id, { by: SAM });
  if (result.outcome !== 'granted') throw new Error(`expected a grant, got ${result.outcome}`);
  return result.grants[0] as Grant;
}

describe('revokeAll by request', () => {
  it('L12 ends the extensions of its grants, and reports them', async () => {
    const { engine } = anEngine();
    const first = await aGranted(engine);
    const second = await extended(engine, first);
    const open = await pendingExtension(engine, second);
    const report = await engine.revokeAll({ requestId: first.requestId }, { by: LEE });
    expect(report.grants.map(({ id, end }) => [id, end?.cause])).toEqual([
      [first.id, 'revoked'],
      [second.id, 'origin_ended'],
    ]);
    expect(report.requests.map(({ id, end }) => [id, end?.cause])).toEqual([[open.id, 'origin_ended']]);
  });

  it('L12 ends the extensions of its grants even when these grants have expired', async () => {
    const { engine, clock, store } = anEngine();
    const first = await aGranted(engine);
    const second = await extended(engine, first);
    await clock.set(at(20 * MINUTE));
    await engine.sweep();
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    const report = await engine.revokeAll({ requestId: first.requestId }, { by: LEE });
    expect(report.grants.map(({ id }) => id)).toEqual([second.id]);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    const before = (await entriesOf(store)).length;
    expect(await engine.revokeAll({ requestId: first.requestId }, { by: LEE })).toEqual({
      grants: [],
      requests: [],
      matched: false,
      similar: [],
    });
    expect((await entriesOf(store)).length).toBe(before);
  });

  it('rejects with ERR_JIT_NOT_FOUND for a mistyped id instead of ending nothing', async () => {
    const { engine } = anEngine();
    expect(await refusal(engine.revokeAll({ requestId: 'no-such-request' }, { by: LEE }), 'ERR_JIT_NOT_FOUND')).toMatchObject({
      kind: 'request',
      id: 'no-such-request',
    });
  });
});
