import { createHook } from 'node:async_hooks';
import { describe, expect, it, vi } from 'vitest';
import { JitEngine, MemoryGrantStore, patternScopes, reviewers, type GrantStore, type JitEngineOptions } from '../../src/index.js';
import { ManualClock } from '../../src/testing.js';
import { aGranted, MAYA, MINUTE, refusal, SCOPE } from './an-engine.js';

/** An engine over the in-memory store itself, whose clock counts its readings. */
async function anEngineThatCounts(options: Partial<JitEngineOptions> = {}) {
  const clock = new ManualClock();
  const now = vi.spyOn(clock, 'now');
  const store: GrantStore = new MemoryGrantStore();
  const live = vi.spyOn(store, 'live');
  const engine = new JitEngine({ approver: reviewers({ members: ['user:sam'] }), ...options, clock, store });
  const grant = await aGranted(engine);
  return { engine, clock, grant, now, live };
}

/** The promises that come into being while something is called, until it returns. */
function promisesOf(call: () => unknown): number {
  let promises = 0;
  const hook = createHook({ init: (_, type) => void (type === 'PROMISE' && (promises += 1)) }).enable();
  try {
    void call();
  } finally {
    hook.disable();
  }
  return promises;
}

describe('JitEngine', () => {
  describe('what a check costs over a store that answers at once', () => {
    for (const verb of ['isAllowed', 'check', 'assertAllowed'] as const) {
      it(`${verb}() makes one promise, which is settled when it is returned`, async () => {
        const { engine } = await anEngineThatCounts();
        // Counted by await: a settled promise goes on in the first turn.
        for (const scope of [SCOPE, { scope: SCOPE }]) {
          expect(promisesOf(() => engine[verb](MAYA, scope))).toBe(1);
          let isThere = false;
          void engine[verb](MAYA, scope).then(() => (isThere = true));
          await Promise.resolve();
          expect(isThere).toBe(true);
        }
      });

      it(`${verb}() reads the clock once and asks the store once (L5, L34)`, async () => {
        const { engine, now, live } = await anEngineThatCounts();
        for (let i = 0; i < 3; i++) {
          now.mockClear();
          live.mockClear();
          await engine[verb](MAYA, SCOPE);
          expect([now.mock.calls.length, live.mock.calls.length]).toEqual([1, 1]);
        }
      });
    }

    it('decodes a row of the in-memory store once: two checks name the same record', async () => {
      const { engine } = await anEngineThatCounts();
      const [first, second] = [await engine.check(MAYA, SCOPE), await engine.check(MAYA, SCOPE)];
      expect(second.grant).toBe(first.grant);
      expect(Object.isFrozen(first.grant)).toBe(true);
    });
  });

  describe('what a check remembers', () => {
    it('L12 holds no yes: the check after a revoke, and the one at the end, deny', async () => {
      const { engine, clock, grant } = await anEngineThatCounts();
      await aGranted(engine, { scope: 'db:other' });
      for (const scope of [SCOPE, 'db:other']) expect(await engine.isAllowed(MAYA, scope)).toBe(true);
      await engine.revoke(grant.id, { by: 'user:sam' });
      expect([await engine.isAllowed(MAYA, SCOPE), await engine.isAllowed(MAYA, 'db:other')]).toEqual([false, true]);
      await clock.advance(15 * MINUTE);
      expect(await engine.isAllowed(MAYA, 'db:other')).toBe(false);
    });

    it('L23 refuses at the door what it refused before, whatever has passed it since', async () => {
      const { engine } = await anEngineThatCounts({ scopes: patternScopes });
      await aGranted(engine, { scope: 'billing:read' });
      for (const scope of [SCOPE, 'billing:read']) expect(await engine.isAllowed(MAYA, scope)).toBe(true);
      const bad: readonly (readonly [unknown, unknown])[] = [
        [` ${MAYA}`, SCOPE],
        [`${MAYA}\u200b`, SCOPE],
        ['system:sweeper', SCOPE],
        [new String(MAYA), SCOPE],
        [[MAYA], SCOPE],
        [undefined, SCOPE],
        [MAYA, `${SCOPE}:`],
        [MAYA, 'db-prod:*'],
        [MAYA, '**'],
        [MAYA, [SCOPE]],
        [MAYA, new String(SCOPE)],
        [MAYA, { scope: '*' }],
        [MAYA, undefined],
      ];
      for (const [subject, action] of bad) {
        await refusal(engine.isAllowed(subject as string, action as string), 'ERR_JIT_INVALID_ARGUMENT');
        await refusal(engine.check(subject as string, action as string), 'ERR_JIT_INVALID_ARGUMENT');
      }
    });

    it('L20 takes what is known of one subject or scope for no other', async () => {
      const { engine } = await anEngineThatCounts();
      await aGranted(engine, { subject: 'user:noor', scope: 'db:other' });
      expect([await engine.isAllowed(MAYA, SCOPE), await engine.isAllowed('user:noor', 'db:other')]).toEqual([true, true]);
      expect([await engine.isAllowed(MAYA, 'db:other'), await engine.isAllowed('user:noor', SCOPE)]).toEqual([false, false]);
    });

    it('asks canonicalId about every id, known or not', async () => {
      const names = new Map([['user:alias', MAYA]]);
      const canonicalId = vi.fn((id: string) => names.get(id) ?? id);
      const { engine } = await anEngineThatCounts({ canonicalId });
      for (const subject of [MAYA, 'user:alias', MAYA]) {
        canonicalId.mockClear();
        expect(await engine.isAllowed(subject, SCOPE)).toBe(true);
        expect(canonicalId).toHaveBeenCalledTimes(1);
      }
      names.set(MAYA, 'user:renamed');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });
  });
});
