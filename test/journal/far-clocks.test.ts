import { describe, expect, it } from 'vitest';
import { autoApprove, MemoryGrantStore, type AuditSink } from '../../src/index.js';
import { FaultyStore, ManualClock } from '../../src/testing.js';
import { aGranted, anEngine } from '../engine/an-engine.js';

describe('shared followers', () => {
  it('L28 of two processes whose clocks differ by more than a lease stop taking the cursor from each other', async () => {
    const store = new FaultyStore(new MemoryGrantStore());
    const clock = new ManualClock();
    const sink: AuditSink = {
      name: 'siem',
      write: async () => {
        for (let turn = 0; turn < 40; turn++) await Promise.resolve();
      },
    };
    const approver = autoApprove(() => true);
    const one = anEngine({ store, clock, audit: sink, approver }).engine;
    const other = anEngine({ store, clock: new ManualClock(), audit: sink, approver }).engine;
    await clock.advance('1m');
    // If they continued for ever, no turn of the event loop would be left to notice it.
    const { commit } = store;
    store.commit = (change) => {
      if (store.called('commit') > 300) throw new Error('for ever');
      return commit.call(store, change);
    };
    for (let i = 0; i < 10; i++) {
      await aGranted(one, { subject: `user:u${i}` });
      await Promise.all([one.flushAudit(), other.flushAudit()]);
    }
    expect(store.called('commit')).toBeLessThan(150);
    expect((await one.flushAudit()).caughtUp).toBe(true);
  });
});
