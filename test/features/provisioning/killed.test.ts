import { describe, expect, it } from 'vitest';
import { autoApprove, JitEngine, MemoryGrantStore, type AuditSink } from '../../../src/index.js';
import { notify } from '../../../src/notify.js';
import { webhookSink } from '../../../src/webhook.js';
import { ManualClock } from '../../../src/testing.js';
import { aGranted, anEngine, entriesOf, SAM } from '../../engine/an-engine.js';
import { killedAfter, turns } from './killed.js';

/** A receiver that counts each message by its id. */
class Arrived {
  readonly ids: string[] = [];
  get first(): readonly string[] {
    return [...new Set(this.ids)];
  }
}

const SINKS: Readonly<Record<string, (arrived: Arrived) => AuditSink>> = {
  notify: (arrived) => notify({ name: 'chat', send: ({ id }) => void arrived.ids.push(id) }),
  webhookSink: (arrived) =>
    webhookSink({
      name: 'hook',
      url: 'https://hooks.example/in',
      secrets: [`whsec_${'c2VjcmV0'.repeat(5)}`],
      fetch: (_url, { headers }) => {
        arrived.ids.push(headers['webhook-id'] as string);
        return Promise.resolve({ status: 204, headers: { get: () => null } });
      },
    }),
};

/** The entries to deliver: a request that was created, reviewed and granted, and a grant that was revoked. */
async function history(store: MemoryGrantStore, clock: ManualClock): Promise<void> {
  const { engine } = anEngine({ store, clock });
  const grant = await aGranted(engine);
  await engine.revoke(grant.id, { by: SAM });
}

describe.each(Object.entries(SINKS))('a killed process loses no message of %s', (_name, sink) => {
  async function expected(): Promise<readonly string[]> {
    const [store, clock, arrived] = [new MemoryGrantStore(), new ManualClock(), new Arrived()];
    await history(store, clock);
    const { engine } = anEngine({ store, clock, audit: sink(arrived) });
    await engine.flushAudit();
    const seqs = new Map((await entriesOf(store)).map(({ id, seq }) => [id, seq]));
    expect(arrived.ids.map((id) => seqs.get(id)).filter((seq) => seq !== undefined)).toHaveLength(arrived.ids.length);
    return arrived.ids.map((id) => String(seqs.get(id)));
  }

  it('L28 L32 at whichever call it dies, another process sends the remaining messages, first deliveries in order', async () => {
    const wanted = await expected();
    expect(wanted.length).toBeGreaterThan(2);
    let deaths = 0;
    for (let calls = 0; ; calls++) {
      const [inner, clock, arrived] = [new MemoryGrantStore(), new ManualClock(), new Arrived()];
      await history(inner, clock);
      const { store, kill } = killedAfter(inner, calls);
      const doomed = new JitEngine({ approver: autoApprove(() => true), store, clock, audit: sink(arrived) });
      void doomed.flushAudit().catch(() => undefined);
      await turns(20);
      await clock.advance('1m');
      const survivor = anEngine({ store: inner, clock, audit: sink(arrived) }).engine;
      await survivor.flushAudit();
      const seqs = new Map((await entriesOf(inner)).map(({ id, seq }) => [id, String(seq)]));
      expect(
        arrived.first.map((id) => seqs.get(id)),
        `after ${calls} calls`,
      ).toEqual(wanted);
      expect((await survivor.flushAudit()).caughtUp).toBe(true);
      if (!kill.happened) break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(5);
  });
});

describe('a process that is suspended inside send', () => {
  it('L28 L32 another process takes over after its lease, and its work after it wakes moves no cursor back', async () => {
    const [store, clock] = [new MemoryGrantStore(), new ManualClock()];
    await history(store, clock);
    const sent: string[] = [];
    let wake: (() => void) | undefined;
    const slow = notify({
      name: 'chat',
      send: async ({ id }) => {
        if (wake === undefined) await new Promise<void>((resolve) => (wake = resolve));
        sent.push(`slow ${id}`);
      },
    });
    // The timers of the suspended process stand still too.
    const suspended = anEngine({ store, clock: new ManualClock(), audit: slow }).engine;
    void suspended.flushAudit();
    await turns(20);
    const other = anEngine({ store, clock, audit: notify({ name: 'chat', send: ({ id }) => void sent.push(`other ${id}`) }) }).engine;
    expect((await other.flushAudit()).caughtUp).toBe(false);
    expect(sent).toEqual([]);
    await clock.advance('31s');
    expect((await other.flushAudit()).caughtUp).toBe(true);
    const told = sent.length;
    expect(told).toBeGreaterThan(2);
    wake?.();
    await turns(20);
    expect((await other.flushAudit()).caughtUp).toBe(true);
    expect((await other.flushAudit()).followers[0]).toMatchObject({ behind: 0 });
    const { engine } = anEngine({ store, clock });
    await aGranted(engine);
    await other.flushAudit();
    // The process that took over repeats no message that was sent before.
    const others = sent.filter((one) => one.startsWith('other'));
    expect(new Set(others).size).toBe(others.length);
  });
});
