import { watchAccess } from 'jit-access/work';
import { JitEngine, MemoryGrantStore } from 'jit-access';
import { FaultyStore, ManualClock } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { settle } from './at-work.js';

const SECOND = 1_000;

/** Watches on one scope, of one or more subjects, and the number of reads of the store. */
async function leased(subjects: readonly string[], count: number) {
  const store = new FaultyStore(new MemoryGrantStore());
  const clock = new ManualClock();
  const engine = new JitEngine({ approver: { name: 'yes', decide: () => ({ outcome: 'approve' }) }, store, clock });
  const watches = [];
  for (const subject of subjects) {
    const asked = await engine.requestAccess({ subject, scope: 'db-prod:write', ttl: '15m' });
    if (asked.outcome !== 'granted') throw new Error('granted');
    for (let i = 0; i < count; i++) {
      watches.push({ subject, grantId: asked.grants[0]!.id, watch: await watchAccess(engine, subject, 'db-prod:write') });
      // Each watch starts at its own moment.
      await clock.advance(7);
    }
  }
  const reads = () => store.calls.filter(({ method }) => method === 'live').length;
  return { store, clock, engine, watches, reads };
}

describe('watches on one subject and scope', () => {
  it('L34 share one read of the store a poll, however many watches there are [F4]', async () => {
    const { clock, watches, reads } = await leased(['user:maya'], 100);
    const before = reads();
    for (let i = 0; i < 40; i++) await clock.advance(250);
    expect(reads() - before).toBeLessThanOrEqual(11);
    expect(watches.filter(({ watch }) => watch.signal.aborted)).toEqual([]);
  });

  it('are read for each subject separately [F4]', async () => {
    const { clock, reads } = await leased(['user:maya', 'user:sam', 'user:ana'], 10);
    const before = reads();
    for (let i = 0; i < 40; i++) await clock.advance(250);
    expect(reads() - before).toBeGreaterThanOrEqual(30);
    expect(reads() - before).toBeLessThanOrEqual(33);
  });

  it('L12 all end within one poll after a revoke through another engine [F4]', async () => {
    const { store, clock, watches } = await leased(['user:maya'], 50);
    // No hint reaches the watches: only their polls see the revoke.
    const other = new JitEngine({ approver: { name: 'yes', decide: () => ({ outcome: 'approve' }) }, store, clock });
    await other.revoke(watches[0]!.grantId, { by: 'user:ciso' });
    await clock.advance(SECOND);
    await settle();
    expect(watches.filter(({ watch }) => !watch.signal.aborted)).toEqual([]);
  });

  it('L30 all end once the store has failed for the maxUnconfirmed of each [F4]', async () => {
    const { store, clock, watches } = await leased(['user:maya'], 20);
    await clock.advance(SECOND);
    store.inject('live', { fault: 'reject' });
    for (let i = 0; i < 24; i++) await clock.advance(250);
    const codes = watches.map(({ watch }) => (watch.signal.reason as { code?: string } | undefined)?.code);
    expect(new Set(codes)).toEqual(new Set(['ERR_JIT_STORE']));
  });

  it('L38 do not affect a later watch when a read that they share hangs [F4]', async () => {
    const { store, clock, engine, watches } = await leased(['user:maya'], 20);
    store.inject('live', { fault: 'hang' }, 1);
    await clock.advance(SECOND);
    const later = await watchAccess(engine, 'user:maya', 'db-prod:write');
    for (let i = 0; i < 40; i++) await clock.advance(250);
    expect(watches.filter(({ watch }) => !watch.signal.aborted)).toEqual([]);
    expect(later.signal.aborted).toBe(false);
  });
});
