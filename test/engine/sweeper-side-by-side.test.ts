import { provision, type DesiredState } from 'jit-access/provisioning';
import { describe, expect, it } from 'vitest';
import { startSweeper, type Clock, type SweepReport } from '../../src/index.js';
import { hangs, ManualClock, ScriptedApprover, throws } from '../../src/testing.js';
import { aGranted, anEngine, ask, at, grantsOf, MAYA, MINUTE, refusal, SCOPE, typesOf } from './an-engine.js';

async function turns(n = 50): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A tenant with this many undecided requests, about which its approver hangs from now on. */
async function aHangingTenant(clock: ManualClock, undecided = 1) {
  const approver = new ScriptedApprover({ decide: { outcome: 'approve' } });
  const tenant = anEngine({ approver, clock, limits: { retryAfter: 1000, approverTimeout: 10_000 } });
  await aGranted(tenant.engine);
  approver.script.decide = throws(new Error('down'));
  for (let i = 0; i < undecided; i++) await refusal(ask(tenant.engine, { scope: `undecided:${i}`, ttl: '1h' }), 'ERR_JIT_APPROVER');
  approver.script.decide = hangs();
  return { ...tenant, approver };
}

/** A tenant whose one grant ends after 15 minutes, in an external system too. */
async function aTenant(clock: ManualClock) {
  const tenant = anEngine({ approver: new ScriptedApprover({ decide: { outcome: 'approve' } }), clock });
  const calls: string[] = [];
  const apply = ({ held, subject, scope }: DesiredState) => void calls.push(`${held ? '+' : '-'} ${subject} ${scope}`);
  provision(tenant.engine, { name: 'firewall', scopes: [SCOPE], apply });
  await aGranted(tenant.engine);
  await tenant.engine.flushAudit();
  return { ...tenant, calls };
}

const ENDED = [`+ ${MAYA} ${SCOPE}`, `- ${MAYA} ${SCOPE}`];

describe('startSweeper()', () => {
  for (const hanging of [1, 20]) {
    it(`records the ends of a tenant, in external systems too, while the approvers of ${hanging} others hang (L38) [H7]`, async () => {
      const clock = new ManualClock();
      const others = [];
      for (let i = 0; i < hanging; i++) others.push(await aHangingTenant(clock));
      const tenant = await aTenant(clock);
      await clock.set(at(15 * MINUTE));
      const sweeper = startSweeper([...others.map(({ engine }) => engine), tenant.engine], { every: '30s' });
      await turns();
      expect(await typesOf(tenant.store)).toContain('grant.expired');
      expect(tenant.calls).toEqual(ENDED);
      expect(others.every(({ approver }) => approver.asked('decide') === 3)).toBe(true);
      const stopping = sweeper.stop();
      await clock.advance('1m');
      await stopping;
    });
  }

  it('records the ends of a tenant in the next pass, while its own approver still hangs (L38) [H7]', async () => {
    const clock = new ManualClock();
    const { engine, store } = await aHangingTenant(clock, 90);
    await clock.set(at(14 * MINUTE));
    const sweeper = startSweeper(engine, { every: '1s' });
    await turns();
    await clock.set(at(14 * MINUTE + 5000));
    await turns();
    expect(await typesOf(store)).not.toContain('grant.expired');
    // In steps shorter than the approver's limit, so that at each some questions hang.
    for (let s = 6; s <= 61; s += 5) {
      await clock.set(at(14 * MINUTE + s * 1000));
      await turns(5);
    }
    await turns();
    expect((await typesOf(store)).filter((type) => type === 'grant.expired')).toHaveLength(1);
    const stopping = sweeper.stop();
    await clock.advance('1m');
    await stopping;
  });

  it('does not ask an approver that hangs a second time about one request', async () => {
    const clock = new ManualClock();
    const { engine, approver } = await aHangingTenant(clock, 30);
    await clock.set(at(2000));
    const before = approver.asked('decide');
    const sweeper = startSweeper(engine, { every: '1s' });
    await turns();
    for (let s = 3; s <= 6; s++) {
      await clock.set(at(s * 1000));
      await turns(5);
    }
    // Only 20 are asked at the same time, and none of them twice.
    const asked = approver.questions.slice(before).map((question) => 'request' in question && question.request.id);
    expect(asked).toHaveLength(20);
    expect(new Set(asked).size).toBe(20);
    const stopping = sweeper.stop();
    await clock.advance('1m');
    await stopping;
  });

  it('records the ends of a tenant while the stores of 40 others hang (L38) [H7]', async () => {
    const clock = new ManualClock();
    const others = Array.from({ length: 40 }, () => anEngine({ clock }));
    for (const { store } of others) store.inject('due', { fault: 'hang' });
    const tenant = await aTenant(clock);
    await clock.set(at(15 * MINUTE));
    const sweeper = startSweeper([...others.map(({ engine }) => engine), tenant.engine], { every: '30s' });
    await turns();
    for (let s = 1; s <= 5; s++) {
      await clock.advance(1000);
      await turns();
    }
    expect(await typesOf(tenant.store)).toContain('grant.expired');
    expect(tenant.calls).toEqual(ENDED);
    for (const { store } of others) store.release();
    await sweeper.stop();
  });

  for (const [what, sleep] of [
    ['never wakes', () => new Promise<void>(() => undefined)],
    ['fails', () => Promise.reject(new Error('no timers'))],
  ] as const) {
    it(`continues its passes for a tenant while the clock of the first tenant ${what} (L38) [H7]`, async () => {
      const clock = new ManualClock();
      const broken: Clock = { now: () => clock.now(), sleep };
      const first = anEngine({ clock: broken });
      const tenant = await aTenant(clock);
      const sweeper = startSweeper([first.engine, tenant.engine], { every: '30s' });
      await turns();
      await clock.set(at(15 * MINUTE));
      await turns();
      expect(await typesOf(tenant.store)).toContain('grant.expired');
      void sweeper.stop();
    });
  }
});

describe('JitEngine', () => {
  describe('sweep()', () => {
    it('resolves after approverTimeout in all, for any number of hanging questions (L38) [H7]', async () => {
      const clock = new ManualClock();
      const { engine } = await aHangingTenant(clock, 60);
      await clock.set(at(15 * MINUTE));
      let report: SweepReport | undefined;
      const sweeping = engine.sweep().then((done) => (report = done));
      await turns();
      expect(report).toBeUndefined();
      await clock.advance(10_000);
      await turns();
      expect(report).toMatchObject({ ended: 1, asked: 60 });
      for (let i = 0; i < 5; i++) await clock.advance(10_000);
      await sweeping;
    });

    it('repeats a failed call of an external system, although the store refuses 25 commits in a row [H7]', async () => {
      const { engine, clock, store } = anEngine({ approver: new ScriptedApprover({ decide: { outcome: 'approve' } }) });
      let calls = 0;
      provision(engine, {
        name: 'firewall',
        scopes: [SCOPE],
        apply: () => {
          calls += 1;
          throw new Error('down');
        },
      });
      await aGranted(engine);
      await engine.flushAudit();
      for (let i = 0; i < 60; i++) await aGranted(engine, { scope: `poison:${i}`, ttl: '1m' });
      await clock.set(at(2 * MINUTE));
      const commit = store.commit.bind(store);
      store.commit = (change) =>
        change.put.some(({ scope }) => scope?.startsWith('poison') === true) ? Promise.reject(new Error('too large')) : commit(change);
      const before = calls;
      await refusal(engine.sweep(), 'ERR_JIT_OUTCOME_UNKNOWN');
      await turns();
      expect(calls).toBe(before + 1);
    });
  });

  describe('provision()', () => {
    it('applies an end while the approver that must confirm a start at the same instant hangs (L38) [H7]', async () => {
      const approver = new ScriptedApprover({
        decide: { outcome: 'approve' },
        isEligible: (_, when) => when !== 'start' || new Promise(() => 1),
      });
      const { engine, clock } = anEngine({ approver });
      const calls: string[] = [];
      const apply = ({ held, subject, scope }: DesiredState) => void calls.push(`${held ? '+' : '-'} ${subject} ${scope}`);
      provision(engine, { name: 'firewall', scopes: [SCOPE, 'other'], apply });
      await aGranted(engine);
      await aGranted(engine, { subject: 'user:ben', scope: 'other' });
      await grantsOf(engine, { startsAt: at(15 * MINUTE) });
      await engine.flushAudit();
      await clock.set(at(15 * MINUTE));
      const sweeping = engine.sweep();
      await turns();
      expect(calls.slice(2).sort()).toEqual(['- user:ben other', `- ${MAYA} ${SCOPE}`]);
      await clock.advance('1m');
      await sweeping;
    });
  });
});
