import { describe, expect, it } from 'vitest';
import { autoApprove, type Verdict } from '../../src/index.js';
import { yieldToOthers } from '../../src/core/turns.js';
import { AskOrder } from '../../src/kernel/ask-order.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { ManualClock, ScriptedApprover } from '../../src/testing.js';
import { aGranted, ANA, anEngine, ask, HOUR, LEE, MAYA, SAM, SCOPE } from '../engine/an-engine.js';
import { untilAsleep } from '../engine/until-asleep.js';

function anOrder() {
  const clock = new ManualClock();
  const order = new AskOrder({ settings: { clock } } as unknown as Kernel);
  const join = (subject = MAYA, requestedBy = subject) => order.join({ subject, requestedBy });
  return { clock, order, join };
}

/** Lets every promise settle that waits for no timer. */
const turns = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

describe('the order of asks', () => {
  it('gives one turn at a time, in the order of the calls', async () => {
    const { join } = anOrder();
    const log: string[] = [];
    const asks = ['a', 'b', 'c'].map(async (name) => {
      const own = join();
      await own.begin();
      log.push(`${name} begins`);
      await turns();
      log.push(`${name} ends`);
      own.end();
      own.leave();
    });
    await Promise.all(asks);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('orders by requester and subject together: others do not wait', async () => {
    const { join } = anOrder();
    await join(MAYA, MAYA).begin();
    await join(MAYA, LEE).begin();
    await join(ANA, LEE).begin();
  });

  it('lets an ask continue without order after 250 ms, which leaves the queue as it was', async () => {
    const { join, clock } = anOrder();
    const [first, second, third] = [join(), join(), join()];
    await first.begin();
    let hasBegun = 0;
    const waits = [second, third].map((own) => own.begin().then(() => (hasBegun += 1)));
    await turns();
    await clock.advance(249);
    await turns();
    expect(hasBegun).toBe(0);
    await clock.advance(1);
    await Promise.all(waits);
    expect(hasBegun).toBe(2);
    // They had no turn, so their end gives none.
    second.end();
    const fourth = join();
    let hasTurn = false;
    const last = fourth.begin().then(() => (hasTurn = true));
    await turns();
    expect(hasTurn).toBe(false);
    first.end();
    await last;
    expect(hasTurn).toBe(true);
  });

  it('holds at most 64: the next ask continues without order (L42)', async () => {
    const { join } = anOrder();
    const held = Array.from({ length: 64 }, () => join());
    const begun = held.map((own) => own.begin());
    await begun[0];
    await join().begin();
    for (const own of held) {
      own.end();
      await turns();
    }
    await Promise.all(begun);
  });

  it('drops a queue when its last ask leaves (L42)', async () => {
    const { order, join } = anOrder();
    const asks = Array.from({ length: 100 }, (_, i) => join(`user:${i}`));
    expect(order.size).toBe(100);
    for (const own of asks) {
      await own.begin();
      own.end();
      own.leave();
    }
    expect(order.size).toBe(0);
  });

  it('counts the ended turns, also of asks without order: rows that were read before are not current', async () => {
    const { join } = anOrder();
    const [own, other] = [join(), join()];
    const before = own.ended;
    await other.begin();
    expect(own.ended).toBe(before);
    other.end();
    other.end();
    expect(own.ended).toBe(before + 1);
  });
});

describe('an approver that hangs', () => {
  it('delays no other ask for the same subject (L38)', async () => {
    const approver = new ScriptedApprover({
      decide: ({ scopes }) => (scopes[0] === 'hangs' ? new Promise<Verdict>(() => undefined) : { outcome: 'approve' }),
    });
    const { engine, clock } = anEngine({ approver, limits: { approverTimeout: '10s' } });
    const hanging = ask(engine, { scope: 'hangs' }).catch((error: unknown) => (error as { code: string }).code);
    await untilAsleep(clock);
    expect(await ask(engine)).toMatchObject({ outcome: 'granted' });
    await clock.advance('10s');
    expect(await hanging).toBe('ERR_JIT_APPROVER');
  });
});

describe('a commit that hangs', () => {
  it('delays no revoke, lock, denial, cancel, release, break-glass and sweep, and an ask by 250 ms', async () => {
    const approver = new ScriptedApprover({
      decide: ({ scopes }) =>
        scopes[0] === 'reviewed' ? { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } } : { outcome: 'approve' },
      groupsOf: ['ops'],
      breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
    });
    const { engine, store, clock } = anEngine({ approver });
    const [one, two] = [await aGranted(engine, { scope: 'one' }), await aGranted(engine, { scope: 'two' })];
    const pending = await ask(engine, { scope: 'reviewed', ttl: HOUR });
    store.inject('commit', { fault: 'hang' }, 1);
    const before = store.called('commit');
    const held = ask(engine, { scope: 'held' });
    while (store.called('commit') === before) await yieldToOthers();
    await engine.revoke(one.id, { by: SAM });
    await engine.release(two.id, { by: MAYA });
    await engine.deny(pending.request.id, { by: SAM, reason: 'no' });
    await engine.sweep();
    await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: HOUR, justification: 'down' });
    const { lock } = await engine.lock({ subject: ANA }, { by: SAM, reason: 'x' });
    expect(lock.status).toBe('open');
    let isAnswered = false;
    const begun = clock.now();
    const next = ask(engine, { scope: 'next' }).then(() => (isAnswered = true));
    for (let turn = 0; turn < 200 && !isAnswered; turn++) {
      await yieldToOthers();
      await clock.advance(5);
    }
    expect(clock.now() - begun).toBeGreaterThanOrEqual(250);
    expect(isAnswered).toBe(true);
    await next;
    store.release();
    expect(await held).toMatchObject({ outcome: 'granted' });
  });

  it('is ordered by the process alone: another process asks at once', async () => {
    const approver = autoApprove(() => true, { pure: true });
    const { engine, store, clock } = anEngine({ approver });
    await ask(engine, { scope: 'first' });
    const other = anEngine({ approver, store, clock }).engine;
    store.inject('commit', { fault: 'hang' }, 1);
    const before = store.called('commit');
    const held = ask(engine, { scope: 'held' });
    while (store.called('commit') === before) await yieldToOthers();
    expect(await ask(other)).toMatchObject({ outcome: 'granted' });
    store.release();
    expect(await held).toMatchObject({ outcome: 'granted' });
  });
});
