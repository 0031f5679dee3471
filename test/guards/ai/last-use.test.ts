import { describe, expect, it } from 'vitest';
import type { JitEngine } from '../../../src/index.js';
import { verifyStore } from '../../../src/journal.js';
import { anEngine, MINUTE } from '../../engine/an-engine.js';
import { SDKS, type Options, type Sdk, type Work } from './sdks.js';

const AGENT = 'agent:7';
const OPERATOR = 'user:olga';
const TTL = 10 * MINUTE;
const SCOPE = 'billing:42:refund';
const STOPPED = /The access to billing:42:refund has ended, and the tool was stopped\.$/;
const turns = async () => {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** A policy gives each call a grant with this many uses; `meanwhile` runs while the tool runs. */
function lending(sdk: Sdk, maxUses: number, meanwhile: (made: ReturnType<typeof anEngine>) => Promise<unknown>) {
  const made = anEngine({ approver: { name: 'lends', decide: () => ({ outcome: 'approve', terms: { maxUses } }) } });
  const work: Work = (_, signal) =>
    new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
      void meanwhile(made)
        .then(turns)
        .then(() => resolve('went on'), reject);
    });
  const options: Options = { agent: AGENT, operator: OPERATOR, scope: 'billing:{order}:refund', ttl: TTL };
  return { ...made, call: sdk.open(made.engine, options, work) };
}

const grantOf = async (engine: JitEngine) => {
  const [request] = (await engine.listRequests({})).items;
  return (await engine.getRequest(request?.id as string))?.grants[0];
};

describe.each(SDKS)('the run with the last use, by $name', (sdk) => {
  for (const maxUses of [1, 2]) {
    const last = async (meanwhile: Parameters<typeof lending>[2]) => {
      let count = 0;
      const made = lending(sdk, maxUses, async (all) => (++count === maxUses ? meanwhile(all) : undefined));
      for (let use = 1; use < maxUses; use++) expect((await made.call({ order: '42' }, `call-${use}`)).told).toContain('went on');
      return { ...made, ...(await made.call({ order: '42' }, 'the last')) };
    };

    it(`is stopped at the end of the window (L1), of ${maxUses} [M15]`, async () => {
      const { told } = await last(({ clock }) => clock.advance(TTL));
      expect(told).toMatch(STOPPED);
    });

    it(`is stopped by a revoke (L12), of ${maxUses} [M15]`, async () => {
      const { told, engine, store } = await last(async (made) =>
        made.engine.revoke((await grantOf(made.engine))?.id as string, { by: 'user:sam', reason: 'stop' }),
      );
      expect(told).toMatch(STOPPED);
      expect((await grantOf(engine))?.end).toMatchObject({ status: 'revoked', by: 'user:sam' });
      expect(await verifyStore(store)).toMatchObject({ ok: true });
    });

    for (const [what, target] of [
      ['its agent', { subject: AGENT }],
      ['its scope', { scope: 'billing:**' }],
    ] as const) {
      it(`is stopped by revokeAll of ${what} (L12), of ${maxUses} [M15]`, async () => {
        const { told } = await last(({ engine }) => engine.revokeAll(target, { by: 'user:sam' }));
        expect(told).toMatch(STOPPED);
      });
    }
  }

  it('leaves no use for another run, during it and after it [M15]', async () => {
    const seen: unknown[] = [];
    const { call, engine, store } = lending(sdk, 1, async (made) => {
      const { subject } = (await grantOf(made.engine)) ?? {};
      seen.push(await made.engine.isAllowed(subject as string, SCOPE));
      seen.push(await made.engine.consume(subject as string, SCOPE).catch((error: { code: string }) => error.code));
    });
    expect((await call({ order: '42' })).told).toContain('went on');
    await engine.flushAudit();
    expect(seen).toEqual([false, 'ERR_JIT_DENIED']);
    expect((await grantOf(engine))?.end).toMatchObject({ status: 'expired', cause: 'used_up' });
    expect(await verifyStore(store)).toMatchObject({ ok: true });
  });

  it('continues while another run of the same grant takes the last use, and a revoke stops both [M15]', async () => {
    const begun: string[] = [];
    const { call, engine } = lending(sdk, 2, async (made) => {
      begun.push('a run');
      if (begun.length === 1) await call({ order: '42' }, 'the other').then(({ told }) => begun.push(told));
      else await turns();
      if (begun.length === 3) await made.engine.revokeAll({ subject: AGENT }, { by: 'user:sam' });
    });
    const first = await call({ order: '42' });
    expect(begun).toEqual(['a run', 'a run', expect.stringContaining('went on') as string]);
    expect(first.told).toMatch(STOPPED);
    expect((await grantOf(engine))?.end).toMatchObject({ status: 'revoked' });
  });
});
