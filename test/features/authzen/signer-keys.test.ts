import * as jose from 'jose';
import { joseSigner } from 'jit-access/authzen/access-request';
import { describe, expect, it, vi } from 'vitest';
import { nextTurn } from '../../../src/core/turns.js';
import { ManualClock } from '../../../src/testing.js';
import { aProfile, EVALUATION, JWK, OTHER } from './authzen-of.js';

const key = (kid: string) => ({ kid, alg: 'ES256' as const, jwk: JWK });
const tokenOf = (kid: string) => joseSigner(jose, { keys: [key(kid)] }).sign({ from: kid });

/** A signer whose keys come from a service. The test names the keys, and whether the service is down or hangs. */
function aSigner(...kids: readonly string[]) {
  const service = { kids, isDown: false, hang: undefined as Promise<void> | undefined, loads: 0 };
  const clock = new ManualClock();
  const signer = joseSigner(jose, {
    clock,
    keys: async () => {
      service.loads += 1;
      await service.hang;
      if (service.isDown) throw new Error('the key service is down');
      return service.kids.map(key);
    },
  });
  return { service, clock, signer };
}

describe('D4 keys that a function returns', () => {
  it('D4 loads them again when a token names an unknown kid', async () => {
    const { service, clock, signer } = aSigner('a');
    const token = await signer.sign({ a: 1 });
    expect(await signer.verify(token)).toEqual({ a: 1 });
    expect(service.loads).toBe(1);
    service.kids = ['b', 'a'];
    expect(await signer.verify(await tokenOf('b'))).toEqual({ from: 'b' });
    expect(await signer.verify(token)).toEqual({ a: 1 });
    expect((await signer.jwks()).map(({ kid }) => kid)).toEqual(['b', 'a']);
    await clock.advance('1h');
    expect(await signer.verify(token)).toEqual({ a: 1 });
    expect(service.loads).toBe(2);
  });

  it('D4 a load that fails is tried again at the next use', async () => {
    const { service, signer } = aSigner('a');
    service.isDown = true;
    await expect(signer.sign({})).rejects.toThrow('the key service is down');
    service.isDown = false;
    expect(await signer.verify(await signer.sign({ a: 1 }))).toEqual({ a: 1 });
  });

  it('D4 keeps its keys where an unknown kid cannot load new ones', async () => {
    const { service, signer } = aSigner('a');
    const token = await signer.sign({ a: 1 });
    service.isDown = true;
    await expect(signer.verify(await tokenOf('b'))).rejects.toThrow('the key service is down');
    expect(await signer.verify(token)).toEqual({ a: 1 });
    expect(await signer.sign({ a: 1 })).not.toBe('');
    expect(await signer.jwks()).toHaveLength(1);
  });

  it('D4 signs and verifies with its keys while a load hangs', async () => {
    const { service, signer } = aSigner('a');
    const token = await signer.sign({ a: 1 });
    service.hang = new Promise(() => undefined);
    void signer.verify(await tokenOf('b'));
    expect(await signer.verify(token)).toEqual({ a: 1 });
    expect(await signer.sign({ a: 1 })).not.toBe('');
  });

  it('D4 gives up a load that hangs after 10 seconds, and loads again at the next use', async () => {
    const { service, clock, signer } = aSigner('a');
    service.hang = new Promise(() => undefined);
    const calls = Promise.allSettled([signer.sign({}), signer.verify(await tokenOf('a')), signer.jwks()]);
    await clock.advance(9_999);
    service.hang = undefined;
    const later = expect(signer.sign({})).rejects.toThrow('the signing keys were not loaded within 10 seconds');
    await clock.advance(1);
    await later;
    expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(service.loads).toBe(1);
    expect(await signer.verify(await signer.sign({ a: 1 }))).toEqual({ a: 1 });
    expect(service.loads).toBe(2);
  });

  it('D4 a load that answers after 10 seconds replaces no keys', async () => {
    const { service, clock, signer } = aSigner('a');
    const token = await signer.sign({ a: 1 });
    let open: () => void = () => undefined;
    service.hang = new Promise((resolve) => (open = resolve));
    const late = expect(signer.verify(await tokenOf('b'))).rejects.toThrow('within 10 seconds');
    await vi.waitFor(() => expect(service.loads).toBe(2));
    await clock.advance('10s');
    await late;
    service.kids = ['b'];
    open();
    await nextTurn();
    expect((await signer.jwks()).map(({ kid }) => kid)).toEqual(['a']);
    expect(await signer.verify(token)).toEqual({ a: 1 });
    // The next load waits for a minute after the last one, and brings the new key.
    await clock.advance('50s');
    expect(await signer.verify(await tokenOf('b'))).toEqual({ from: 'b' });
  });

  it('D4 an evaluation that needs keys is 503 where the load hangs, and the next one loads them again', async () => {
    const { service, clock, signer } = aSigner('a');
    const { send } = aProfile({}, {}, { signer });
    service.hang = new Promise(() => undefined);
    const answer = send('/evaluation', EVALUATION);
    await vi.waitFor(() => expect(service.loads).toBe(1));
    await clock.advance('10s');
    expect((await answer).status).toBe(503);
    service.hang = undefined;
    expect((await send('/evaluation', EVALUATION)).body).toMatchObject({ decision: false, context: { reason: 'approval_required' } });
  });

  it('D4 200 unknown kids load the keys once a minute', async () => {
    const { service, clock, signer } = aSigner('a');
    await signer.sign({});
    const tokens = await Promise.all(Array.from({ length: 200 }, (_, i) => tokenOf(`z${i}`)));
    for (let minutes = 1; minutes <= 3; minutes++) {
      expect(new Set(await Promise.all(tokens.map((token) => signer.verify(token))))).toEqual(new Set([undefined]));
      for (const token of tokens.slice(0, 3)) await signer.verify(token);
      expect(service.loads).toBe(1 + minutes);
      await clock.advance('1m');
    }
  });

  it('D4 a token that comes during a load waits for it', async () => {
    const { service, signer } = aSigner('a');
    await signer.sign({});
    service.kids = ['b', 'c'];
    const tokens = [await tokenOf('b'), await tokenOf('c')];
    expect(await Promise.all(tokens.map((token) => signer.verify(token)))).toEqual([{ from: 'b' }, { from: 'c' }]);
    expect(service.loads).toBe(2);
  });

  it('A.1 a token with an unknown kid takes no evaluation from another caller', async () => {
    const { service, signer } = aSigner('a');
    const { send } = aProfile({}, {}, { signer });
    expect((await send('/evaluation', EVALUATION)).status).toBe(200);
    service.isDown = true;
    const denial = { binding_token: await tokenOf('b'), expires_at: '2026-01-01T00:00:00Z' };
    expect((await send('/requests', { ...EVALUATION, denial }, { as: OTHER })).status).toBe(503);
    expect((await send('/evaluation', EVALUATION)).status).toBe(200);
  });
});
