import { provision } from 'jit-access/provisioning';
import { purge } from 'jit-access/retention';
import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, type JitEngine, type AuditEntry, type AuditSink, type GrantStore } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { aChange, anEntry, FaultyStore, ManualClock, RecordingSink } from '../../src/testing.js';
import { aGranted, anEngine, aPending, at, entriesOf, MAYA, MINUTE, refusal, SAM, SCOPE } from '../engine/an-engine.js';
import { CONFLICT } from '../commit-answers.js';

const LEASE = 30_000;

const seqs = (entries: readonly AuditEntry[]) => entries.map((entry) => entry.seq);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

async function turns(n = 20): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A clock on which a test can wait for a timeout. */
async function asleep(clock: ManualClock): Promise<void> {
  for (let i = 0; clock.sleepers === 0 && i < 1000; i++) await turns(1);
  expect(clock.sleepers).toBeGreaterThan(0);
}

describe('AuditSink', () => {
  describe('shared', () => {
    it('L28 receives every entry once, in order, from the start of the journal', async () => {
      const { engine, store, clock } = anEngine();
      await aGranted(engine);
      const sink = new RecordingSink();
      const other = anEngine({ store, clock, audit: sink }).engine;
      await other.flushAudit();
      await aGranted(engine, { scope: 'b' });
      await aGranted(other, { scope: 'c' });
      expect(await other.flushAudit()).toEqual({
        caughtUp: true,
        followers: [{ name: 'recording', seq: 15, behind: 0, error: undefined }],
      });
      expect(sink.entries).toEqual(await entriesOf(store));
      expect(seqs(sink.entries)).toEqual(upTo(15));
    });

    it('delivers after commits, without a flush', async () => {
      const sink = new RecordingSink();
      const { engine } = anEngine({ audit: sink });
      await aGranted(engine);
      await turns();
      expect(seqs(sink.entries)).toEqual(upTo(5));
    });

    it('delivers after the commits of its engine where the store has no watch', async () => {
      const store = new FaultyStore(new MemoryGrantStore());
      Object.defineProperty(store, 'watch', { value: undefined });
      const sink = new RecordingSink();
      const { engine } = anEngine({ audit: sink, store });
      await aGranted(engine);
      await turns();
      expect(seqs(sink.entries)).toEqual(upTo(5));
    });

    it('looks up the request of an entry', async () => {
      const subjects: unknown[] = [];
      const write: AuditSink['write'] = async ([entry], { request }) =>
        void subjects.push((await request(entry?.requestId as string))?.request.subject);
      const { engine } = anEngine({ audit: { name: 'siem', write } });
      await aPending(engine);
      await engine.flushAudit();
      expect(subjects[0]).toBe(MAYA);
    });

    it('delivers with the sweep where the store has no watch', async () => {
      const store = new FaultyStore(new MemoryGrantStore());
      Object.defineProperty(store, 'watch', { value: undefined });
      const sink = new RecordingSink();
      const { engine, clock } = anEngine({ audit: sink, store });
      await aGranted(anEngine({ store, clock }).engine);
      await turns();
      expect(sink.entries).toEqual([]);
      await engine.sweep();
      await turns();
      expect(seqs(sink.entries)).toEqual(upTo(5));
    });

    it('L28 receives more than a page in order', async () => {
      const sink = new RecordingSink();
      const { engine, store, clock } = anEngine();
      for (let i = 0; i < 130; i++) await aGranted(engine, { scope: `s${i}` });
      const other = anEngine({ store, clock, audit: sink }).engine;
      await other.flushAudit();
      expect(seqs(sink.entries)).toEqual(upTo(650));
      expect(sink.writes.length).toBeGreaterThan(1);
    });

    it('L28 receives each entry once from several processes', async () => {
      const store = new FaultyStore(new MemoryGrantStore());
      const sinks = [1, 2, 3].map(() => new RecordingSink({ name: 'siem' }));
      const engines = sinks.map((audit) => anEngine({ store, audit }).engine);
      for (let i = 0; i < 9; i++) await aGranted(engines[i % 3] as JitEngine, { scope: `s${i}` });
      for (const engine of engines) await engine.flushAudit();
      const all = sinks.flatMap((sink) => seqs(sink.entries)).sort((a, b) => a - b);
      expect(all).toEqual(upTo(45));
    });

    it('L28 receives entries again after a crash between the write and the cursor, with the same ids', async () => {
      const inner = new MemoryGrantStore();
      const clock = new ManualClock();
      const dying = new FaultyStore(inner);
      const first = new RecordingSink({ name: 'siem' });
      const commit = dying.commit.bind(dying);
      // Commits that move the cursor never happen: the process has died by then.
      dying.commit = (change) =>
        change.put.some((row) => row.kind === 'cursor' && Number(row.body['seq']) > 0) ? new Promise(() => undefined) : commit(change);
      const { engine } = anEngine({ store: dying, clock, audit: first });
      const grant = await aGranted(engine);
      await turns();
      expect(first.entries.length).toBeGreaterThan(0);
      const second = new RecordingSink({ name: 'siem' });
      const other = anEngine({ store: new FaultyStore(inner), clock, audit: second }).engine;
      expect(await other.flushAudit()).toMatchObject({ caughtUp: false, followers: [{ seq: 0, behind: 5 }] });
      await clock.set(at(LEASE - 1));
      await other.flushAudit();
      expect(second.entries).toEqual([]);
      await clock.set(at(LEASE));
      expect(await other.flushAudit()).toMatchObject({ caughtUp: true });
      expect(second.entries).toEqual(await entriesOf(inner));
      expect(second.entries.slice(0, first.entries.length).map((entry) => entry.id)).toEqual(first.entries.map((entry) => entry.id));
      await other.revoke(grant.id, { by: SAM });
      await other.flushAudit();
      expect(seqs(second.entries)).toEqual(upTo(6));
    });

    it('L28 takes over a lease that ends implausibly far in the future', async () => {
      const { engine, store, clock } = anEngine();
      await aGranted(engine);
      const cursor: Row = {
        kind: 'cursor',
        id: 'siem',
        version: 1,
        subject: undefined,
        scope: undefined,
        open: true,
        createdAt: 0,
        from: undefined,
        until: undefined,
        dueAt: undefined,
        sortAt: undefined,
        body: { seq: 2, owner: 'a process with a bad clock', leasedUntil: at(1000 * MINUTE) },
      };
      await (store as GrantStore).commit({ id: 'x', expect: [{ kind: 'cursor', id: 'siem', version: 0 }], put: [cursor], append: [] });
      const sink = new RecordingSink({ name: 'siem' });
      await anEngine({ store, clock, audit: sink }).engine.flushAudit();
      expect(seqs(sink.entries)).toEqual([3, 4, 5]);
    });

    it('L28 does not move the cursor back when its process wakes after another took over', async () => {
      const { store, clock } = anEngine();
      const slow = new RecordingSink({ name: 'siem' });
      slow.hang();
      const first = anEngine({ store, clock, audit: slow });
      await aGranted(first.engine);
      await asleep(clock);
      const quick = new RecordingSink({ name: 'siem' });
      const second = anEngine({ store, clock, audit: quick }).engine;
      await clock.set(at(LEASE));
      await second.flushAudit();
      await aGranted(second, { scope: 'b' });
      await second.flushAudit();
      slow.release();
      await turns();
      await first.engine.flushAudit();
      expect(await second.flushAudit()).toMatchObject({ caughtUp: true, followers: [{ seq: 10 }] });
      // At least once: entries in flight may be delivered twice, later ones may not.
      expect(new Set([...seqs(slow.entries), ...seqs(quick.entries)])).toEqual(new Set(upTo(10)));
      expect(seqs(quick.entries)).toEqual(upTo(10));
    });

    it('L28 has one delivery at a time', async () => {
      let running = 0;
      let most = 0;
      const seen: number[] = [];
      const sink: AuditSink = {
        name: 'slow',
        async write(entries) {
          most = Math.max(most, ++running);
          await turns(2);
          seen.push(...seqs(entries));
          running -= 1;
        },
      };
      const { engine, store } = anEngine({ audit: sink });
      store.inject('all', { fault: 'yield', seed: 2 });
      await Promise.all(Array.from({ length: 10 }, (_, i) => aGranted(engine, { scope: `s${i}` }).then(() => engine.flushAudit())));
      await engine.flushAudit();
      expect(most).toBe(1);
      expect(seen).toEqual(upTo(50));
    });

    it('L28 misses no wake-up at any moment', async () => {
      for (let offset = 0; offset < 40; offset++) {
        const inner = new MemoryGrantStore();
        // The follower is woken at each new head, right after the head has moved.
        let wake: () => void = () => undefined;
        const store = new FaultyStore(inner);
        Object.defineProperty(store, 'watch', { value: (heard: () => void) => ((wake = heard), () => undefined) });
        const sink = new RecordingSink();
        const { engine } = anEngine({ store, audit: sink });
        // It watches from its first use on.
        await engine.isAllowed(MAYA, SCOPE);
        const append = (id: string) => {
          void inner.commit(aChange({ append: [anEntry({ id })] }));
          wake();
        };
        append('a.1');
        for (let turn = 0; turn < offset; turn++) await Promise.resolve();
        append('b.1');
        await turns(5);
        expect([offset, seqs(sink.entries)]).toEqual([offset, [1, 2]]);
      }
    });

    it('L28 when it fails, is reported once, delays no other sink, and receives the same entries again', async () => {
      const [broken, well] = [new RecordingSink({ name: 'broken' }), new RecordingSink({ name: 'well' })];
      const { engine, told, store } = anEngine({ audit: [broken, well] });
      const error = new Error('503');
      broken.fail(1_000, error);
      await aGranted(engine);
      await turns();
      expect(seqs(well.entries)).toEqual(upTo(5));
      expect(told).toEqual([{ error, during: 'sink broken' }]);
      const tries = broken.writes.length;
      await aGranted(engine, { scope: 'b' });
      await turns();
      // Not at each commit: the sweep and a flush try again.
      expect(broken.writes.length).toBe(tries);
      expect(await engine.flushAudit()).toMatchObject({
        caughtUp: false,
        followers: [
          { name: 'broken', seq: 0, behind: 10, error },
          { name: 'well', seq: 10, behind: 0, error: undefined },
        ],
      });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      broken.fail(0);
      await engine.sweep();
      await turns();
      expect(broken.entries).toEqual(await entriesOf(store));
      expect(await engine.flushAudit()).toMatchObject({ caughtUp: true });
      await aGranted(engine, { scope: 'c' });
      await turns();
      expect(seqs(broken.entries)).toEqual(upTo(15));
    });

    it('L28 receives everything by a flush that starts during a delivery that fails', async () => {
      const { engine: other, store, clock } = anEngine();
      await aGranted(other);
      const given: AuditEntry[] = [];
      let flushed: ReturnType<JitEngine['flushAudit']> | undefined;
      const sink: AuditSink = {
        name: 'siem',
        async write(entries) {
          if (flushed !== undefined) return void given.push(...entries);
          flushed = engine.flushAudit();
          await turns();
          throw new Error('down, for the last time');
        },
      };
      const { engine } = anEngine({ store, clock, audit: sink });
      expect(await engine.flushAudit()).toMatchObject({ caughtUp: false });
      expect(await flushed).toMatchObject({ caughtUp: true });
      expect(seqs(given)).toEqual(upTo(5));
    });

    it('L28 has one write at a time, also when waiting for it fails', async () => {
      let writing = 0;
      let most = 0;
      const release: (() => void)[] = [];
      const sink = {
        name: 'slow',
        write: async () => {
          writing += 1;
          most = Math.max(most, writing);
          await new Promise<void>((resolve) => release.push(resolve));
          writing -= 1;
        },
      };
      const clock = { now: () => at(0), sleep: () => Promise.reject(new Error('no timer')) };
      const { engine } = anEngine({ audit: sink, clock, approver: { name: 'a', decide: () => ({ outcome: 'abstain' }) } });
      for (let i = 0; i < 3; i++) {
        await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: 1000 });
        await engine.flushAudit();
      }
      expect(most).toBe(1);
      for (const go of release) go();
    });

    it('L28 starts over when its cursor is removed or moved between two reads, without a report of corruption', async () => {
      for (const meanwhile of ['forgotten', 'moved']) {
        const sink = new RecordingSink();
        const { engine, store, told } = anEngine({ audit: sink });
        await aPending(engine);
        await engine.flushAudit();
        await aPending(engine);
        await turns();
        const get = store.get.bind(store);
        let reads = 0;
        store.get = async (keys) => {
          const [row] = await get(keys);
          if (keys[0]?.kind !== 'cursor' || row === undefined || ++reads !== 2) return get(keys);
          return [meanwhile === 'forgotten' ? undefined : { ...row, version: row.version - 1, body: { ...row.body, seq: 9_999 } }];
        };
        await engine.flushAudit();
        expect(reads).toBeGreaterThan(2);
        expect(told).toEqual([]);
        expect(seqs(sink.entries)).toEqual(upTo(2));
        expect((await engine.flushAudit()).caughtUp).toBe(true);
      }
    });

    it('L28 continues at once when its cursor is outside the journal and is moved or removed at that moment', async () => {
      for (const meanwhile of ['moved', 'forgotten']) {
        const sink = new RecordingSink();
        const { engine, store, told } = anEngine({ audit: sink });
        await aPending(engine);
        await engine.flushAudit();
        // So that an entry is left to deliver.
        sink.fail(9);
        await aPending(engine, { scope: 'another' });
        await turns();
        sink.fail(0);
        told.length = 0;
        const get = store.get.bind(store);
        let reads = 0;
        store.get = async (keys) => {
          const [row] = await get(keys);
          if (keys[0]?.kind !== 'cursor' || row === undefined) return get(keys);
          reads += 1;
          // The second read is for the page, the third checks whether the cursor has been moved since.
          if (reads === 2) return [{ ...row, version: row.version - 1, body: { ...row.body, seq: 9_999 } }];
          return [reads === 3 && meanwhile === 'forgotten' ? undefined : row];
        };
        await engine.flushAudit();
        expect(reads).toBeGreaterThan(3);
        expect(told).toEqual([]);
        expect(seqs(sink.entries)).toEqual(upTo(4));
      }
    });

    it('L28 stops a delivery in flight after removeSink()', async () => {
      const sink = new RecordingSink();
      const { engine, store, told } = anEngine({ audit: sink });
      await aPending(engine);
      await engine.flushAudit();
      const get = store.get.bind(store);
      let reads = 0;
      // The cursor exists at the start, and then is gone.
      store.get = async (keys) => (keys[0]?.kind === 'cursor' && ++reads > 1 ? [undefined] : get(keys));
      await engine.flushAudit();
      expect(reads).toBeLessThan(5);
      // That is no failure, and nothing is delivered a second time.
      expect(told).toEqual([]);
      expect(seqs(sink.entries)).toEqual(upTo(2));
    });

    it('L28 owns a lease only if its row names it, so that an unexplained conflict repeats no delivery', async () => {
      for (const meanwhile of ['nothing', 'forgotten']) {
        const sink = new RecordingSink();
        const { engine, store, told } = anEngine({ audit: sink });
        await aPending(engine);
        await engine.flushAudit();
        const commit = store.commit.bind(store);
        const get = store.get.bind(store);
        let refused = 0;
        store.commit = async (change) => (change.put[0]?.kind === 'cursor' && ++refused === 1 ? CONFLICT : commit(change));
        let reads = 0;
        // The first read after it returns the row that is there instead.
        store.get = async (keys) => {
          const isAfter = keys[0]?.kind === 'cursor' && refused === 1 && ++reads === 1;
          return isAfter && meanwhile === 'forgotten' ? [undefined] : get(keys);
        };
        await aPending(engine, { scope: 'another' });
        await engine.flushAudit();
        await engine.flushAudit();
        expect(reads).toBeGreaterThan(0);
        expect(told).toEqual([]);
        // Not twice, as it would if the follower assumed that it had the lease and then failed to move the cursor.
        expect(seqs(sink.entries)).toEqual(upTo(4));
      }
    });

    it("L28 reports the sink's error, also if its lease cannot be released", async () => {
      const sink = new RecordingSink();
      const { engine, store, told } = anEngine({ audit: sink });
      await aPending(engine);
      await engine.flushAudit();
      const commit = store.commit.bind(store);
      // The store fails once the request has committed everything: only the lease is affected.
      let fail = () => undefined as void;
      const hasAsked = new Promise<void>((resolve) => (fail = resolve));
      sink.write = async () => {
        await hasAsked;
        store.commit = () => Promise.reject(new Error('store down'));
        throw new Error('sink down');
      };
      await aPending(engine, { scope: 'another' });
      fail();
      await turns();
      store.commit = commit;
      expect(told).toMatchObject([{ error: { code: 'ERR_JIT_OUTCOME_UNKNOWN' } }, { error: { message: 'sink down' } }]);
    });

    it('L28 treats a synchronous throw as a rejection', async () => {
      let fail = true;
      const seen: number[] = [];
      const sink: AuditSink = {
        name: 'x',
        write(entries) {
          if (fail) throw new Error('no');
          seen.push(...seqs(entries));
        },
      };
      const { engine } = anEngine({ audit: sink });
      await aGranted(engine);
      expect((await engine.flushAudit()).caughtUp).toBe(false);
      fail = false;
      expect((await engine.flushAudit()).caughtUp).toBe(true);
      expect(seen).toEqual(upTo(5));
    });

    it('L28 when it hangs, is reported after its lease, delays no other sink, and receives nothing until it has settled', async () => {
      const [stuck, well] = [new RecordingSink({ name: 'stuck' }), new RecordingSink({ name: 'well' })];
      stuck.hang();
      const { engine, told, clock } = anEngine({ audit: [stuck, well] });
      await aGranted(engine);
      await asleep(clock);
      await turns();
      expect(seqs(well.entries)).toEqual(upTo(5));
      expect(told).toEqual([]);
      await clock.set(at(LEASE));
      await turns();
      expect(told).toMatchObject([{ error: { message: `sink stuck did not settle within ${LEASE} ms` }, during: 'sink stuck' }]);
      expect((await engine.flushAudit()).caughtUp).toBe(false);
      expect((await engine.flushAudit()).followers[0]?.error).toBeInstanceOf(Error);
      expect(stuck.writes).toHaveLength(1);
      stuck.release();
      await turns();
      expect(await engine.flushAudit()).toMatchObject({ caughtUp: true });
      expect(new Set(seqs(stuck.entries))).toEqual(new Set(upTo(5)));
    });

    it('L28 when it still hangs, stays reported also after another process has delivered everything', async () => {
      const { store, clock } = anEngine();
      const stuck = new RecordingSink({ name: 'siem' });
      stuck.hang();
      const first = anEngine({ store, clock, audit: stuck }).engine;
      await aGranted(first);
      await asleep(clock);
      await clock.set(at(LEASE));
      await turns();
      const well = new RecordingSink({ name: 'siem' });
      expect((await anEngine({ store, clock, audit: well }).engine.flushAudit()).caughtUp).toBe(true);
      expect(await first.flushAudit()).toMatchObject({ caughtUp: false, followers: [{ behind: 0 }] });
      stuck.release();
      await turns();
      expect(await first.flushAudit()).toMatchObject({ caughtUp: true, followers: [{ behind: 0, error: undefined }] });
    });

    it('reports a failing store, and catches up afterwards', async () => {
      const sink = new RecordingSink();
      const { engine, store, told } = anEngine({ audit: sink });
      // The engine has compared its clock with the journal already: only the sink reads it now.
      await aGranted(engine, { scope: 'before' });
      await engine.flushAudit();
      const clear = store.inject('journal', { fault: 'reject' });
      await aGranted(engine);
      await turns();
      expect(told[0]).toMatchObject({ during: 'sink recording', error: { code: 'ERR_JIT_STORE' } });
      await refusal(engine.flushAudit(), 'ERR_JIT_STORE');
      clear();
      expect((await engine.flushAudit()).caughtUp).toBe(true);
      expect(seqs(sink.entries)).toEqual(upTo(10));
    });

    it("L31 loses no entry when the reply to the cursor's write is lost", async () => {
      for (let nth = 0; nth < 4; nth++) {
        const sink = new RecordingSink();
        const store = new FaultyStore(new MemoryGrantStore());
        const { engine } = anEngine({ store, audit: sink });
        await aGranted(anEngine({ store }).engine);
        const commit = store.commit.bind(store);
        let seen = 0;
        store.commit = async (change) => {
          const outcome = await commit(change);
          if (change.put.some((row) => row.kind === 'cursor') && seen++ === nth) throw new Error('reply lost');
          return outcome;
        };
        await engine.flushAudit();
        await engine.flushAudit();
        expect((await engine.flushAudit()).caughtUp).toBe(true);
        expect(new Set(seqs(sink.entries))).toEqual(new Set(upTo(5)));
      }
    });

    it('L30 reports an unreadable cursor, and skips nothing', async () => {
      for (const body of [
        {},
        { seq: 'x', leasedUntil: 0 },
        { seq: -1, leasedUntil: 0 },
        { seq: 1, leasedUntil: 'soon' },
        { seq: 99, leasedUntil: 0 },
      ]) {
        const sink = new RecordingSink();
        const { engine, store, told } = anEngine({ audit: sink });
        const row: Row = {
          kind: 'cursor',
          id: 'recording',
          version: 1,
          subject: undefined,
          scope: undefined,
          open: true,
          createdAt: 0,
          from: undefined,
          until: undefined,
          dueAt: undefined,
          sortAt: undefined,
          body,
        };
        await (store as GrantStore).commit({ id: 'x', expect: [{ kind: 'cursor', id: 'recording', version: 0 }], put: [row], append: [] });
        await aPending(engine);
        await turns();
        expect(told[0]).toMatchObject({ error: { code: 'ERR_JIT_CORRUPT', kind: body['seq'] === 99 ? 'cursor' : 'bookmark' } });
        expect(sink.entries).toEqual([]);
        const report = await engine.flushAudit().catch((error: unknown) => ({ caughtUp: error === undefined }));
        expect(report.caughtUp).toBe(false);
        expect(sink.entries).toEqual([]);
      }
    });

    it('L28 has a unique name: two sinks under one name would share a cursor', () => {
      const { engine } = anEngine({ audit: [new RecordingSink({ name: 'siem' }), new RecordingSink({ name: 'provisioning:roles' })] });
      const target = (name: string) => ({ name, scopes: ['a:x'], apply: () => undefined });
      expect(() => provision(engine, target('roles'))).toThrow(expect.objectContaining({ argument: 'target.name' }) as Error);
      expect(() => provision(engine, target('firewall'))).not.toThrow();
    });

    it("L33 creates its cursor only if the horizon's row is unchanged, and only where it has none", async () => {
      const { engine, store } = anEngine({ audit: new RecordingSink() });
      const commit = store.commit.bind(store);
      const made: unknown[] = [];
      store.commit = async (change) => {
        if (change.put[0]?.kind === 'cursor' && change.put[0].version === 1) made.push(change.expect);
        return commit(change);
      };
      await aPending(engine);
      await engine.flushAudit();
      expect(made).toEqual([
        [
          { kind: 'cursor', id: 'recording', version: 0 },
          { kind: 'horizon', id: 'horizon', version: 0 },
        ],
      ]);
    });

    it('is not awaited by verbs', async () => {
      const sink = new RecordingSink();
      sink.hang();
      const { engine } = anEngine({ audit: sink });
      const grant = await aGranted(engine);
      await engine.revoke(grant.id, { by: SAM });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      sink.release();
      await engine.flushAudit();
    });

    it('receives everything before close() resolves, and nothing afterwards', async () => {
      const sink = new RecordingSink();
      const { engine, store, clock } = anEngine({ audit: sink });
      await aGranted(engine);
      await engine.close();
      expect(seqs(sink.entries)).toEqual(upTo(5));
      await aGranted(anEngine({ store, clock }).engine, { scope: 'b' });
      await turns();
      expect(seqs(sink.entries)).toEqual(upTo(5));
    });
  });

  describe('local', () => {
    it('L28 receives, in every process, the entries after its start', async () => {
      const { engine, store, clock } = anEngine();
      await aGranted(engine);
      const sinks = [1, 2].map(() => new RecordingSink({ name: 'console', follow: 'local' }));
      const engines = sinks.map((audit) => anEngine({ store, clock, audit }).engine);
      for (const one of engines) await one.flushAudit();
      await aGranted(engines[0] as JitEngine, { scope: 'b' });
      for (const one of engines) await one.flushAudit();
      for (const sink of sinks) expect(seqs(sink.entries)).toEqual([6, 7, 8, 9, 10]);
      expect(await store.get([{ kind: 'cursor', id: 'console' }])).toEqual([undefined]);
    });

    it('L28 receives more than a page, in order, before it counts as caught up', async () => {
      const sink = new RecordingSink({ name: 'console', follow: 'local' });
      const { engine, store, clock } = anEngine();
      const other = anEngine({ store, clock, audit: sink }).engine;
      await other.flushAudit();
      // Commits do not wake a failing sink, so the flush delivers all of it.
      sink.fail(9);
      for (let i = 0; i < 50; i++) await aGranted(engine, { scope: `s${i}` });
      expect(sink.entries).toEqual([]);
      sink.fail(0);
      await other.flushAudit();
      expect(seqs(sink.entries)).toEqual(upTo(250));
    });

    it('L28 starts with the first entry of its own engine', async () => {
      const { engine, store, clock } = anEngine();
      await aGranted(engine);
      for (const yields of [false, true]) {
        if (yields) store.inject('all', { fault: 'yield', seed: 3 });
        const sink = new RecordingSink({ name: 'console', follow: 'local' });
        const other = anEngine({ store, clock, audit: sink }).engine;
        const { seq } = await journalHead(engine);
        await aPending(other, { scope: yields ? 'c' : 'b' });
        await other.flushAudit();
        expect(seqs(sink.entries)[0]).toBe(seq + 1);
      }
    });

    it('L28 when it fails, receives the same entries again', async () => {
      const sink = new RecordingSink({ name: 'console', follow: 'local' });
      const { engine } = anEngine({ audit: sink });
      sink.fail(2);
      await aGranted(engine);
      await turns();
      await engine.flushAudit();
      expect(await engine.flushAudit()).toMatchObject({ caughtUp: true, followers: [{ name: 'console', seq: 5, behind: 0 }] });
      expect(seqs(sink.entries)).toEqual(upTo(5));
    });

    it('is not caught up where it could not begin', async () => {
      const sink = new RecordingSink({ name: 'console', follow: 'local' });
      const { engine, store } = anEngine({ audit: sink });
      store.inject('journal', { fault: 'reject' }, 1);
      expect(await engine.flushAudit()).toMatchObject({
        caughtUp: false,
        followers: [{ seq: 0, behind: 0, error: { code: 'ERR_JIT_STORE' } }],
      });
      expect((await engine.flushAudit()).caughtUp).toBe(true);
    });

    it('continues after a purge', async () => {
      const sink = new RecordingSink({ name: 'console', follow: 'local' });
      const { engine, clock, store } = anEngine({ audit: sink });
      const request = await aPending(engine);
      await engine.flushAudit();
      const other = anEngine({ store, clock }).engine;
      sink.hang();
      await other.cancel(request.id, { by: MAYA });
      await clock.set(at(1000));
      await purge(other, { before: at(1000), by: SAM, force: true });
      sink.release();
      await engine.flushAudit();
      await aPending(engine);
      expect((await engine.flushAudit()).caughtUp).toBe(true);
      expect(sink.entries.at(-1)?.seq).toBe((await journalHead(engine)).seq);
    });

    it('holds back no purge', async () => {
      const sink = new RecordingSink({ name: 'console', follow: 'local' });
      const { engine, clock } = anEngine({ audit: sink });
      const request = await aPending(engine);
      await engine.cancel(request.id, { by: MAYA });
      sink.fail(1_000);
      await clock.set(at(1000));
      expect((await purge(engine, { before: at(1000), by: SAM, force: true })).journalStart).toBe(3);
    });

    it('L28 is reported where it could not begin, and has missed nothing yet', async () => {
      const store = new FaultyStore(new MemoryGrantStore());
      store.inject('journal', { fault: 'reject' }, 1);
      const { engine, told } = anEngine({ audit: new RecordingSink({ name: 'console', follow: 'local' }), store });
      const report = await engine.flushAudit();
      expect(report).toMatchObject({ caughtUp: false, followers: [{ seq: 0, behind: 0, error: { code: 'ERR_JIT_STORE' } }] });
      expect(told).toHaveLength(1);
      expect((await engine.flushAudit()).caughtUp).toBe(true);
    });
  });
});

describe('the first use of an engine', () => {
  /** A target that records its calls, of an engine whose store gives no hints. A process has granted access before. */
  async function aTarget() {
    const store = new FaultyStore(new MemoryGrantStore());
    Object.defineProperty(store, 'watch', { value: undefined });
    const { engine: other, clock } = anEngine({ store });
    await aGranted(other);
    const { engine } = anEngine({ store, clock });
    const calls: boolean[] = [];
    const register = () => provision(engine, { name: 'roles', scopes: [SCOPE], apply: ({ held }) => void calls.push(held) });
    return { engine, calls, register };
  }

  it.each(['before', 'after'])(
    'L28 delivers to a target registered %s it the entries that the journal has, without a commit or a sweep',
    async (when) => {
      const { engine, calls, register } = await aTarget();
      if (when === 'before') register();
      await turns();
      expect(calls).toEqual([]);
      await engine.isAllowed(MAYA, SCOPE);
      if (when === 'after') register();
      await turns();
      expect(calls).toEqual([true]);
    },
  );

  it('L46 begins to watch the store, and makes the cursor of no shared sink: an engine that only checks writes nothing', async () => {
    const store = new FaultyStore(new MemoryGrantStore());
    let watches = 0;
    Object.defineProperty(store, 'watch', { value: () => ((watches += 1), () => undefined) });
    const { engine } = anEngine({ store, audit: [new RecordingSink({ name: 'a' }), new RecordingSink({ name: 'b', follow: 'local' })] });
    await turns();
    expect([watches, store.calls]).toEqual([0, []]);
    await engine.isAllowed(MAYA, SCOPE);
    await turns();
    expect([watches, store.called('journal'), store.called('commit')]).toEqual([1, 1, 0]);
  });
});

describe('the work in the background', () => {
  it('L28 idle() resolves after the delivery in progress, also while the sink begins', async () => {
    const sink = new RecordingSink();
    const { engine, store } = anEngine({ audit: sink });
    await aPending(engine);
    await engine.idle();
    for (const part of ['begins', 'delivers']) {
      if (part === 'begins') store.inject('get', { fault: 'hang' }, 1);
      else sink.hang();
      await engine.sweep();
      await store.commit(aChange({ append: [anEntry({ id: part })] }));
      await turns();
      let isIdle = false;
      const idle = engine.idle().then(() => (isIdle = true));
      await turns();
      expect([part, isIdle]).toEqual([part, false]);
      store.release();
      sink.release();
      await idle;
      expect(sink.entries.at(-1)?.id).toBe(part);
    }
  });
});
