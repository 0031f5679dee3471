import { waitFor, type WaitOptions } from 'jit-access/work';
import { describe, expect, it } from 'vitest';
import { reviewers, type AccessResult, type JitEngine, type Verdict } from '../../../src/index.js';
import { FaultyStore, ScriptedApprover, START_AT, throws, type ManualClock } from '../../../src/testing.js';
import { ANA, anEngine, aPending, at, HOUR, LEE, MAYA, MINUTE, refusal, SAM } from '../../engine/an-engine.js';
import { readWaitOptions } from '../../../src/features/work/wait-for.js';
import { QuietStore, SECOND, settle, watched } from './at-work.js';
import { decideAgain } from '../../engine/decide-again.js';

/** Engines with a review deadline of one minute, so that tests reach it soon. */
const limits = { reviewWithin: MINUTE };
const DEADLINE = at(MINUTE);

async function waiting(options: Parameters<typeof anEngine>[0] = {}, terms: WaitOptions = {}) {
  const made = anEngine({ limits, ...options });
  const request = await aPending(made.engine);
  const watching = watch(waitFor(made.engine, request.id, terms));
  // Its first read, and the first sleep.
  await settle();
  return { ...made, request, ...watching };
}

/** A promise, and whether and how it has settled. */
function watch<T>(waited: Promise<T>) {
  const seen: { result?: T; error?: { readonly code?: string } } = {};
  waited.then(
    (result) => (seen.result = result),
    (error: unknown) => (seen.error = error as { readonly code?: string }),
  );
  return { waited, seen };
}

/** Another process on the same store. */
const another = ({ store, clock }: { store: FaultyStore; clock: ManualClock }) => anEngine({ store, clock, limits }).engine;

/** A signal that counts its listeners. */
function counted() {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = { now: 0, ever: 0 };
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners.now += 1;
    listeners.ever += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners.now -= 1;
    remove(...args);
  };
  return { controller, signal, listeners };
}

const isAbout = (keys: unknown, id: string) => (keys as readonly { readonly id: string }[]).some((key) => key.id === id);

describe('waitFor()', () => {
  it.each<[string, (engine: JitEngine, id: string) => Promise<unknown>, Partial<AccessResult>]>([
    ['approved', (engine, id) => engine.approve(id, { by: SAM }), { outcome: 'granted' }],
    ['denied', (engine, id) => engine.deny(id, { by: SAM, reason: 'not today' }), { outcome: 'denied', reason: 'not today' } as never],
    ['cancelled', (engine, id) => engine.cancel(id, { by: MAYA }), { outcome: 'cancelled' }],
  ])('resolves at once with the result of decide when a request is %s', async (_, act, expected) => {
    const { store, watchers } = watched();
    const { engine, clock, request, waited, seen } = await waiting({ store: new FaultyStore(store) });
    await settle();
    expect(seen).toEqual({});
    expect(watchers.now).toBe(1);
    await act(engine, request.id);
    const result = await waited;
    expect(result).toMatchObject({ ...expected, reused: false });
    expect(result).toEqual(await decideAgain(engine, request.id));
    expect(watchers.now).toBe(0);
    expect(clock.sleepers).toBe(0);
  });

  it('resolves at once for a request with an end, without a call to the approver', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'deny', reason: 'no' }, membersOf: [SAM] });
    const { engine } = anEngine({ approver });
    const { request } = await engine.requestAccess({ subject: MAYA, scope: 'a:b', ttl: '1m' });
    const asked = approver.questions.length;
    expect(await waitFor(engine, request.id)).toMatchObject({ outcome: 'denied', reason: 'no' });
    expect(approver.questions).toHaveLength(asked);
  });

  it('makes no call to the approver while it waits', async () => {
    const verdict: Verdict = { outcome: 'review', quorum: { groups: [{ name: 'g', approvals: 1 }] } };
    const approver = new ScriptedApprover({ decide: verdict, groupsOf: ['g'], membersOf: [SAM] });
    const { clock, seen, store } = await waiting({ approver });
    const asked = approver.questions.length;
    approver.script.decide = { outcome: 'approve' };
    const reads = store.called('get');
    await clock.advance(10 * SECOND);
    expect(store.called('get')).toBeGreaterThan(reads + 5);
    expect(approver.questions).toHaveLength(asked);
    expect(seen).toEqual({});
  });

  it('L13 resolves at the deadline, with no sweep', async () => {
    const { clock, seen, waited } = await waiting({}, { poll: 700 });
    await clock.set(DEADLINE - 1);
    expect(seen).toEqual({});
    await clock.set(DEADLINE);
    expect(await waited).toMatchObject({ outcome: 'expired', request: { end: undefined } });
    expect(clock.sleepers).toBe(0);
  });

  it('L6 L13 resolves at the deadline minus the leeway', async () => {
    const { clock, seen } = await waiting({ leewayMs: 2 * SECOND });
    await clock.set(DEADLINE - 2 * SECOND - 1);
    expect(seen).toEqual({});
    await clock.set(DEADLINE - 2 * SECOND);
    expect(seen.result?.outcome).toBe('expired');
  });

  it('L13 waits for a later deadline that the approver sets in the meantime', async () => {
    const approver = new ScriptedApprover({ decide: throws(new Error('not yet')), groupsOf: [] });
    const { engine, clock, store } = anEngine({ limits, approver });
    const { requestId } = await refusal(engine.requestAccess({ subject: MAYA, scope: 'a:b', ttl: '1m' }), 'ERR_JIT_APPROVER');
    const { seen, waited } = watch(waitFor(engine, requestId as string));
    await clock.set(at(10 * SECOND));
    approver.script.decide = { outcome: 'review', quorum: { groups: [{ name: 'g', approvals: 1 }], reviewWithinMs: 2 * MINUTE } };
    await decideAgain(engine, requestId as string);
    store.inject('get', { fault: 'hang' });
    await clock.set(DEADLINE + 30 * SECOND);
    expect(seen).toEqual({});
    store.clear();
    store.release();
    await clock.set(at(2 * MINUTE + 10 * SECOND));
    expect(await waited).toMatchObject({ outcome: 'expired' });
  });

  it("L9 resolves at once on another process's decision where the store has watch", async () => {
    const made = await waiting();
    await another(made).approve(made.request.id, { by: SAM });
    expect(await made.waited).toMatchObject({ outcome: 'granted', grants: [{ subject: MAYA }] });
  });

  it.each([undefined, () => () => undefined])('resolves within poll where the store has no watch, or its hint is lost', async (silence) => {
    const made = await waiting({ store: new FaultyStore(new QuietStore(undefined, silence)) }, { poll: '2s' });
    await another(made).deny(made.request.id, { by: SAM });
    await made.clock.set(at(2 * SECOND) - 1);
    expect(made.seen).toEqual({});
    await made.clock.set(at(2 * SECOND));
    expect(made.seen.result?.outcome).toBe('denied');
  });

  it('L34 reads nothing for commits about other requests', async () => {
    const { engine, store, request, waited } = await waiting({ approver: reviewers({ members: [SAM] }) }, { poll: '1h' });
    await aPending(engine, { scope: 'other:one' });
    await settle();
    const reads = () => store.calls.filter(({ method, argument }) => method === 'get' && isAbout(argument, request.id)).length;
    const before = reads();
    for (let i = 0; i < 5; i++) {
      await aPending(engine, { scope: `other:${i}` });
      await settle();
    }
    expect(reads()).toBe(before);
    await engine.approve(request.id, { by: SAM });
    expect(await waited).toMatchObject({ outcome: 'granted' });
  });

  it('L5 continues to poll after the clock was set back', async () => {
    const made = await waiting({ store: new FaultyStore(new QuietStore()), limits: { reviewWithin: HOUR } });
    await made.clock.advance(30 * MINUTE);
    await made.clock.set(at(10 * MINUTE));
    expect(await made.engine.isAllowed(MAYA, 'a:b')).toBe(false);
    expect(made.told.map(({ during }) => during)).toEqual(['clock']);
    await another(made).deny(made.request.id, { by: SAM });
    await made.clock.advance(2 * SECOND);
    expect(made.seen.result?.outcome).toBe('denied');
  });

  it('resolves over a slow store once the quorum is complete', async () => {
    const { engine, clock, store } = anEngine({ limits, approver: reviewers({ members: [SAM, ANA, LEE], approvals: 2 }) });
    store.inject('all', { fault: 'yield', seed: 3 });
    const { request } = await engine.requestAccess({ subject: 'agent:7', scope: 'a:b', ttl: '5m' });
    const { waited, seen } = watch(waitFor(engine, request.id));
    await engine.approve(request.id, { by: SAM });
    await clock.advance(10 * SECOND);
    expect(seen).toEqual({});
    await engine.approve(request.id, { by: ANA });
    expect(await waited).toMatchObject({ outcome: 'granted' });
    await engine.assertAllowed('agent:7', 'a:b');
  });

  describe('rejects', () => {
    it("when its signal aborts, at once, with the signal's reason, even while a read hangs", async () => {
      for (const hangs of [true, false]) {
        const { controller, signal, listeners } = counted();
        const { store, watchers } = watched();
        const made = anEngine({ limits, store: new FaultyStore(store) });
        const request = await aPending(made.engine);
        if (hangs) made.store.inject('get', { fault: 'hang' });
        const { seen } = watch(waitFor(made.engine, request.id, { signal }));
        await settle();
        expect(listeners).toEqual({ now: 1, ever: 1 });
        const reason = new Error('enough');
        controller.abort(reason);
        await settle();
        expect(seen.error).toBe(reason);
        expect(listeners.now).toBe(0);
        expect(watchers.now).toBe(0);
        expect(made.clock.sleepers).toBe(0);
        made.store.clear();
        made.store.release();
        await settle();
        expect(made.told).toEqual([]);
        expect(await made.engine.getRequest(request.id)).toMatchObject({ request: { end: undefined } });
      }
    });

    it('before its first read when its signal has aborted already', async () => {
      const { controller, signal, listeners } = counted();
      controller.abort('too late');
      const { engine, store } = anEngine();
      await expect(waitFor(engine, 'r1', { signal })).rejects.toBe('too late');
      expect(listeners.ever).toBe(0);
      expect(store.calls).toEqual([]);
    });

    it('and removes its listener from a signal that is used longer', async () => {
      const { signal, listeners } = counted();
      const { engine, request, waited } = await waiting({}, { signal });
      await engine.deny(request.id, { by: SAM });
      await waited;
      expect(listeners).toEqual({ now: 0, ever: 1 });
    });

    it('when the engine closes', async () => {
      const { engine, clock, request, seen } = await waiting();
      await engine.close();
      expect(seen.error?.code).toBe('ERR_JIT_CLOSED');
      expect(clock.sleepers).toBe(0);
      await refusal(waitFor(engine, request.id), 'ERR_JIT_CLOSED');
    });

    it('when the request does not exist, or has been purged', async () => {
      const { engine } = anEngine();
      expect(await refusal(waitFor(engine, 'r1'), 'ERR_JIT_NOT_FOUND')).toMatchObject({ kind: 'request', id: 'r1' });

      const { clock, store, seen, told } = await waiting();
      store.inject('get', { fault: 'malformed', answer: [undefined] });
      await clock.advance(SECOND);
      expect(seen.error?.code).toBe('ERR_JIT_NOT_FOUND');
      expect(told).toEqual([]);
      expect(clock.sleepers).toBe(0);
    });

    it('when the first read fails', async () => {
      const { engine, store, clock } = anEngine();
      const request = await aPending(engine);
      store.inject('get', { fault: 'reject' }, 1);
      await refusal(waitFor(engine, request.id), 'ERR_JIT_STORE');
      expect(clock.sleepers).toBe(0);
    });

    it('not when a later read fails: it reports the failure to onError and tries again', async () => {
      const { engine, clock, store, request, seen, told, waited } = await waiting();
      await settle();
      store.inject('get', { fault: 'reject' }, 3);
      await clock.advance(3 * SECOND);
      expect(seen).toEqual({});
      expect(told.map(({ during }) => during)).toEqual(['waitFor', 'waitFor', 'waitFor']);
      await engine.approve(request.id, { by: SAM });
      expect(await waited).toMatchObject({ outcome: 'granted' });
    });

    it('when the deadline has passed and the request is still unreadable', async () => {
      const { clock, store, seen, told } = await waiting();
      await clock.set(DEADLINE - 3 * SECOND - 500);
      store.inject('get', { fault: 'reject' });
      await clock.set(DEADLINE - 1);
      expect(seen).toEqual({});
      expect(told).toHaveLength(3);
      await clock.set(DEADLINE);
      expect(seen.error?.code).toBe('ERR_JIT_STORE');
      expect(told).toHaveLength(3);
      expect(clock.sleepers).toBe(0);
    });

    it('one poll after the deadline where a read hangs, also if the read answers later', async () => {
      const { clock, store, seen } = await waiting();
      await clock.set(DEADLINE - 3 * SECOND);
      store.inject('get', { fault: 'hang' });
      await clock.set(DEADLINE + SECOND - 1);
      expect(seen).toEqual({});
      await clock.set(DEADLINE + SECOND);
      const { error } = seen;
      expect(error).toMatchObject({ code: 'ERR_JIT_STORE', operation: 'get' });
      store.release();
      await settle();
      expect(seen).toEqual({ error });
      expect(clock.sleepers).toBe(0);
    });

    it('not at once after the process was suspended beyond the deadline: the next read has a full poll', async () => {
      for (const hangs of [false, true]) {
        // All timers are overdue when the process resumes.
        const sleepers: { readonly until: number; readonly wake: () => void }[] = [];
        const clock = {
          ms: START_AT,
          now: () => clock.ms,
          sleep: (until: number, signal: AbortSignal) =>
            new Promise<void>((wake) => {
              sleepers.push({ until, wake });
              signal.addEventListener('abort', () => wake());
            }),
        };
        const to = async (ms: number) => {
          clock.ms = ms;
          const due = sleepers.filter(({ until }) => until <= ms);
          for (const { wake } of due.sort((a, b) => a.until - b.until)) wake();
          await settle();
        };
        const { store, seen, request } = await waiting({ clock: clock });
        store.inject('get', { fault: 'hang' }, 1);
        await to(DEADLINE + HOUR);
        expect(seen).toEqual({});
        if (hangs) await to(DEADLINE + HOUR + SECOND);
        else store.release();
        await settle();
        if (hangs) expect(seen.error?.code).toBe('ERR_JIT_STORE');
        else expect(seen.result).toMatchObject({ outcome: 'expired', request: { id: request.id } });
      }
    });

    it('not when removing the listener fails: it reports the failure to onError and leaves no timer', async () => {
      const problem = new Error('not mine');
      const signal = Object.assign(new AbortController().signal, {
        removeEventListener: () => {
          throw problem;
        },
      });
      const { engine, clock, request, waited, told } = await waiting({}, { signal });
      await engine.deny(request.id, { by: SAM });
      expect(await waited).toMatchObject({ outcome: 'denied' });
      expect(told).toEqual([{ error: problem, during: 'waitFor' }]);
      expect(clock.sleepers).toBe(0);
      await engine.close();
    });

    it('when the clock fails', async () => {
      for (const part of ['now', 'sleep'] as const) {
        const { clock, seen } = await waiting();
        await settle();
        const whole = clock[part].bind(clock);
        const moved = clock.set(at(SECOND));
        clock[part] = () => {
          throw new Error('no clock');
        };
        await moved;
        clock[part] = whole as () => never;
        expect(seen.error?.code).toBe('ERR_JIT_CLOCK');
      }
    });
  });

  it.each([
    [{ poll: 0 }, 'poll'],
    [{ poll: 'soon' }, 'poll'],
    [{ signal: new AbortController() }, 'signal'],
    [{ signal: 'abort' }, 'signal'],
    [{ signal: null }, 'signal'],
    [{ poll: null }, 'poll'],
    [{ signal: { aborted: false, addEventListener: () => undefined } }, 'signal'],
    [{ signal: { aborted: 0, addEventListener: () => undefined, removeEventListener: () => undefined } }, 'signal'],
    [{ timeout: HOUR }, 'options'],
    [7, 'options'],
  ])('readWaitOptions() refuses %j: it names %s', async (options, argument) => {
    expect((await refusal(() => readWaitOptions(options), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe(argument);
  });

  it('refuses options that readWaitOptions() refuses', async () => {
    const { engine } = anEngine();
    expect((await refusal(waitFor(engine, 'r1', { poll: 0 }), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('poll');
  });

  it('refuses an invalid id', async () => {
    const { engine } = anEngine();
    expect((await refusal(waitFor(engine, ''), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('requestId');
  });
});
