import { failedChanges, provision } from 'jit-access/provisioning';
import { autoApprove, JitEngine } from 'jit-access';
import { ManualClock, START_AT } from 'jit-access/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { engineOptions } from './door.js';
import { KINDS, openStore } from './place.js';
import { isAvailable, startDurable, type Durable } from './servers.js';
import { sinkOf } from './sinks.js';
import { suspend } from './suspend.js';
import { entriesOf, wrongsOf } from './verdict.js';
import { Worker, type Outside } from './workers.js';

/** The last statement that a commit has sent when it is stopped. */
const BETWEEN = { postgres: 'for update', sqlite: 'insert into jit_journal' };
/** How long PostgreSQL lets the holder keep the head, and more than the holder needs to reach that point. */
const HOLDER_MS = 1_500;
const PATIENT = 30_000;
const SCOPE = 'db:write';
const MAYA = 'user:maya';
const ROOT = { by: 'user:root' };

describe.each(KINDS.filter((kind) => isAvailable(kind)))('a process that is suspended or killed, on %s', (kind) => {
  let durable: Durable;
  beforeAll(async () => {
    durable = await startDurable(kind);
  });
  afterAll(() => durable.stop());

  /** Two processes, of which this is one. */
  async function together(over: { readonly timeoutMs?: number } = {}) {
    const namespace = durable.namespace();
    const { store, close } = await openStore(durable.place, { namespace, timeoutMs: PATIENT });
    const clock = new ManualClock();
    const engine = new JitEngine({ ...engineOptions(), store, clock });
    const worker = await Worker.start({ place: durable.place, namespace, at: START_AT, ...over });
    // Always, however the test ends: a stopped process that holds the head would stop later tests too.
    onTestFinished(async () => {
      await worker.kill();
      await engine.close();
      await close();
    });
    const asked = await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '15m', justification: 'now' });
    const grant = asked.outcome === 'granted' ? asked.grants[0] : undefined;
    if (grant === undefined) throw new Error('there is a grant');
    return { namespace, store, clock, engine, worker, grant };
  }

  it("L12 delays no revoke longer than the revoke's limit, though it holds the head when it is stopped with SIGSTOP", async () => {
    const { store, engine, worker, grant } = await together({ timeoutMs: HOLDER_MS });
    // The worker stops itself between two statements of its commit. On Redis a commit is one script: there it is stopped before.
    if (kind === 'redis') worker.suspend();
    else await worker.order({ do: 'stop while', sql: BETWEEN[kind] });
    const held = worker.call(['requestAccess', { subject: 'user:sam', scope: SCOPE, ttl: '15m', justification: 'now' }]);
    if (kind !== 'redis') await worker.stopped();
    const revoked = engine.revoke(grant.id, ROOT);
    if (kind === 'sqlite') {
      // No server releases the lock of a file: checks continue, and the revoke waits for the holder.
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      worker.resume();
    }
    expect(await revoked).toMatchObject({ end: { status: 'revoked' } });
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    worker.resume();
    // When it learns that its commit was rolled back, it has committed again, or reports that it could not.
    const [told] = await held;
    expect(['ERR_JIT_STORE', 'ERR_JIT_OUTCOME_UNKNOWN', undefined]).toContain(told?.code);
    expect(await wrongsOf(store, [['grant.revoked', grant.id]])).toEqual([]);
  });

  it('L12 releases the head when it is killed with -9', async () => {
    const { store, engine, worker, grant } = await together();
    if (kind === 'redis') worker.suspend();
    else await worker.order({ do: 'stop while', sql: BETWEEN[kind] });
    const held = worker
      .call(['requestAccess', { subject: 'user:sam', scope: SCOPE, ttl: '15m', justification: 'now' }])
      .catch(() => undefined);
    if (kind !== 'redis') await worker.stopped();
    await worker.kill();
    await held;
    expect(await engine.revoke(grant.id, ROOT)).toMatchObject({ end: { status: 'revoked' } });
    expect(await engine.listRequests({ subject: 'user:sam' })).toMatchObject({ items: [] });
    expect(await wrongsOf(store, [['grant.revoked', grant.id]])).toEqual([]);
  });

  /** An external system, and the calls that it received; its follower delivers at once. */
  function outside(engine: JitEngine) {
    const held = new Set<string>();
    const seqs: number[] = [];
    const apply = ({ subject, scope, held: holds, seq }: Pick<Outside, 'subject' | 'scope' | 'held' | 'seq'>) => {
      // A system that keeps the newest number: a late call of the suspended process is older.
      if (seq >= Math.max(0, ...seqs)) {
        if (holds) held.add(`${subject} ${scope}`);
        else held.delete(`${subject} ${scope}`);
      }
      seqs.push(seq);
    };
    provision(engine, { name: 'roles', scopes: [SCOPE], apply });
    return { held, seqs, apply };
  }

  it('L28 L32 loses no change for an external system: when it is killed in the call, another process makes the call', async () => {
    const { store, clock, engine, worker, grant } = await together();
    const called = new Promise<Outside>((resolve) => (worker.onOutside = resolve));
    await worker.order({ do: 'follow', scopes: [SCOPE] });
    const flushed = worker.call(['flushAudit']).catch(() => undefined);
    expect(await called).toMatchObject({ subject: MAYA, scope: SCOPE, held: true });
    await worker.kill();
    await flushed;
    const roles = outside(engine);
    await engine.flushAudit();
    expect(roles.held.size).toBe(0);
    // The lease expires, and another process makes the change, under the same number.
    await clock.advance('5m');
    await engine.sweep();
    await engine.flushAudit();
    expect([...roles.held]).toEqual([`${MAYA} ${SCOPE}`]);
    expect(roles.seqs).toEqual([(await called).seq]);
    await engine.revoke(grant.id, ROOT);
    await engine.flushAudit();
    expect([...roles.held]).toEqual([]);
    expect(await wrongsOf(store)).toEqual([]);
  });

  it('L28 reverts nothing when it wakes inside a call that another process has completed long ago', async () => {
    const { store, clock, engine, worker, grant } = await together();
    const called = new Promise<Outside>((resolve) => (worker.onOutside = resolve));
    await worker.order({ do: 'follow', scopes: [SCOPE] });
    const flushed = worker.call(['flushAudit']);
    const late = await called;
    await suspend(worker, durable.place);
    const roles = outside(engine);
    await clock.advance('5m');
    await engine.sweep();
    await engine.flushAudit();
    await engine.revoke(grant.id, ROOT);
    await engine.flushAudit();
    expect([...roles.held]).toEqual([]);
    // It wakes; its call arrives late; therefore it applies the current state once more.
    worker.onOutside = roles.apply;
    worker.resume();
    roles.apply(late);
    await worker.order({ do: 'clock', at: clock.now() });
    await worker.order({ do: 'let go' });
    await flushed;
    for (let i = 0; i < 3; i++) {
      await clock.advance('5m');
      await engine.sweep();
      await engine.flushAudit();
    }
    expect([...roles.held]).toEqual([]);
    expect(await failedChanges(engine)).toEqual([]);
    expect(await wrongsOf(store, [['grant.revoked', grant.id]])).toEqual([]);
  });

  it.each([
    ['killed', 'notify'],
    ['suspended', 'notify'],
    ['killed', 'webhookSink'],
    ['suspended', 'webhookSink'],
  ] as const)(
    'L28 L32 loses no message: when it is %s while %s sends one, another process sends it and the rest, in order',
    async (how, sink) => {
      const { store, clock, engine: first, worker, grant, namespace } = await together();
      const sending = new Promise<string>((resolve) => (worker.onSent = resolve));
      await worker.order({ do: 'notify', over: sink });
      const flushed = worker.call(['flushAudit']).catch(() => undefined);
      await sending;
      if (how === 'killed') await worker.kill();
      else await suspend(worker, durable.place);
      await first.revoke(grant.id, ROOT);
      const sent: string[] = [];
      const audit = sinkOf(sink, (id) => void sent.push(id));
      const opened = await openStore(durable.place, { namespace, timeoutMs: PATIENT });
      const other = new JitEngine({ approver: autoApprove(() => false), store: opened.store, clock, audit });
      expect((await other.flushAudit()).caughtUp).toBe(false);
      expect(sent).toEqual([]);
      await clock.advance('1m');
      expect((await other.flushAudit()).caughtUp).toBe(true);
      const seqs = new Map((await entriesOf(store)).map(({ id, seq }) => [id, seq]));
      const order = sent.map((id) => seqs.get(id) ?? 0);
      expect(sent[0]).toBe(await sending);
      expect(order).toEqual([...order].sort((a, b) => a - b));
      expect(sent.length).toBeGreaterThan(1);
      if (how === 'suspended') {
        worker.resume();
        await worker.order({ do: 'let go' });
        await flushed;
        // Its later work moves no cursor back.
        const before = sent.length;
        expect((await other.flushAudit()).followers).toMatchObject([{ behind: 0 }]);
        expect(sent).toHaveLength(before);
      }
      await other.close();
      await opened.close();
    },
  );
});
