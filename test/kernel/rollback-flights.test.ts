import { acceptRollback } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import { EngineClock } from '../../src/core/clock.js';
import { nextTurn } from '../../src/core/turns.js';
import { JournalReader } from '../../src/kernel/ledger/journal-reader.js';
import { RollbackGuard } from '../../src/kernel/ledger/rollback.js';
import { autoApprove, type Grant } from '../../src/index.js';
import type { Change, CommitAnswer, JournalSlice } from '../../src/store.js';
import { aChange, anEntry, ManualClock } from '../../src/testing.js';
import { aGranted, anEngine, ask, MAYA, refusal, SAM } from '../engine/an-engine.js';
import { RewindableStore } from './rewindable-store.js';

/** A store whose reads of the journal a test can hold after the store has answered. */
class HeldStore extends RewindableStore {
  /** How often the journal was read. */
  reads = 0;
  /** Called after the store has answered a read, and before the answer reaches the engine. */
  afterRead: () => Promise<void> | void = () => undefined;

  /** The answer to a read of the journal. */
  answer: (slice: JournalSlice) => JournalSlice = (slice) => slice;

  /** Whether another process writes an entry before each commit of the engine. */
  isShared = false;
  #last: Promise<unknown> = Promise.resolve();

  /** Called after each commit, and before its answer reaches the engine. */
  afterCommit: () => Promise<void> | void = () => undefined;

  override async commit(change: Change): Promise<CommitAnswer> {
    const { afterCommit } = this;
    const answer = await this.#inTurn(change);
    await afterCommit();
    return answer;
  }

  #inTurn(change: Change): Promise<CommitAnswer> {
    if (!this.isShared) return super.commit(change);
    const turn = this.#last.then(async () => {
      await this.growTo((await this.headSeq()) + 1);
      return super.commit(change);
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  override async journal(query: Parameters<RewindableStore['journal']>[0]): Promise<JournalSlice> {
    const slice = await super.journal(query);
    this.reads += 1;
    await this.afterRead();
    return this.answer(slice);
  }
}

/** What a test opens by hand. */
function gate() {
  let open: () => void = () => undefined;
  const isOpen = new Promise<void>((resolve) => (open = resolve));
  return { isOpen, open };
}

let entries = 0;
const aCommit = (): Change => {
  const id = `own-${++entries}`;
  return aChange({ id, append: [anEntry({ namespace: 'payments', id: `${id}.1` })] });
};

function aGuard() {
  const store = new HeldStore();
  const clock = new ManualClock();
  const reports: unknown[] = [];
  const engineClock = new EngineClock(clock);
  const journal = new JournalReader(store, () => undefined);
  const guard = new RollbackGuard(journal, engineClock, { clock, resendMs: 0, resent: new WeakSet() }, undefined, (error) =>
    reports.push(error),
  );
  engineClock.read();
  const end = () => guard.commit(aCommit(), false);
  const create = () => guard.commit(aCommit(), true);
  /** Each of these commits follows an entry of another process, and all carry the same anchor: all heads but the last are unconfirmed. */
  const overlap = async (count: number) => {
    store.isShared = true;
    await Promise.all(Array.from({ length: count }, end));
    store.isShared = false;
    store.reads = 0;
  };
  return { store, clock, guard, reports, end, create, overlap };
}

describe('the flight that confirms what overlapping commits have answered', () => {
  it('L40 is one for all changes that wait for it', async () => {
    const { store, create, overlap } = aGuard();
    await create();
    await overlap(20);
    const answers = await Promise.all(Array.from({ length: 50 }, create));
    expect(answers.every(({ outcome }) => outcome === 'committed')).toBe(true);
    expect(store.reads).toBe(1);
  });

  it('L40 finds a loss, and no answer of the store replaces it before a person accepts it', async () => {
    const { store, guard, create, overlap, end, reports } = aGuard();
    await create();
    await overlap(1);
    const kept = await store.headSeq();
    await overlap(3);
    const seen = await store.headSeq();
    // These were sent before the rollback, and are answered after it.
    const { isOpen, open } = gate();
    store.beforeCommit = () => isOpen;
    const late = Array.from({ length: 3 }, end);
    await nextTurn();
    store.beforeCommit = () => undefined;
    await store.goBackTo(kept);
    await store.growTo(seen + 3);
    await expect(create()).rejects.toMatchObject({ code: 'ERR_JIT_ROLLBACK' });
    open();
    await Promise.all(late);
    await overlap(200);
    await expect(create()).rejects.toMatchObject({ code: 'ERR_JIT_ROLLBACK' });
    expect(reports).toHaveLength(1);
    const accepted = await guard.accept(({ id, put }) => aChange({ id, put: [put] }));
    expect(accepted).toMatchObject({ accepted: true });
    expect(await create()).toMatchObject({ outcome: 'committed' });
  });

  it('L40 keeps a loss also when the lost entry is back, because later ones may still be missing', async () => {
    const { store, guard, create, end, reports } = aGuard();
    await create();
    await end();
    const full = new RewindableStore();
    full.becomes(store);
    await store.goBackTo(1);
    await expect(create()).rejects.toMatchObject({ code: 'ERR_JIT_ROLLBACK' });
    store.becomes(full);
    await expect(create()).rejects.toMatchObject({ code: 'ERR_JIT_ROLLBACK' });
    expect(await end()).toMatchObject({ outcome: 'committed' });
    expect(reports).toHaveLength(1);
    expect(await guard.accept(({ id, put }) => aChange({ id, put: [put] }))).toMatchObject({ accepted: true });
    expect(await create()).toMatchObject({ outcome: 'committed' });
  });

  it('L40 begins without a waiter before commits that create no access push an unconfirmed entry out', async () => {
    const { store, create, overlap } = aGuard();
    await create();
    const kept = await store.headSeq();
    await overlap(2);
    // The first of these was sent with the kept entry, and is answered after the rollback.
    await store.goBackTo(kept);
    await store.growTo(kept + 9);
    for (let i = 0; i < 100; i++) await overlap(3);
    await expect(create()).rejects.toMatchObject({ code: 'ERR_JIT_ROLLBACK' });
  });

  it('L40 does not confirm an entry that was seen after the page was read', async () => {
    const { store, create, end, overlap } = aGuard();
    await create();
    await overlap(2);
    const kept = await store.headSeq();
    // One commit is made before the page is read, and one after a rollback. Both are answered while the page is in flight.
    const [answered, sent, page, read] = [gate(), gate(), gate(), gate()];
    store.afterCommit = () => answered.isOpen;
    const first = end();
    await nextTurn();
    store.afterCommit = () => undefined;
    store.beforeCommit = () => sent.isOpen;
    const second = end();
    await nextTurn();
    store.beforeCommit = () => undefined;
    store.afterRead = () => (read.open(), page.isOpen);
    const refused = expect(create()).rejects.toMatchObject({ code: 'ERR_JIT_ROLLBACK' });
    await read.isOpen;
    store.afterRead = () => undefined;
    answered.open();
    await first;
    const seen = await store.headSeq();
    await store.goBackTo(kept);
    await store.growTo(seen + 5);
    sent.open();
    await second;
    page.open();
    await refused;
  });

  it('L40 fails only for its own waiters', async () => {
    const { store, create, overlap } = aGuard();
    await create();
    await overlap(2);
    const { isOpen, open } = gate();
    const read = gate();
    store.afterRead = async () => {
      store.afterRead = () => undefined;
      read.open();
      await isOpen;
      throw new Error('down');
    };
    const first = expect(create()).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
    await read.isOpen;
    const later = create();
    open();
    await first;
    expect(await later).toMatchObject({ outcome: 'committed' });
  });

  it('L40 refuses to create access while commits overtake it 32 times, and still ends access', async () => {
    const { store, create, end, overlap } = aGuard();
    await create();
    await overlap(2);
    // The usual load of several processes overtakes some comparisons.
    let left = 20;
    store.afterRead = async () => (left-- > 0 ? overlap(2) : undefined);
    expect(await create()).toMatchObject({ outcome: 'committed' });
    await overlap(2);
    store.afterRead = () => overlap(2);
    await expect(create()).rejects.toThrow('store.journal: other commits overtook 32 comparisons with the journal: try again');
    expect(await end()).toMatchObject({ outcome: 'committed' });
    store.afterRead = () => undefined;
    expect(await create()).toMatchObject({ outcome: 'committed' });
  });

  it('L40 reads at most four pages, and the next one continues from there', async () => {
    const { store, create, overlap } = aGuard();
    await create();
    for (let i = 0; i < 15; i++) {
      await overlap(2);
      await store.growTo((await store.headSeq()) + 200);
    }
    store.reads = 0;
    const waiting = create();
    // A caller that comes during the flight waits for the next one, which does not read the same pages again.
    const later = create();
    expect(await waiting).toMatchObject({ outcome: 'committed' });
    expect(await later).toMatchObject({ outcome: 'committed' });
    expect(store.reads).toBeLessThanOrEqual(16);
  });

  it('L40 takes no read of an older snapshot for a loss', async () => {
    const { store, create, overlap, reports } = aGuard();
    await create();
    const old = await store.journal({ after: 0, limit: 1 });
    await overlap(5);
    store.answer = () => ({ ...old, entries: [] });
    expect(await create()).toMatchObject({ outcome: 'committed' });
    expect([store.reads > 0, reports]).toEqual([true, []]);
  });

  it('L40 finds no loss again that was accepted while it ran', async () => {
    const { store, clock, guard, create, overlap } = aGuard();
    await create();
    const kept = await store.headSeq();
    await overlap(2);
    const seen = await store.headSeq();
    await clock.advance('1m');
    await store.goBackTo(kept);
    await store.growTo(seen + 5);
    const { isOpen, open } = gate();
    const read = gate();
    store.afterRead = () => (read.open(), isOpen);
    const waiting = create();
    await read.isOpen;
    store.afterRead = () => undefined;
    await expect(guard.commit(aCommit(), false)).resolves.toMatchObject({ outcome: 'committed' });
    const accepted = await guard.accept(({ id, put }) => aChange({ id, put: [put] }));
    expect(accepted.accepted).toBe(true);
    open();
    expect(await waiting).toMatchObject({ outcome: 'committed' });
    expect(await create()).toMatchObject({ outcome: 'committed' });
  });
});

describe('a rollback while a flight runs', () => {
  it('L40 is found under steady revokes and recorded use, which continue', async () => {
    const store = new HeldStore();
    const clock = new ManualClock();
    const told: unknown[] = [];
    const approver = autoApprove(() => true);
    const { engine } = anEngine({
      store,
      clock,
      approver,
      recordUse: { every: '1m' },
      onError: (error, during) => told.push({ error, during }),
    });
    const grants: Grant[] = [];
    for (let i = 0; i < 40; i++) grants.push(await aGranted(engine, { subject: `user:${i}`, scope: `kept:${i}`, ttl: '8h' }));
    await engine.idle();
    const kept = await store.headSeq();
    store.isShared = true;
    const steady = async (from: number) => {
      for (let i = from; i < from + 10; i++) {
        await engine.isAllowed(`user:${39 - i}`, `kept:${39 - i}`);
        await Promise.all([engine.revoke(grants[i]?.id as string, { by: SAM }), clock.advance('1m'), engine.sweep()]);
      }
    };
    await Promise.all([steady(0), ask(engine, { scope: 'lost', subject: MAYA })]);
    const { isOpen, open } = gate();
    const read = gate();
    store.afterRead = () => (read.open(), isOpen);
    const asked = refusal(ask(engine, { scope: 'new', subject: 'user:new' }), 'ERR_JIT_ROLLBACK');
    const going = steady(10);
    await read.isOpen;
    store.afterRead = () => undefined;
    const seen = await store.headSeq();
    await store.goBackTo(kept);
    await store.growTo(seen + 20);
    open();
    await Promise.all([asked, going]);
    expect(told.filter((report) => (report as { during: string }).during === 'rollback')).toHaveLength(1);
    expect((await engine.revoke(grants[20]?.id as string, { by: SAM })).end).toMatchObject({ status: 'revoked' });
    await refusal(ask(engine, { scope: 'new', subject: 'user:other' }), 'ERR_JIT_ROLLBACK');
    expect(await acceptRollback(engine, { by: SAM })).toMatchObject({ accepted: true });
    await aGranted(engine, { scope: 'new', subject: 'user:other' });
  });
});
