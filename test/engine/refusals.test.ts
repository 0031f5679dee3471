import { describe, expect, it } from 'vitest';
import { MemoryGrantStore } from '../../src/index.js';
import { FaultyStore, ScriptedApprover, throws } from '../../src/testing.js';
import { aGranted, anEngine, aPending, ask, at, entriesOf, MAYA, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';

/** The entries of refused attempts. */
async function refused(made: ReturnType<typeof anEngine>) {
  await made.engine.flushAudit();
  return (await entriesOf(made.store)).filter((entry) => entry.type === 'attempt.refused');
}

describe('JitEngine', () => {
  describe('refused attempts', () => {
    it('L29 are recorded with who, what, why and when', async () => {
      const made = anEngine();
      const request = await aPending(made.engine);
      await made.clock.set(at(5));
      await refusal(made.engine.approve(request.id, { by: 'user:eve', reason: 'please' }), 'ERR_JIT_NOT_REVIEWER');
      expect(await refused(made)).toMatchObject([
        {
          type: 'attempt.refused',
          at: at(5),
          actor: 'user:eve',
          requestId: request.id,
          grantId: undefined,
          data: { code: 'ERR_JIT_NOT_REVIEWER', count: 1 },
        },
      ]);
    });

    it('L29 of every kind are recorded, each with its target', async () => {
      const approver = new ScriptedApprover({ decide: throws(new Error('down')) });
      const made = anEngine({ limits: { maxTtl: MINUTE, reviewWithin: 1000 } });
      const { engine, clock, store } = made;
      const [grant, pending] = [await aGranted(engine, { ttl: 1, scope: 'g' }), await aPending(engine, { ttl: 1, idempotencyKey: 'k' })];
      const { requestId = '' } = await refusal(
        ask(anEngine({ store, clock, approver }).engine, { ttl: 1, scope: 'undecided' }),
        'ERR_JIT_APPROVER',
      );
      const calls: readonly (readonly [string, { requestId?: string; grantId?: string; actor: string }, () => Promise<unknown>])[] = [
        ['ERR_JIT_DECIDED', { requestId: grant.requestId, actor: SAM }, () => engine.approve(grant.requestId, { by: SAM })],
        ['ERR_JIT_UNDECIDED', { requestId, actor: SAM }, () => engine.approve(requestId, { by: SAM })],
        ['ERR_JIT_SELF_REVIEW', { requestId: pending.id, actor: MAYA }, () => engine.approve(pending.id, { by: MAYA })],
        ['ERR_JIT_NOT_REVIEWER', { requestId: pending.id, actor: 'user:eve' }, () => engine.deny(pending.id, { by: 'user:eve' })],
        ['ERR_JIT_IDEMPOTENCY', { actor: MAYA }, () => ask(engine, { ttl: 2, idempotencyKey: 'k' })],
        ['ERR_JIT_REQUIREMENTS', { actor: MAYA }, () => ask(engine, { ttl: '2m' })],
        ['ERR_JIT_DENIED', { requestId: pending.id, actor: 'user:eve' }, () => engine.cancel(pending.id, { by: 'user:eve' })],
        ['ERR_JIT_DENIED', { grantId: grant.id, actor: 'user:eve' }, () => engine.release(grant.id, { by: 'user:eve' })],
        [
          'ERR_JIT_DEADLINE',
          { requestId: pending.id, actor: SAM },
          () => clock.set(at(1000)).then(() => engine.approve(pending.id, { by: SAM })),
        ],
      ];
      for (const [code, , call] of calls) expect((await refusal(call())).code).toBe(code);
      expect((await refused(made)).map(({ actor, requestId: request, grantId, data }) => [data['code'], actor, request, grantId])).toEqual(
        calls.map(([code, target]) => [code, target.actor, target.requestId, target.grantId]),
      );
    });

    it('L29 of consume are recorded with the requested scope; denied checks are not recorded', async () => {
      const made = anEngine({ approver: new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxUses: 1 } } }) });
      const { engine } = made;
      await ask(engine, { idempotencyKey: 'k' });
      await engine.consume(MAYA, SCOPE, { idempotencyKey: 'u' });
      await refusal(engine.consume(MAYA, SCOPE), 'ERR_JIT_DENIED');
      await ask(engine, { scope: 'other' });
      await refusal(engine.consume(MAYA, 'other', { idempotencyKey: 'u' }), 'ERR_JIT_IDEMPOTENCY');
      await refusal(engine.assertAllowed(MAYA, SCOPE), 'ERR_JIT_DENIED');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect((await refused(made)).map(({ actor, grantId, data }) => [actor, grantId, data])).toEqual([
        [MAYA, undefined, { code: 'ERR_JIT_DENIED', count: 1, scopes: [SCOPE] }],
        [MAYA, undefined, { code: 'ERR_JIT_IDEMPOTENCY', count: 1, scopes: ['other'] }],
      ]);
    });

    it('L29 of one actor, target and code are one entry a minute, then one with the count of the others', async () => {
      const made = anEngine();
      const { engine, clock } = made;
      const request = await aPending(engine);
      const attempt = () => refusal(engine.approve(request.id, { by: 'user:eve' }), 'ERR_JIT_NOT_REVIEWER');
      for (let i = 0; i < 5; i++) await attempt();
      expect((await refused(made)).map((entry) => entry.data['count'])).toEqual([1]);
      await clock.set(at(MINUTE - 1));
      await attempt();
      await engine.sweep();
      expect((await refused(made)).map((entry) => entry.data['count'])).toEqual([1]);
      await clock.set(at(MINUTE));
      await engine.sweep();
      expect((await refused(made)).map((entry) => [entry.data['count'], entry.at])).toEqual([
        [1, at(0)],
        [5, at(MINUTE)],
      ]);
      await engine.sweep();
      expect(await refused(made)).toHaveLength(2);
    });

    it('L29 with another target, code or actor are separate entries', async () => {
      const made = anEngine();
      const [one, two] = [await aPending(made.engine), await aPending(made.engine, { scope: 'two' })];
      await refusal(made.engine.approve(one.id, { by: 'user:eve' }));
      await refusal(made.engine.approve(two.id, { by: 'user:eve' }));
      await refusal(made.engine.approve(one.id, { by: 'user:mallory' }));
      await refusal(made.engine.cancel(one.id, { by: 'user:eve' }));
      await refusal(ask(made.engine, { scope: 'a', ttl: '9h' }));
      await refusal(ask(made.engine, { scope: 'b', ttl: '9h' }));
      expect(await refused(made)).toHaveLength(6);
    });

    it('L29 are written ten a second in all, and the others are written later, not lost', async () => {
      const made = anEngine();
      const request = await aPending(made.engine);
      for (let i = 0; i < 25; i++) await refusal(made.engine.approve(request.id, { by: `user:eve${i}` }));
      expect(await refused(made)).toHaveLength(10);
      for (let second = 1; second <= 3; second++) {
        await made.clock.set(at(second * 1000));
        await made.engine.sweep();
      }
      const entries = await refused(made);
      expect(entries).toHaveLength(25);
      expect(new Set(entries.map((entry) => entry.actor)).size).toBe(25);
    });

    it('L29 stay at one entry a minute for a target after 1,100 other refusals', async () => {
      const made = anEngine();
      const request = await aPending(made.engine);
      await refusal(made.engine.approve(request.id, { by: 'user:eve' }));
      for (let i = 0; i < 1_100; i++) await refusal(made.engine.approve(request.id, { by: `user:bot${i}` }));
      await made.clock.set(at(1000));
      await refusal(made.engine.approve(request.id, { by: 'user:eve' }));
      expect((await refused(made)).filter((entry) => entry.actor === 'user:eve')).toHaveLength(1);
    });

    it('L29 are not recorded for an unknown id, a bad argument or a fault', async () => {
      const made = anEngine();
      for (let i = 0; i < 5; i++) {
        await refusal(made.engine.approve(`unknown${i}`, { by: SAM }), 'ERR_JIT_NOT_FOUND');
        await refusal(made.engine.release(`unknown${i}`, { by: SAM }), 'ERR_JIT_NOT_FOUND');
        await refusal(made.engine.cancel(`unknown${i}`, { by: SAM }), 'ERR_JIT_NOT_FOUND');
      }
      await refusal(ask(made.engine, { ttl: 0 }), 'ERR_JIT_INVALID_ARGUMENT');
      made.store.inject('context', { fault: 'reject' });
      await refusal(made.engine.approve('x', { by: SAM }), 'ERR_JIT_STORE');
      made.store.clear();
      await refusal(made.engine.assertAllowed(MAYA, SCOPE), 'ERR_JIT_DENIED');
      expect(await entriesOf(made.store)).toEqual([]);
    });

    it('L29 do not change the refusal when recording them fails, and the failure is reported to onError', async () => {
      const made = anEngine();
      const request = await aPending(made.engine);
      made.store.inject('commit', { fault: 'reject' });
      await refusal(made.engine.approve(request.id, { by: 'user:eve' }), 'ERR_JIT_NOT_REVIEWER');
      await made.engine.flushAudit();
      expect(made.told).toMatchObject([{ during: 'attempt.refused', error: { code: 'ERR_JIT_STORE' } }]);
    });

    it('L29 do not delay the refusal when recording them hangs', async () => {
      const made = anEngine({ store: new FaultyStore(new MemoryGrantStore()) });
      const request = await aPending(made.engine);
      made.store.inject('commit', { fault: 'hang' });
      await refusal(made.engine.approve(request.id, { by: 'user:eve' }), 'ERR_JIT_NOT_REVIEWER');
      made.store.clear();
      made.store.release();
      expect(await refused(made)).toHaveLength(1);
    });

    it('L29 hold no metadata and no secret', async () => {
      const made = anEngine();
      await refusal(
        ask(made.engine, { ttl: '9h', metadata: { secret: 'hunter2' }, justification: 'hunter2', idempotencyKey: 'hunter2' }),
        'ERR_JIT_REQUIREMENTS',
      );
      expect(await refused(made)).toHaveLength(1);
      expect(JSON.stringify(await entriesOf(made.store))).not.toContain('hunter2');
    });

    it('keep their count when the clock steps back', async () => {
      const made = anEngine();
      const request = await aPending(made.engine);
      await made.clock.set(at(60 * MINUTE));
      await refusal(made.engine.deny(request.id, { by: 'user:eve' }));
      await made.clock.set(at(0));
      await refusal(made.engine.deny(request.id, { by: 'user:eve' }));
      await made.clock.set(at(61 * MINUTE));
      await refusal(made.engine.deny(request.id, { by: 'user:eve' }));
      expect((await refused(made)).reduce((sum, entry) => sum + Number(entry.data['count']), 0)).toBe(3);
    });

    it('L29 carry the time of the refusal, also in an engine that has not read its clock yet', async () => {
      const made = anEngine();
      await aPending(made.engine, { idempotencyKey: 'k' });
      await made.clock.set(at(5000));
      const fresh = anEngine({ store: made.store, clock: made.clock });
      await refusal(ask(fresh.engine, { idempotencyKey: 'k', ttl: 1 }), 'ERR_JIT_IDEMPOTENCY');
      expect(await refused(fresh)).toMatchObject([{ at: at(5000) }]);
      await made.clock.set(at(10_000));
      await refusal(ask(made.engine, { idempotencyKey: 'k', ttl: 2 }), 'ERR_JIT_IDEMPOTENCY');
      expect((await refused(made)).at(-1)).toMatchObject({ at: at(10_000) });
    });
  });
});
