import { provision } from 'jit-access/provisioning';
import { purge } from 'jit-access/retention';
import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import { autoApprove, isJitError, JitEngine, MemoryGrantStore } from '../../src/index.js';
import { notify, type Notice } from '../../src/notify.js';
import { FaultyStore, ManualClock, RecordingSink, ScriptedApprover, START_AT } from '../../src/testing.js';
import { entriesOf } from '../engine/an-engine.js';
import { over, settled, takeAway, tamper } from '../journal/bent-store.js';

const MIN = 60_000;

describe('followers', () => {
  it('L28 (local): a sink that begins with a slow read of the head still receives the waiting entries', async () => {
    const store = new FaultyStore(new MemoryGrantStore());
    const sink = new RecordingSink({ name: 'local', follow: 'local' });
    store.inject('journal', { fault: 'hang' }, 1);
    const clock = new ManualClock();
    const engine = new JitEngine({ approver: autoApprove(() => true), store, clock, audit: sink });
    const asked = engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    for (let turn = 0; clock.sleepers === 0 && turn < 1000; turn++) await Promise.resolve();
    await clock.advance(1_000);
    await asked;
    expect(sink.writes.length).toBe(0);
    store.release();
    expect((await engine.flushAudit()).caughtUp).toBe(true);
    expect(sink.types).toEqual(['request.created', 'request.approved', 'grant.issued']);
  });

  it('L28 (local), loudly: entries that a purge removed before a local sink received them are reported to onError', async () => {
    const clock = new ManualClock();
    const errors: unknown[] = [];
    const sink = new RecordingSink({ name: 'local', follow: 'local' });
    const approver = autoApprove(() => true);
    const store = new MemoryGrantStore();
    const engine = new JitEngine({ approver, store, clock, audit: sink, onError: (error) => errors.push(error) });
    sink.fail(1);
    const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1m' });
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    expect(errors.length).toBe(1);
    await clock.advance('1h');
    const other = new JitEngine({ approver, store, clock });
    await other.sweep();
    await clock.advance('1h');
    const { journalStart } = await purge(other, { before: clock.now(), by: 'user:admin', force: true });
    expect(journalStart).toBeGreaterThan(2);
    const report = await engine.flushAudit();
    const got = sink.entries.some(({ requestId }) => requestId === request.id);
    expect(got || errors.length > 1 || !report.caughtUp).toBe(true);
  });

  it('L12: a malformed internal row does not stop a grant from being revoked', async () => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore();
    const approver = autoApprove(() => true);
    const first = new JitEngine({ approver, store, clock });
    const { request } = await first.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    await clock.advance('1m');
    await purge(first, { before: START_AT, by: 'user:admin', force: true });
    await tamper(store, 'horizon', 'horizon', (row) => ({ ...row, body: { before: 'soon' } }));
    // A process that starts with a new sink.
    const engine = new JitEngine({ approver, store, clock, audit: new RecordingSink({ name: 'new' }) });
    await settled(engine.revoke(`${request.id}.1`, { by: 'user:admin' }));
    expect(await engine.isAllowed('user:maya', 'a:b')).toBe(false);
  });

  it('left behind: a store whose watch throws stops neither the engine nor, at close, the delivery of all entries', async () => {
    const clock = new ManualClock();
    const approver = autoApprove(() => true);
    const broken = over(new MemoryGrantStore(), {
      watch: () => {
        throw new Error('LISTEN is not allowed here');
      },
    });
    const made = (): unknown => {
      try {
        return new JitEngine({ approver, store: broken, clock, audit: new RecordingSink() });
      } catch (error) {
        return error;
      }
    };
    expect(made()).toBeInstanceOf(JitEngine);
  });

  it('left behind: an unwatch that throws does not stop close from delivering all entries to every sink', async () => {
    const approver = autoApprove(() => true);
    const sink = new RecordingSink();
    const store = over(new MemoryGrantStore(), {
      watch: () => () => {
        throw new Error('not connected');
      },
    });
    const engine = new JitEngine({ approver, store, clock: new ManualClock(), audit: sink });
    sink.fail(1);
    await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    await settled(engine.close());
    expect(sink.types).toContain('grant.issued');
  });
});

describe('followers: reports', () => {
  it('FollowerStatus.error: a sink that rejects with undefined still counts as failed', async () => {
    const sink = { name: 'mute', write: () => Promise.reject() };
    const engine = new JitEngine({
      store: new MemoryGrantStore(),
      approver: autoApprove(() => true),
      clock: new ManualClock(),
      audit: sink,
    });
    await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    const { followers } = await engine.flushAudit();
    expect(followers[0]?.behind).toBe(3);
    expect(followers[0]?.error).toBeDefined();
  });

  it('L31, flushAudit: a lost reply to the write of a cursor leaves no entry undelivered and no failure unreported', async () => {
    const store = new MemoryGrantStore();
    const sink = new RecordingSink();
    const quiet = new JitEngine({ approver: autoApprove(() => true), store, clock: new ManualClock() });
    await quiet.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    let lost = false;
    const flaky = over(store, {
      commit: async (change) => {
        const outcome = await store.commit(change);
        if (lost || !change.put.some(({ kind, version }) => kind === 'cursor' && version === 2)) return outcome;
        lost = true;
        throw new Error('the reply was lost');
      },
    });
    const engine = new JitEngine({ approver: autoApprove(() => true), store: flaky, clock: new ManualClock(), audit: sink });
    const { caughtUp, followers } = await engine.flushAudit();
    expect(lost).toBe(true);
    // Either the sink has everything, or it has failed: no other process delivers to it.
    expect(caughtUp || followers[0]?.error !== undefined).toBe(true);
  });

  it.each<[string, unknown]>([
    ['no start', { entries: [], head: { seq: 3, hash: '0'.repeat(64) } }],
    ['invalid anchors', { entries: [], start: {}, head: {} }],
  ])('L30: a slice of the journal with %s is refused', async (_, answer) => {
    const store = new FaultyStore(new MemoryGrantStore());
    const clock = new ManualClock();
    const engine = new JitEngine({ approver: autoApprove(() => true), store, clock });
    await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    await clock.advance('1m');
    store.inject('journal', { fault: 'malformed', answer });
    const purged = await settled(purge(engine, { before: START_AT, by: 'user:admin', force: true }));
    const head = await settled(journalHead(engine));
    expect([isJitError(purged), isJitError(head) || /^[0-9a-f]{64}$/.test((head as { hash: string }).hash)]).toEqual([true, true]);
  });
});

describe('followers: flushAudit', () => {
  it('L28: a malformed cursor of one sink does not hide the status of the others', async () => {
    const store = new MemoryGrantStore();
    const sinks = [new RecordingSink({ name: 'a' }), new RecordingSink({ name: 'b' })];
    const engine = new JitEngine({ approver: autoApprove(() => true), store, clock: new ManualClock(), audit: sinks });
    await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    await engine.flushAudit();
    await tamper(store, 'cursor', 'a', (row) => ({ ...row, body: { ...row.body, seq: 'soon' } }));
    const report = (await settled(engine.flushAudit())) as { caughtUp?: boolean; followers?: { name: string; error: unknown }[] };
    expect(report.caughtUp).toBe(false);
    expect(report.followers?.map(({ name, error }) => [name, error !== undefined])).toEqual([
      ['a', true],
      ['b', false],
    ]);
  });
});

describe('notify', () => {
  it('L28, notify: one malformed request row does not stop the notices about other requests', async () => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore();
    const sent: Notice[] = [];
    const approver = new ScriptedApprover({
      decide: { outcome: 'deny', reason: 'no' },
      breakGlass: { outcome: 'approve', reviewWithinMs: MIN },
    });
    const quiet = new JitEngine({ approver, store, clock });
    const poisoned = await quiet.requestAccess({ subject: 'user:eve', scope: 'a:b', ttl: '5m' });
    // As a newer version or a partial write leaves it.
    await tamper(store, 'request', poisoned.request.id, (row) => ({ ...row, body: { ...row.body, fromNewerVersion: 1 } }));
    const engine = new JitEngine({ approver, store, clock, audit: notify({ name: 'chat', send: (notice) => void sent.push(notice) }) });
    await engine.breakGlass({ subject: 'user:maya', scope: 'db:write', ttl: '5m', justification: 'prod is down' });
    for (let i = 0; i < 5; i++) {
      await engine.flushAudit();
      await clock.advance('1h');
    }
    expect(sent.map(({ kind }) => kind)).toContain('break_glass_used');
  });
});

describe('followers: independence', () => {
  const approver = autoApprove(() => true);
  const ask = { subject: 'user:maya', scope: 'a:b', ttl: '1h' } as const;

  it('L12, L28: a malformed horizon is reported and delays no verb, and the sink receives everything once it is repaired', async () => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore();
    const told: unknown[] = [];
    const quiet = new JitEngine({ approver, store, clock });
    await quiet.requestAccess(ask);
    await purge(quiet, { before: START_AT, by: 'user:admin', force: true });
    await tamper(store, 'horizon', 'horizon', (row) => ({ ...row, body: { before: 'soon' } }));
    const sink = new RecordingSink({ name: 'new' });
    const onError = (error: unknown, during: string) => told.push([isJitError(error) && error.code, during]);
    const engine = new JitEngine({ approver, store, clock, audit: sink, onError });
    const { request } = await engine.requestAccess({ ...ask, scope: 'c:d' });
    await engine.revoke(`${request.id}.1`, { by: 'user:admin' });
    expect(told).toEqual([['ERR_JIT_CORRUPT', 'sink new']]);
    expect(await engine.flushAudit()).toMatchObject({ caughtUp: false, followers: [{ seq: 0, error: { code: 'ERR_JIT_CORRUPT' } }] });
    expect(sink.entries).toEqual([]);
    await tamper(store, 'horizon', 'horizon', (row) => ({ ...row, body: { before: START_AT } }));
    expect(await engine.flushAudit()).toMatchObject({ caughtUp: true, followers: [{ error: undefined }] });
    expect(sink.entries.at(-1)).toMatchObject({ type: 'grant.revoked' });
    expect(sink.entries[0]?.seq).toBe(1);
  });

  it('L30: flushAudit rejects when a cursor cannot be read, instead of calling it malformed', async () => {
    const store = new FaultyStore(new MemoryGrantStore());
    const engine = new JitEngine({ approver, store, clock: new ManualClock(), audit: new RecordingSink() });
    await engine.flushAudit();
    store.inject('get', { fault: 'reject', error: new Error('ECONNRESET') });
    await expect(engine.flushAudit()).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
  });

  it('L28 (local): entries that a purge removed are reported once by their numbers, and the sink receives the rest', async () => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore();
    const told: string[] = [];
    const sink = new RecordingSink({ name: 'local', follow: 'local' });
    const engine = new JitEngine({ approver, store, clock, audit: sink, onError: (error) => told.push((error as Error).message) });
    sink.fail(1);
    await engine.requestAccess({ ...ask, ttl: '1m' });
    await clock.advance('1h');
    const other = new JitEngine({ approver, store, clock });
    await other.sweep();
    await clock.advance('1h');
    const { journalStart } = await purge(other, { before: clock.now(), by: 'user:admin', force: true });
    sink.fail(1);
    await engine.flushAudit();
    const report = await engine.flushAudit();
    const message = `a purge took entries 1 to ${journalStart} before sink local received them`;
    expect(report).toMatchObject({ caughtUp: true, followers: [{ behind: 0 }] });
    expect(sink.entries.map(({ seq }) => seq)).toEqual((await entriesOf(store)).map(({ seq }) => seq));
    const failed = 'the recording sink failed on request';
    expect(told).toEqual([failed, message, failed]);
  });

  it('L28, L31: after a conflict, a cursor that another process has moved does not count as moved by this one', async () => {
    const store = new MemoryGrantStore();
    const clock = new ManualClock();
    const sink = new RecordingSink({ name: 'siem' });
    let isFirst = true;
    const raced = over(store, {
      commit: async (change) => {
        const [cursor] = change.put;
        if (cursor?.kind === 'cursor' && cursor.version === 2 && isFirst) {
          isFirst = false;
          await store.commit({ ...change, id: 'theirs', put: [{ ...cursor, body: { ...cursor.body, owner: 'another' } }] });
        }
        return store.commit(change);
      },
    });
    const engine = new JitEngine({ approver, store: raced, clock, audit: sink });
    await engine.requestAccess(ask);
    const report = await engine.flushAudit();
    expect([isFirst, sink.writes.length]).toEqual([false, 0]);
    expect(report).toMatchObject({ caughtUp: false, followers: [{ seq: 0, behind: 3, error: undefined }] });
  });

  it('L28: two followers cannot have the same name', () => {
    const audit = new RecordingSink({ name: 'provisioning:roles' });
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver, clock: new ManualClock(), audit });
    const target = { scopes: ['a:b'], apply: () => undefined };
    expect(() => provision(engine, { name: 'roles', ...target })).toThrow(expect.objectContaining({ argument: 'target.name' }) as Error);
    provision(engine, { name: 'others', ...target });
    expect(() => provision(engine, { name: 'others', ...target })).toThrow(expect.objectContaining({ argument: 'target.name' }) as Error);
  });

  it('L28, L30: notify waits while the store cannot read a record, and sends the notice afterwards', async () => {
    const store = new MemoryGrantStore();
    const sent: Notice[] = [];
    const clock = new ManualClock();
    await new JitEngine({ approver, store, clock }).requestAccess(ask);
    let isDown = true;
    const flaky = over(store, {
      get: (keys) => (isDown && keys.some(({ kind }) => kind === 'request') ? Promise.reject(new Error('ECONNRESET')) : store.get(keys)),
    });
    const audit = notify({ name: 'chat', send: (notice) => void sent.push(notice) });
    const engine = new JitEngine({ approver, store: flaky, clock, audit });
    expect(await engine.flushAudit()).toMatchObject({ caughtUp: false, followers: [{ error: { code: 'ERR_JIT_STORE' } }] });
    expect(sent).toEqual([]);
    isDown = false;
    expect((await engine.flushAudit()).caughtUp).toBe(true);
    expect(sent.map(({ kind, request }) => [kind, request?.subject])).toEqual([['decided', 'user:maya']]);
  });

  it('L28: a sink that looks up a malformed record receives undefined, and onError the error', async () => {
    const store = new MemoryGrantStore();
    const told: unknown[] = [];
    const seen: unknown[] = [];
    const clock = new ManualClock();
    const quiet = new JitEngine({ approver, store, clock });
    const { request } = await quiet.requestAccess(ask);
    await takeAway(store, { kind: 'grant', id: `${request.id}.1` });
    const engine = new JitEngine({
      approver,
      store,
      clock,
      audit: { name: 'siem', write: async (_, lookup) => void seen.push(await lookup.request(request.id), await lookup.request('none')) },
      onError: (error, during) => told.push([error, during]),
    });
    expect((await engine.flushAudit()).caughtUp).toBe(true);
    expect(seen).toEqual([undefined, undefined]);
    expect(told).toMatchObject([[{ code: 'ERR_JIT_CORRUPT', kind: 'request', id: request.id }, 'row']]);
    // A caller that asks for the record receives the error.
    await expect(engine.getRequest(request.id)).rejects.toMatchObject({ code: 'ERR_JIT_CORRUPT' });
  });
});
