import { provision } from 'jit-access/provisioning';
import { purge, removeSink } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import {
  MemoryGrantStore,
  reviewers,
  type AccessRequest,
  type Approver,
  type AuditSink,
  type Grant,
  type GrantStore,
  type JitEngine,
} from '../../src/index.js';
import type { Change, CommitAnswer, RowKey } from '../../src/store.js';
import { FaultyStore, RecordingSink, type ManualClock } from '../../src/testing.js';
import { aGranted, ANA, anEngine, aPending, ask, at, MAYA, refusal, SAM, SCOPE } from '../engine/an-engine.js';
import { decideAgain } from '../engine/decide-again.js';

const DAY = 86_400_000;

type Broken = 'hangs' | 'rejects';

/** The store of one process: its reads of cursors and of the head hang or reject until it is repaired. */
class SlowToBegin extends FaultyStore {
  #broken: Broken | undefined;
  #waiting: (() => void)[] = [];
  #heads = 0;
  /** Whether a local sink reads the head. */
  hasLocal = false;
  /** Whether reads of the rows that hold back a purge fail. */
  failsHolds = false;
  readonly committed: Change[] = [];

  break(broken: Broken): void {
    this.#broken = broken;
  }

  repair(): void {
    this.#broken = undefined;
    for (const go of this.#waiting.splice(0)) go();
  }

  override async get(keys: readonly RowKey[]) {
    if (this.failsHolds && keys[0]?.id.startsWith('hold:') === true) throw new Error('ECONNRESET');
    if (keys[0]?.kind === 'cursor') await this.#begins();
    return super.get(keys);
  }

  override async journal(query: Parameters<FaultyStore['journal']>[0]) {
    // Two callers read only the head: first a local sink that begins, then the comparison of the clock before a creation.
    if (this.hasLocal && query.after === Number.MAX_SAFE_INTEGER && this.#isBroken(++this.#heads)) await this.#begins();
    return super.journal(query);
  }

  override async commit(change: Change): Promise<CommitAnswer> {
    const answer = await super.commit(change);
    if (answer.outcome === 'committed') this.committed.push(change);
    return answer;
  }

  #isBroken(head: number): boolean {
    return this.#broken === 'hangs' ? head === 1 : head !== 2;
  }

  async #begins(): Promise<void> {
    if (this.#broken === 'rejects') throw new Error('ECONNRESET');
    if (this.#broken === 'hangs') await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** A grant of another process without sinks, then the tested engine, whose store is broken for sinks that begin. */
async function aBroken(broken: Broken, audit: AuditSink | readonly AuditSink[], approver: Approver = reviewers({ members: [SAM] })) {
  const inner = new MemoryGrantStore();
  const { engine: other, clock } = anEngine({ store: new FaultyStore(inner), approver });
  const grant = await aGranted(other);
  const store = new SlowToBegin(inner);
  store.break(broken);
  store.hasLocal = [audit].flat().some(({ follow }) => follow === 'local');
  return { ...anEngine({ store, clock, audit, approver }), store, inner, grant, other };
}

async function turns(n = 30): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
}

const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  let settled = false;
  const note = () => void (settled = true);
  promise.then(note, note);
  await turns();
  return settled;
};

const seqs = (sink: RecordingSink): readonly number[] => sink.entries.map(({ seq }) => seq);
const cursors = async (store: GrantStore) => (await store.find({ kind: 'cursor', limit: 100 })).items.map(({ id }) => id);

describe.each<Broken>(['hangs', 'rejects'])('a sink that cannot begin, because its read %s', (broken) => {
  it.each(['shared', 'local'] as const)('L12 L38 B4 delays no revoke, cancel, deny and release (%s)', async (follow) => {
    const approver = reviewers({ members: [SAM, ANA], denials: 2 });
    const ends: Readonly<Record<string, (engine: JitEngine, other: JitEngine, grant: Grant) => Promise<unknown>>> = {
      revoke: (engine, _, grant) => engine.revoke(grant.id, { by: SAM }),
      release: (engine, _, grant) => engine.release(grant.id, { by: MAYA }),
      cancel: async (engine, other) => engine.cancel((await aPending(other, { scope: 'b' })).id, { by: MAYA }),
      'deny, first of two': async (engine, other) => engine.deny((await aPending(other, { scope: 'b' })).id, { by: SAM }),
    };
    for (const end of Object.values(ends)) {
      const { engine, grant, told, store, other } = await aBroken(broken, new RecordingSink({ follow }), approver);
      // The clock stands still: a call that waits for the limit never ends.
      expect(await isSettled(end(engine, other, grant))).toBe(true);
      expect(told.length).toBe(broken === 'rejects' ? 1 : 0);
      store.repair();
    }
  });

  it('L12 L38 B4 delays no denial by the approver', async () => {
    const people = reviewers({ members: [SAM] });
    let decide = (request: AccessRequest) => people.decide(request);
    const approver: Approver = { ...people, decide: (request) => decide(request) };
    const { engine, store, other } = await aBroken(broken, new RecordingSink(), approver);
    decide = () => Promise.reject(new Error('down'));
    const { requestId } = await refusal(ask(other, { scope: 'b' }), 'ERR_JIT_APPROVER');
    decide = () => ({ outcome: 'deny', reason: 'no' });
    const denied = decideAgain(engine, requestId as string);
    expect(await isSettled(denied)).toBe(true);
    expect((await denied).outcome).toBe('denied');
    store.repair();
  });

  it('L12 L38 B4 delays no repeated revoke, which confirms that the end is durable', async () => {
    const { engine, grant, store, other } = await aBroken(broken, new RecordingSink());
    await other.revoke(grant.id, { by: SAM });
    Object.defineProperty(store, 'durability', { value: 'server' });
    expect(await isSettled(engine.revoke(grant.id, { by: SAM }))).toBe(true);
    expect(store.committed).toHaveLength(1);
    expect(store.committed).toMatchObject([{ append: [] }]);
    store.repair();
  });

  it('L1 L38 B4 delays no end that a sweep records', async () => {
    const { engine, clock, store } = await aBroken(broken, new RecordingSink());
    await clock.set(at(DAY));
    const swept = engine.sweep();
    expect(await isSettled(swept)).toBe(true);
    expect(await swept).toMatchObject({ ended: 1 });
    store.repair();
  });

  it.each(['shared', 'local'] as const)('L38 B4 delays changes that create access by a second at most, once (%s)', async (follow) => {
    const { engine, clock, store, told } = await aBroken(broken, new RecordingSink({ follow }));
    const asked = ask(engine, { scope: 'b' });
    if (broken === 'hangs') {
      expect(await isSettled(asked)).toBe(false);
      await clock.advance(999);
      expect(await isSettled(asked)).toBe(false);
      await clock.advance(1);
    }
    expect((await asked).outcome).toBe('pending');
    expect(await isSettled(ask(engine, { scope: 'c' }))).toBe(true);
    store.repair();
    await engine.flushAudit();
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ during: 'sink recording' });
  });

  it.each([
    ['shared', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['local', [6, 7, 8]],
  ] as const)('L28 B4 receives everything from the right entry on, once it can begin (%s)', async (follow, expected) => {
    const sink = new RecordingSink({ follow });
    const { engine, grant, store, other } = await aBroken(broken, sink);
    await engine.revoke(grant.id, { by: SAM });
    await turns();
    await aPending(other, { scope: 'b' });
    store.repair();
    await engine.flushAudit();
    expect(seqs(sink)).toEqual(expected);
  });
});

describe('followers that begin before the first commit', () => {
  it('B4 begin in parallel: two that hang delay one second, not two, and each is reported once', async () => {
    const sinks = [new RecordingSink({ name: 'a' }), new RecordingSink({ name: 'b', follow: 'local' })];
    const { engine, clock, store, told } = await aBroken('hangs', sinks);
    const asked = ask(engine, { scope: 'b' });
    await turns();
    await clock.advance(1_000);
    expect(await isSettled(asked)).toBe(true);
    expect(told.map(({ during }) => during)).toEqual(['sink a', 'sink b']);
    store.repair();
  });

  it('B4 have begun before the first change that creates access is sent', async () => {
    const store = new SlowToBegin(new MemoryGrantStore());
    const { engine } = anEngine({ store, audit: new RecordingSink() });
    await aPending(engine);
    expect(store.committed.slice(0, 2).map(({ put }) => put.map(({ kind }) => kind))).toEqual([
      ['cursor', 'horizon'],
      ['subject', 'request'],
    ]);
    expect(await cursors(store)).toEqual(['recording']);
  });

  it('B4 are waited for again when they are added later', async () => {
    const { engine, clock, store, grant, told } = await aBroken('rejects', []);
    store.repair();
    await aPending(engine, { scope: 'before' });
    store.break('hangs');
    provision(engine, { name: 'roles', scopes: [SCOPE], apply: () => undefined });
    await engine.revoke(grant.id, { by: SAM });
    const asked = ask(engine, { scope: 'b' });
    expect(await isSettled(asked)).toBe(false);
    await clock.advance(1_000);
    expect(await isSettled(asked)).toBe(true);
    expect(told).toMatchObject([{ during: 'sink provisioning:roles' }]);
    store.repair();
  });

  it('receive everything before close() resolves, and the provisioning calls are made after them', async () => {
    const calls: string[] = [];
    const sink: AuditSink = { name: 'siem', write: (entries) => void calls.push(...entries.map(({ type }) => type)) };
    const { engine, store, grant } = await aBroken('hangs', sink);
    provision(engine, { name: 'roles', scopes: [SCOPE], apply: ({ held }) => void calls.push(`held: ${held}`) });
    await engine.revoke(grant.id, { by: SAM });
    const closed = engine.close();
    expect(await isSettled(closed)).toBe(false);
    store.repair();
    await closed;
    expect(calls).toContain('grant.revoked');
    await refusal(engine.revoke(grant.id, { by: SAM }), 'ERR_JIT_CLOSED');
  });

  it('L33 B4 report nothing where another process has removed the row that kept their entries', async () => {
    const sink = new RecordingSink();
    const { engine, grant, store, other, told } = await aBroken('hangs', sink);
    await engine.revoke(grant.id, { by: SAM });
    await removeSink(other, 'recording');
    expect(await cursors(store)).toEqual([]);
    store.repair();
    expect((await engine.flushAudit()).caughtUp).toBe(true);
    expect(sink.types).toContain('grant.revoked');
    expect(told).toEqual([]);
  });

  it('L28 are reported once in each outage: for the first failure after they have begun', async () => {
    const { engine, store, told } = await aBroken('rejects', new RecordingSink());
    for (const outage of [1, 2]) {
      store.break('rejects');
      for (let i = 0; i < 3; i++) {
        await engine.sweep();
        await turns();
      }
      expect(told).toHaveLength(outage);
      store.repair();
      expect((await engine.flushAudit()).caughtUp).toBe(true);
    }
  });
});

describe('a local follower that begins late', () => {
  it('L28 B4 begins at its own first entry where the head of the answer is newer', async () => {
    const sink = new RecordingSink({ follow: 'local' });
    const { engine, grant, store, other } = await aBroken('hangs', sink);
    const commit = store.commit.bind(store);
    let isLost = false;
    store.commit = async (change) => {
      const answer = await commit(change);
      if (isLost || change.append.length === 0) return answer;
      isLost = true;
      // The reply is lost; before the change is sent again, another process commits.
      for (let i = 0; i < 3; i++) await aPending(other, { scope: `s${i}` });
      throw new Error('reply lost');
    };
    await engine.revoke(grant.id, { by: SAM });
    store.repair();
    await engine.flushAudit();
    expect(seqs(sink)[0]).toBe(6);
    expect(sink.types[0]).toBe('grant.revoked');
  });

  it('L28 B4 begins at the first of several entries that were in flight together', async () => {
    const sink = new RecordingSink({ follow: 'local' });
    const { engine, grant, store, other } = await aBroken('hangs', sink);
    const second = await aGranted(other, { scope: 'b' });
    const commit = store.commit.bind(store);
    let go: () => void = () => undefined;
    let isFirst = true;
    store.commit = async (change) => {
      const answer = await commit(change);
      if (!isFirst || change.append.length === 0) return answer;
      isFirst = false;
      await new Promise<void>((resolve) => (go = resolve));
      return answer;
    };
    const revoked = engine.revoke(grant.id, { by: SAM });
    await turns();
    await engine.revoke(second.id, { by: SAM });
    store.repair();
    await turns();
    expect(seqs(sink)).toEqual([]);
    go();
    await revoked;
    await engine.flushAudit();
    expect(seqs(sink)).toEqual([11, 12]);
  });
});

describe('a purge', () => {
  /** Everything has ended a day ago, and a forced purge may remove all that no cursor keeps. */
  async function purgeAll(engine: JitEngine, clock: ManualClock): Promise<number> {
    await clock.advance(DAY);
    await engine.sweep();
    await clock.advance(DAY);
    return (await purge(engine, { before: clock.now(), by: SAM, force: true })).journalStart;
  }

  it.each(['other', 'same'] as const)('L28 L33 B4 of the %s engine keeps the entries for a sink that has no cursor yet', async (by) => {
    const sink = new RecordingSink();
    const { engine, grant, store, clock, other } = await aBroken('hangs', sink);
    await engine.revoke(grant.id, { by: SAM });
    const purged = purgeAll(by === 'other' ? other : engine, clock);
    await turns();
    // The purge of the same engine waits for the sink, a second at most.
    await clock.advance(1_000);
    expect(await purged).toBe(0);
    store.repair();
    await engine.flushAudit();
    expect(seqs(sink)[0]).toBe(1);
    expect(sink.types).toContain('grant.revoked');
    // The row that kept the entries is gone, and the cursor keeps them from now on.
    expect(await cursors(store)).toEqual(['recording']);
    expect(await purgeAll(other, clock)).toBeGreaterThan(5);
  });

  it('L38 B4 ignores the row that kept entries for a sink that has begun but could not remove it, which is reported', async () => {
    const sink = new RecordingSink();
    const { engine, grant, store, clock, other, told } = await aBroken('hangs', sink);
    await engine.revoke(grant.id, { by: SAM });
    store.failsHolds = true;
    store.repair();
    await engine.flushAudit();
    expect(sink.types).toContain('grant.revoked');
    expect(told.filter(({ during }) => during === 'sink recording')).toHaveLength(1);
    expect((await cursors(store)).length).toBe(2);
    expect(await purgeAll(other, clock)).toBeGreaterThan(5);
    expect(await cursors(store)).toEqual(['recording']);
  });

  it('L33 B4 keeps the entries for the next process where this one ends before its sink has begun', async () => {
    const { engine, grant, inner, clock, other } = await aBroken('hangs', new RecordingSink());
    await engine.revoke(grant.id, { by: SAM });
    expect(await purgeAll(other, clock)).toBe(0);
    const sink = new RecordingSink();
    await anEngine({ store: new FaultyStore(inner), clock, audit: sink }).engine.flushAudit();
    expect(sink.types).toContain('grant.revoked');
    // The row that the first process has left holds back no purge any more, and the next purge removes it.
    expect(await purgeAll(other, clock)).toBeGreaterThan(5);
    expect(await cursors(inner)).toEqual(['recording']);
  });

  it('L33 B4 is not held back by a sink that removeSink has dropped before it began', async () => {
    const sinks = [new RecordingSink({ name: 'a' }), new RecordingSink({ name: 'b' })];
    const { engine, grant, inner, clock, other } = await aBroken('hangs', sinks);
    await engine.revoke(grant.id, { by: SAM });
    await removeSink(other, 'a');
    expect(await purgeAll(other, clock)).toBe(0);
    await removeSink(other, 'b');
    await refusal(removeSink(other, 'b'), 'ERR_JIT_NOT_FOUND');
    expect(await cursors(inner)).toEqual([]);
    expect(await purgeAll(other, clock)).toBeGreaterThan(5);
  });
});
