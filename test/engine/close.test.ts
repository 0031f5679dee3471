import { provision } from 'jit-access/provisioning';
import { describe, expect, it } from 'vitest';
import { startSweeper } from '../../src/index.js';
import { hangs, RecordingSink, ScriptedApprover, throws } from '../../src/testing.js';
import { aGranted, anEngine, ask, at, MINUTE, refusal, SCOPE, typesOf } from './an-engine.js';

async function turns(n = 50): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('JitEngine', () => {
  describe('close()', () => {
    it('removes the engine from a sweeper, which continues for its other engines', async () => {
      const first = anEngine();
      const second = anEngine({ clock: first.clock });
      await aGranted(second.engine);
      const told: unknown[] = [];
      const sweeper = startSweeper([first.engine, second.engine], { every: '30s', onError: (error) => told.push(error) });
      await turns();
      await first.engine.close();
      const passes = first.store.called('due');
      await first.clock.set(at(15 * MINUTE));
      await turns();
      expect(told).toEqual([]);
      expect(first.store.called('due')).toBe(passes);
      expect(await typesOf(second.store)).toContain('grant.expired');
      await sweeper.stop();
    });

    it('stops a sweeper that has no engine left', async () => {
      const first = anEngine();
      const second = anEngine({ clock: first.clock });
      startSweeper([first.engine, second.engine], { every: '30s' });
      await turns();
      expect(first.clock.sleepers).toBe(2);
      await first.engine.close();
      await turns();
      expect(first.clock.sleepers).toBe(1);
      await second.engine.close();
      await turns();
      expect(first.clock.sleepers).toBe(0);
    });

    it('lets no sweeper that is started with a closed engine sweep it', async () => {
      const { engine, clock, store } = anEngine();
      await engine.close();
      const told: unknown[] = [];
      const sweeper = startSweeper(engine, { every: '30s', onError: (error) => told.push(error) });
      await turns();
      expect({ told, sleepers: clock.sleepers, passes: store.called('due') }).toEqual({ told: [], sleepers: 0, passes: 0 });
      await sweeper.stop();
    });

    it('drops approver questions that a sweep has queued, and waits for those in flight', async () => {
      const approver = new ScriptedApprover({ decide: throws(new Error('down')) });
      const { engine, clock } = anEngine({ approver, limits: { retryAfter: 1000, approverTimeout: 1000 } });
      for (let i = 0; i < 30; i++) await refusal(ask(engine, { scope: `s${i}` }), 'ERR_JIT_APPROVER');
      approver.script.decide = hangs();
      await clock.set(at(1000));
      const before = approver.asked('decide');
      const sweeper = startSweeper(engine, { every: '30s' });
      await turns();
      let closed = false;
      const closing = engine.close().then(() => (closed = true));
      await turns();
      expect({ closed, asked: approver.asked('decide') - before }).toEqual({ closed: false, asked: 20 });
      await clock.advance(1000);
      await closing;
      expect(approver.asked('decide') - before).toBe(20);
      await sweeper.stop();
    });

    it('delivers the entries of its own provisioning to the sinks before it resolves', async () => {
      const sink = new RecordingSink();
      const { engine, store } = anEngine({ audit: sink });
      provision(engine, { name: 'firewall', scopes: [SCOPE], apply: () => new Promise((done) => setImmediate(done)) });
      await aGranted(engine);
      await engine.close();
      expect(sink.entries.map(({ type }) => type)).toEqual(await typesOf(store));
      expect(sink.entries.at(-1)?.type).toBe('provisioning.done');
      const calls = store.calls.length;
      await turns();
      expect(store.calls).toHaveLength(calls);
    });
  });

  describe('idle()', () => {
    it('resolves when no question, delivery or call to an external system is in flight', async () => {
      const approver = new ScriptedApprover({ decide: throws(new Error('down')) });
      const sink = new RecordingSink();
      const { engine, clock, store } = anEngine({ approver, audit: sink, limits: { retryAfter: 1000, approverTimeout: 1000 } });
      const calls: boolean[] = [];
      provision(engine, {
        name: 'firewall',
        scopes: [SCOPE],
        apply: ({ held }) => new Promise((done) => setImmediate(() => done(void calls.push(held)))),
      });
      await refusal(ask(engine), 'ERR_JIT_APPROVER');
      let answer: (() => void) | undefined;
      approver.script.decide = () => new Promise((resolve) => (answer = () => resolve({ outcome: 'approve' })));
      await clock.set(at(1000));
      const sweeping = engine.sweep();
      let idle = false;
      await turns();
      const idling = engine.idle().then(() => (idle = true));
      await turns();
      expect(idle).toBe(false);
      answer?.();
      await idling;
      expect(calls).toEqual([true]);
      expect(sink.entries.map(({ type }) => type)).toEqual(await typesOf(store));
      expect(sink.entries.at(-1)?.type).toBe('provisioning.done');
      await sweeping;
    });

    it('waits for a question about a start that a check has asked, and for refused attempts', async () => {
      let answer: (() => void) | undefined;
      const isEligible = (_: unknown, when: string) =>
        when !== 'start' || new Promise<boolean>((resolve) => (answer = () => resolve(true)));
      const { engine, clock, store } = anEngine({ approver: new ScriptedApprover({ decide: { outcome: 'approve' }, isEligible }) });
      await aGranted(engine, { startsAt: at(MINUTE) });
      await refusal(
        engine.assertAllowed('user:eve', SCOPE).then(() => engine.consume('user:eve', SCOPE)),
        'ERR_JIT_DENIED',
      );
      await clock.set(at(MINUTE));
      const checking = engine.isAllowed('user:maya', SCOPE);
      await turns();
      let idle = false;
      const idling = engine.idle().then(() => (idle = true));
      await turns();
      expect(idle).toBe(false);
      answer?.();
      await idling;
      expect(await typesOf(store)).toContain('grant.activated');
      expect(await checking).toBe(true);
    });

    it('never rejects, and resolves for a closed engine', async () => {
      const { engine, store } = anEngine({ audit: new RecordingSink() });
      await aGranted(engine);
      store.inject('journal', { fault: 'reject' });
      await engine.sweep();
      expect(await engine.idle()).toBeUndefined();
      store.clear();
      await engine.close();
      expect(await engine.idle()).toBeUndefined();
    });
  });
});
