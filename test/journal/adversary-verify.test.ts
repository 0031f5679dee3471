import { purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import { autoApprove, isJitError, JitEngine, MemoryGrantStore, type AuditEntry } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { accessReport, journalHead, readJournal, replay, verifyJournal, verifyStore } from '../../src/journal.js';
import { FaultyStore, ManualClock, ScriptedApprover, START_AT } from '../../src/testing.js';
import { over, settled, tamper } from './bent-store.js';

describe('verifyStore', () => {
  it('L26: finds entries that were removed from the front of the journal without a recorded purge, as replay does', async () => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore();
    const engine = new JitEngine({ approver: autoApprove(() => true), store, clock });
    const gone = await engine.requestAccess({ subject: 'user:eve', scope: 'a:b', ttl: '5m' });
    await engine.revoke(gone.outcome === 'granted' ? (gone.grants[0]?.id as string) : '', { by: 'user:admin' });
    const { seq } = await journalHead(engine);
    await engine.requestAccess({ subject: 'user:maya', scope: 'c:d', ttl: '5m' });
    const exported = await journalHead(engine);
    expect((await verifyStore(store, { head: exported })).ok).toBe(true);
    // Eve had access, and an attacker with write access to the store erases it without a purge entry.
    const keys = [
      { kind: 'request', id: gone.request.id },
      { kind: 'grant', id: `${gone.request.id}.1` },
      { kind: 'subject', id: 'user:eve' },
    ];
    await store.commit({ id: 'evil', expect: [], put: [], append: [], remove: keys, trimJournalTo: seq });
    await expect(replay(readJournal(store))).rejects.toMatchObject({ code: 'ERR_JIT_CORRUPT' });
    expect((await verifyStore(store, { head: exported })).ok).toBe(false);
  });

  it('issue 4, verifyStore names every row that differs: a forged use of a grant that is kept', async () => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore();
    const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxUses: 1 } } });
    const engine = new JitEngine({ approver, store, clock });
    await engine.requestAccess({ subject: 'user:old', scope: 'a:b', ttl: '1m' });
    await clock.advance('10m');
    await engine.sweep();
    const { journalStart } = await purge(engine, { before: clock.now(), by: 'user:admin', force: true });
    expect(journalStart).toBeGreaterThan(0);
    const asked = await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    const grantId = `${asked.request.id}.1`;
    // The id of a use's row is derived from its key: a second store gives it.
    const twin = new MemoryGrantStore();
    const other = new JitEngine({ approver, store: twin, clock });
    await other.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    await other.consume('user:maya', 'a:b', { idempotencyKey: 'k1' });
    const [use] = (await twin.find({ kind: 'use', limit: 1 })).items as [Row];
    await store.commit({ id: 'evil', expect: [], put: [{ ...use, body: { ...use.body, grantId, usesLeft: 9 } }], append: [] });
    // The forged key is valid for a use that is not counted.
    await engine.consume('user:maya', 'a:b', { idempotencyKey: 'k1' });
    expect((await store.get([{ kind: 'usage', id: grantId }]))[0]?.body['uses']).toBe(0);
    const found = await verifyStore(store);
    expect(found.differences.map(({ kind }) => kind)).toEqual(['use']);
  });

  it('issue 4, verifyStore names every row that differs: a field named __proto__', async () => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore();
    const engine = new JitEngine({ approver: autoApprove(() => true), store, clock });
    const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    await tamper(store, 'grant', `${request.id}.1`, (row) => ({
      ...row,
      body: JSON.parse(`{"__proto__":{},${JSON.stringify(row.body).slice(1)}`) as Row['body'],
    }));
    // The engine treats the row as malformed.
    expect(await engine.isAllowed('user:maya', 'a:b')).toBe(false);
    expect((await verifyStore(store)).ok).toBe(false);
  });

  it("issue 4, verifyStore names every row that differs: the horizon's row, changed to be always due", async () => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore();
    const engine = new JitEngine({ approver: autoApprove(() => true), store, clock });
    await purge(engine, { before: START_AT, by: 'user:admin', force: true });
    await tamper(store, 'horizon', 'horizon', (row) => ({ ...row, dueAt: 0, body: { ...row.body, planted: true } }));
    // Every sweep reads this row from now on.
    expect((await engine.sweep()).skipped).toBe(1);
    expect((await verifyStore(store)).differences.map(({ kind }) => kind)).toEqual(['horizon']);
  });

  it.each(['journal', 'find', 'get'] as const)(
    'L30, wrong error types: an exception or an invalid answer of a store at %s is a typed error',
    async (method) => {
      const store = new FaultyStore(new MemoryGrantStore());
      const engine = new JitEngine({ approver: autoApprove(() => true), store, clock: new ManualClock() });
      await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
      const undo = store.inject(method, { fault: 'reject', error: new Error('connection terminated') });
      const thrown = await settled(verifyStore(store));
      undo();
      store.inject(method, { fault: 'malformed', answer: undefined });
      const malformed = await settled(verifyStore(store));
      expect([isJitError(thrown), isJitError(malformed)]).toEqual([true, true]);
    },
  );
});

describe('bad input', () => {
  const store = new MemoryGrantStore();
  it.each<[string, () => Promise<unknown>]>([
    ['replay(null)', () => replay(null as never)],
    ['replay(5)', () => replay(5 as never)],
    ['exposure(undefined, span)', () => accessReport(undefined as never, { from: 0, to: 1 })],
    ['verifyJournal(null)', () => verifyJournal(null as never)],
    ['verifyJournal([], null)', () => verifyJournal([], null as never)],
    ['verifyJournal([], { head: null })', () => verifyJournal([], { head: null as never })],
    ['verifyStore(null)', () => verifyStore(null as never)],
    ['verifyStore(store, { head: null })', () => verifyStore(store, { head: null as never })],
  ])('hostile inputs: %s throws a typed error that names the argument', async (_, call) => {
    expect(await settled(call())).toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT' });
  });

  it.each([0, -1, NaN, null])('hostile inputs: readJournal with a page size of %s is refused, not an empty journal', async (pageSize) => {
    const full = new MemoryGrantStore();
    const engine = new JitEngine({ approver: autoApprove(() => true), store: full, clock: new ManualClock() });
    await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    // An empty answer would claim that no subject ever held anything.
    const told = await settled(replay(readJournal(full, 0, pageSize as never)).then(({ grants }) => grants.size));
    expect(told).not.toBe(0);
  });

  it('hostile inputs: readJournal with after NaN is refused, not an empty journal', async () => {
    const full = new MemoryGrantStore();
    const engine = new JitEngine({ approver: autoApprove(() => true), store: full, clock: new ManualClock() });
    await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    expect(await settled(replay(readJournal(full, NaN)).then(({ grants }) => grants.size))).not.toBe(0);
  });
});

describe('readJournal', () => {
  it('L33, misleading: a purge between two pages is not reported as corruption', async () => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore();
    const engine = new JitEngine({ approver: autoApprove(() => true), store, clock });
    for (const subject of ['user:a', 'user:b', 'user:c']) await engine.requestAccess({ subject, scope: 'a:b', ttl: '1m' });
    await clock.advance('1h');
    await engine.sweep();
    let calls = 0;
    const busy = over(store, {
      journal: async (query) => {
        if (++calls === 2) await purge(engine, { before: clock.now(), by: 'user:admin', force: true });
        return store.journal(query);
      },
    });
    const verified = await settled(verifyJournal(readJournal(busy, 0, 2)));
    // Only a recorded purge changed the journal. The error must say to read again.
    expect(verified).not.toMatchObject({ ok: false });
  });
});

describe('work', () => {
  /** How many elements of arrays are visited while `work` runs. */
  async function steps(work: () => Promise<unknown>): Promise<number> {
    const iterator = Array.prototype[Symbol.iterator];
    let count = 0;
    Array.prototype[Symbol.iterator] = function (this: unknown[]) {
      count += this.length;
      return iterator.call(this);
    } as typeof iterator;
    try {
      await work();
    } finally {
      Array.prototype[Symbol.iterator] = iterator;
    }
    return count;
  }

  it('unbounded work: exposure takes time proportional to the entries, not to their square', async () => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore();
    const engine = new JitEngine({ approver: autoApprove(() => true), store, clock, limits: { minTtl: 1 } });
    const costOf = async () => {
      const entries: AuditEntry[] = [];
      for await (const entry of readJournal(store)) entries.push(entry);
      return steps(() => accessReport(entries, { from: START_AT, to: START_AT + 3_600_000 }));
    };
    const ask = async (n: number) => {
      for (let i = 0; i < n; i++) {
        await engine.requestAccess({ subject: 'agent:7', scope: 'a:b', ttl: 1 });
        await clock.advance(1);
        if (i % 50 === 0) await engine.sweep();
      }
    };
    await ask(300);
    const few = await costOf();
    await ask(900);
    // Four times as much; a quadratic report would take some sixteen times.
    expect((await costOf()) / few).toBeLessThan(6);
  });

  it.each<[string, number, (store: MemoryGrantStore, engine: JitEngine, now: number) => Promise<unknown>]>([
    ['replay of readJournal', 600, (store) => replay(readJournal(store))],
    ['history', 600, (_, engine, now) => engine.listGrants({ covering: 'x:y', limit: 1, during: { from: START_AT, to: now } })],
    ['purge', 600, (_, engine, now) => purge(engine, { before: now, by: 'user:admin', force: true })],
    // A page of each kind of record, and several of the journal.
    ['purge of a journal', 60, (_, engine, now) => purge(engine, { before: now, by: 'user:admin', force: true })],
  ])('unbounded work: %s over a store in memory lets timers run in between', async (_, count, call) => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore();
    const engine = new JitEngine({ approver: autoApprove(() => true), store, clock });
    for (let i = 0; i < count; i++) await engine.requestAccess({ subject: `user:${i}`, scope: 'a:b', ttl: '1s' });
    await clock.advance('1h');
    await engine.sweep();
    await clock.advance('1h');
    let isOver = false;
    let ticks = 0;
    const timer = setImmediate(function tick() {
      ticks += 1;
      if (!isOver) setImmediate(tick);
    });
    await call(store, engine, clock.now());
    isOver = true;
    clearImmediate(timer);
    expect(ticks).toBeGreaterThan(0);
  });
});
