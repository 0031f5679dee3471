import { purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import {
  autoApprove,
  JitEngine,
  MemoryGrantStore,
  patternScopes,
  type Grant,
  type GrantStore,
  type JitEngineOptions,
  type TermsInput,
} from '../../src/index.js';
import type { Change, Row } from '../../src/store.js';
import { journalHead, verifyStore } from '../../src/journal.js';
import { FaultyStore, ManualClock, RecordingSink, ScriptedApprover } from '../../src/testing.js';
import { aGranted, ANA, anEngine, at, entriesOf, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';
import { CONFLICT } from '../commit-answers.js';

const TTL = 15 * MINUTE;
const END = at(TTL);
/** Ends when it has not been used for 100 seconds: a tenth is 10 seconds. */
const IDLE = 100_000;
const TENTH = IDLE / 10;

/** An engine whose approver grants everything, on these terms. */
function anUsed(terms: TermsInput, options: Partial<JitEngineOptions> = {}) {
  const approver = new ScriptedApprover({ decide: () => ({ outcome: 'approve', terms: script.terms }) });
  const script = { terms };
  return { ...anEngine({ approver, ...options }), approver, script };
}

async function aUsedGrant(terms: TermsInput, options: Partial<JitEngineOptions> = {}) {
  const made = anUsed(terms, options);
  return { ...made, grant: await aGranted(made.engine) };
}

const usageOf = async (store: GrantStore, { id }: Grant): Promise<Row | undefined> => (await store.get([{ kind: 'usage', id }]))[0];
const stored = async (engine: JitEngine, grant: Grant): Promise<Grant | undefined> =>
  (await engine.getRequest(grant.requestId))?.grants.find(({ id }) => id === grant.id);
const usedTypes = async (store: GrantStore) => (await typesOf(store)).filter((type) => type === 'grant.used').length;
const allowedAt = async (engine: JitEngine, clock: ManualClock, now: number) => {
  await clock.set(now);
  return engine.isAllowed(MAYA, SCOPE);
};

/** The fields of an answer that took a new use. */
const NEW = { allowed: true, reused: false };

describe('JitEngine', () => {
  describe('an idle end', () => {
    // test/lifecycle/usage.test.ts has more instants and idle times.
    for (const [offset, allowed] of [
      [-1, true],
      [0, false],
    ] as const) {
      it(`L1 applies without a sweep: a grant that was never used, ${offset} ms from its idle end`, async () => {
        const { engine, clock } = await aUsedGrant({ idleTtlMs: IDLE });
        await clock.set(at(IDLE + offset));
        expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed, validUntil: allowed ? at(IDLE) : undefined });
        expect(await engine.filterAllowed(MAYA, [SCOPE])).toEqual(allowed ? [SCOPE] : []);
        expect((await engine.status(MAYA)).held).toHaveLength(allowed ? 1 : 0);
        expect((await engine.check(MAYA, SCOPE, { touch: 'wait' })).allowed).toBe(allowed);
        const consumed = engine.consume(MAYA, SCOPE);
        if (allowed) expect(await consumed).toMatchObject({ usesLeft: undefined });
        else await refusal(consumed, 'ERR_JIT_DENIED');
      });
    }

    it('L1 moves with use, and never past the end of the window', async () => {
      const { engine, clock, grant } = await aUsedGrant({ idleTtlMs: IDLE });
      await clock.set(at(IDLE - 1));
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
      expect(await allowedAt(engine, clock, at(2 * IDLE - 2))).toBe(true);
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ validUntil: at(2 * IDLE - 1) });
      for (let t = 2 * IDLE - 2; t < TTL; t += IDLE - 1) {
        await clock.set(at(t));
        await engine.check(MAYA, SCOPE, { touch: 'wait' });
      }
      expect(await allowedAt(engine, clock, END - 1)).toBe(true);
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ validUntil: END });
      expect(await allowedAt(engine, clock, END)).toBe(false);
      await engine.sweep();
      expect((await stored(engine, grant))?.end).toMatchObject({ cause: 'time', at: END });
    });

    it('L1 at or after the end of the window has no effect: the grant ends by time', async () => {
      const { engine, clock, store, grant } = await aUsedGrant({ idleTtlMs: TTL });
      expect(await usageOf(store, grant)).toMatchObject({ dueAt: END });
      expect(await allowedAt(engine, clock, END - 1)).toBe(true);
      expect(await allowedAt(engine, clock, END)).toBe(false);
      expect(await engine.sweep()).toMatchObject({ ended: 1, skipped: 0 });
      expect((await stored(engine, grant))?.end).toMatchObject({ cause: 'time', at: END });
    });

    it('L6 comes early by the leeway', async () => {
      const { engine, clock } = await aUsedGrant({ idleTtlMs: IDLE }, { leewayMs: 1_000 });
      expect(await allowedAt(engine, clock, at(IDLE - 1_001))).toBe(true);
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ validUntil: at(IDLE - 1_000) });
      expect(await allowedAt(engine, clock, at(IDLE - 1_000))).toBe(false);
    });

    it('counts from the start of a scheduled grant, not from its decision', async () => {
      const made = anUsed({ idleTtlMs: IDLE });
      const grant = await aGranted(made.engine, { startsAt: at(HOUR) });
      expect(await usageOf(made.store, grant)).toMatchObject({ dueAt: at(HOUR + IDLE), from: at(HOUR) });
      expect(await allowedAt(made.engine, made.clock, at(HOUR + IDLE - 1))).toBe(true);
      expect(await allowedAt(made.engine, made.clock, at(HOUR + IDLE))).toBe(false);
    });

    it('L5 stays in effect after the clock steps back from it', async () => {
      const { engine, clock } = await aUsedGrant({ idleTtlMs: IDLE });
      expect(await allowedAt(engine, clock, at(IDLE))).toBe(false);
      expect(await allowedAt(engine, clock, at(IDLE - 1))).toBe(false);
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
      expect(await allowedAt(engine, clock, at(1))).toBe(false);
      expect(await allowedAt(engine, clock, at(IDLE))).toBe(false);
    });

    it('L8 L27 is recorded by a sweep with cause idle, at its instant, together with the close of the usage row', async () => {
      const { engine, clock, store, grant } = await aUsedGrant({ idleTtlMs: IDLE });
      await clock.set(at(IDLE - 1));
      expect(await engine.sweep()).toMatchObject({ ended: 0, skipped: 0 });
      await clock.set(at(IDLE + 7));
      const commit = store.calls.length;
      expect(await engine.sweep()).toMatchObject({ ended: 1, skipped: 0 });
      const end = { status: 'expired', cause: 'idle', at: at(IDLE), by: 'system:sweeper', reason: undefined };
      expect((await stored(engine, grant))?.end).toEqual(end);
      expect(await usageOf(store, grant)).toMatchObject({
        version: 2,
        open: false,
        until: at(IDLE),
        dueAt: undefined,
        body: { endedAt: at(IDLE) },
      });
      expect((await entriesOf(store)).at(-1)).toMatchObject({
        type: 'grant.expired',
        at: at(IDLE + 7),
        data: { version: 2, usageVersion: 2, end: { cause: 'idle' } },
      });
      const change = store.calls.slice(commit).find(({ method }) => method === 'commit')?.argument as { expect: unknown };
      expect(change.expect).toEqual(['grant', 'usage'].map((kind) => ({ kind, id: grant.id, version: 1 })));
      expect(await engine.sweep()).toMatchObject({ ended: 0, skipped: 0 });
    });

    for (const swept of [false, true]) {
      it(`L27 bounds history, whoHadAccess and status, ${swept ? 'after' : 'before'} a sweep has recorded it`, async () => {
        const { engine, clock, grant } = await aUsedGrant({ idleTtlMs: IDLE });
        await clock.set(at(50_000));
        await engine.check(MAYA, SCOPE, { touch: 'wait' });
        const end = at(50_000 + IDLE);
        await clock.set(END + 1);
        if (swept) await engine.sweep();
        for (const [t, held] of [
          [at(-1), false],
          [at(0), true],
          [end - 1, true],
          [end, false],
          [END - 1, false],
        ] as const) {
          const { items } = await engine.whoHadAccess({ scope: SCOPE, at: t });
          expect(items.map(({ id }) => id)).toEqual(held ? [grant.id] : []);
        }
        expect((await engine.listGrants({ during: { from: end, to: END } })).items).toEqual([]);
        expect((await engine.listGrants({ during: { from: end - 1, to: END } })).items).toHaveLength(1);
        expect(await engine.status(MAYA)).toMatchObject({ held: [], scheduled: [], changesAt: undefined });
      });
    }

    it('is the next change in status', async () => {
      const { engine, clock } = await aUsedGrant({ idleTtlMs: IDLE });
      expect((await engine.status(MAYA)).changesAt).toBe(at(IDLE));
      await clock.set(at(TENTH + 1));
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
      expect((await engine.status(MAYA)).changesAt).toBe(at(TENTH + 1 + IDLE));
    });
  });

  describe("check() with touch: 'wait'", () => {
    it('L34 writes nothing while the last recorded use is no older than a tenth of the idle time', async () => {
      const { engine, clock, store } = await aUsedGrant({ idleTtlMs: IDLE });
      const commits = store.called('commit');
      for (const now of [0, 1, TENTH - 1, TENTH]) {
        await clock.set(at(now));
        for (let i = 0; i < 5; i++) await engine.check(MAYA, SCOPE, { touch: 'wait' });
        await engine.check(MAYA, SCOPE, { touch: true });
      }
      await engine.flushAudit();
      expect(store.called('commit')).toBe(commits);
      await clock.set(at(TENTH + 1));
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
      expect(store.called('commit')).toBe(commits + 1);
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
      await clock.set(at(2 * TENTH + 1));
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
      expect(store.called('commit')).toBe(commits + 1);
      await clock.set(at(2 * TENTH + 2));
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
      expect(store.called('commit')).toBe(commits + 2);
    });

    it('L34 reads the store no more than twice, and writes nothing, where no grant has an idle end', async () => {
      const { engine, clock, store } = await aUsedGrant({});
      await clock.set(at(5 * MINUTE));
      const before = store.calls.length;
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
      expect(store.calls.slice(before).map(({ method }) => method)).toEqual(['live', 'live']);
    });

    it('L12 L27 records the use in the usage row, with the version of the grant only compared', async () => {
      const { engine, clock, store, grant } = await aUsedGrant({ idleTtlMs: IDLE });
      const row = await usageOf(store, grant);
      expect(row).toMatchObject({ subject: MAYA, scope: SCOPE, open: true, from: at(0), until: END, dueAt: at(IDLE), version: 1 });
      await clock.set(at(TENTH + 1));
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
      const usedAt = at(TENTH + 1);
      expect(await usageOf(store, grant)).toEqual({ ...row, version: 2, dueAt: usedAt + IDLE, body: { ...row?.body, usedAt } });
      expect((await entriesOf(store)).at(-1)).toMatchObject({
        type: 'grant.used',
        at: usedAt,
        actor: MAYA,
        requestId: grant.requestId,
        grantId: grant.id,
        data: { usageVersion: 2, usedAt, uses: 0 },
      });
      const change = store.calls.findLast(({ method }) => method === 'commit')?.argument as { expect: unknown; put: readonly Row[] };
      expect(change.put.map(({ kind }) => kind)).toEqual(['usage']);
      expect(change.expect).toEqual([
        { kind: 'usage', id: grant.id, version: 1 },
        { kind: 'grant', id: grant.id, version: 1 },
      ]);
    });

    it('L8 revives nothing: neither at the idle end, nor after it, nor a revoked grant', async () => {
      for (const end of [
        ({ clock }: { clock: ManualClock }) => clock.set(at(IDLE)),
        ({ clock }: { clock: ManualClock }) => clock.set(END),
        ({ engine, grant }: { engine: JitEngine; grant: Grant }) => engine.revoke(grant.id, { by: SAM }),
      ]) {
        const made = await aUsedGrant({ idleTtlMs: IDLE });
        const { engine, clock, store } = made;
        await clock.set(at(IDLE - 1));
        await end(made);
        const head = await journalHead(engine);
        expect((await engine.check(MAYA, SCOPE, { touch: 'wait' })).allowed).toBe(false);
        expect((await engine.check(MAYA, SCOPE, { touch: true })).allowed).toBe(false);
        await engine.flushAudit();
        expect(await journalHead(engine)).toEqual(head);
        expect(await usedTypes(store)).toBe(0);
      }
    });

    it('L8 revives no grant that becomes idle between the check and the commit', async () => {
      const { engine, clock, store, grant } = await aUsedGrant({ idleTtlMs: IDLE });
      await clock.set(at(IDLE - 1));
      const get = store.get.bind(store);
      store.get = async (keys) => {
        if (keys.some(({ kind }) => kind === 'usage')) await clock.set(at(IDLE));
        return get(keys);
      };
      expect((await engine.check(MAYA, SCOPE, { touch: 'wait' })).allowed).toBe(true);
      store.get = get;
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(await usageOf(store, grant)).toMatchObject({ version: 1 });
    });

    it('L12 costs a revoke no conflict and no retry, when a use commits first', async () => {
      const { engine, clock, store, grant } = await aUsedGrant({ idleTtlMs: IDLE });
      const other = anEngine({ store, clock }).engine;
      await clock.set(at(TENTH + 1));
      const commit = store.commit.bind(store);
      const outcomes: string[] = [];
      store.commit = async (change) => {
        store.commit = commit;
        await other.check(MAYA, SCOPE, { touch: 'wait' });
        const answer = await commit(change);
        outcomes.push(answer.outcome);
        return answer;
      };
      expect(await engine.revoke(grant.id, { by: SAM })).toMatchObject({ end: { status: 'revoked' } });
      expect(outcomes).toEqual(['committed']);
      expect(await usageOf(store, grant)).toMatchObject({ open: true, version: 2 });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    for (const [what, terms, end] of [
      ['revoked', { idleTtlMs: IDLE }, (engine: JitEngine, { id }: Grant) => engine.revoke(id, { by: ANA })],
      ['released', { maxUses: 3 }, (engine: JitEngine, { id }: Grant) => engine.release(id, { by: MAYA })],
    ] as const) {
      it(`L27 the usage row of a grant that is ${what} is closed by the sweep, with an entry, when it is due, and not before`, async () => {
        const { engine, clock, store, grant } = await aUsedGrant(terms);
        const due = 'idleTtlMs' in terms ? at(IDLE) : END;
        await clock.set(at(5));
        const row = await usageOf(store, grant);
        await end(engine, grant);
        expect(await usageOf(store, grant)).toEqual(row);
        expect((await entriesOf(store)).at(-1)).toMatchObject({ type: 'grant.revoked', data: { version: 2, end: { at: at(5) } } });
        expect((await entriesOf(store)).at(-1)?.data).not.toHaveProperty('usageVersion');
        await clock.set(due - 1);
        await engine.sweep();
        expect(await usageOf(store, grant)).toEqual(row);
        await clock.set(due);
        expect(await engine.sweep()).toMatchObject({ ended: 0, skipped: 0 });
        expect(await usageOf(store, grant)).toMatchObject({ version: 2, open: false, dueAt: undefined, body: { endedAt: at(5) } });
        expect((await entriesOf(store)).at(-1)).toMatchObject({
          type: 'usage.closed',
          at: due,
          actor: 'system:sweeper',
          requestId: grant.requestId,
          grantId: grant.id,
          data: { usageVersion: 2, endedAt: at(5) },
        });
        const head = await journalHead(engine);
        await clock.set(END + 1);
        await engine.sweep();
        expect(await journalHead(engine)).toEqual(head);
        expect(await stored(engine, grant)).toMatchObject({ version: 2, end: { at: at(5) } });
      });
    }

    it('records the use for each grant that allows it and has an idle end, and for no other', async () => {
      const { engine, clock, store, script } = anUsed({ idleTtlMs: IDLE }, { scopes: patternScopes });
      const wide = await aGranted(engine, { scope: 'db:**' });
      const exact = await aGranted(engine, { scope: 'db:orders' });
      const other = await aGranted(engine, { scope: 'db:users' });
      script.terms = {};
      await aGranted(engine, { scope: '*:orders' });
      await clock.set(at(TENTH + 1));
      await engine.check(MAYA, 'db:orders', { touch: 'wait' });
      expect(await Promise.all([wide, exact, other].map(async (grant) => (await usageOf(store, grant))?.version))).toEqual([2, 2, 1]);
      expect(await usedTypes(store)).toBe(2);
    });

    it('records nothing if standing access allows, or if nothing allows', async () => {
      const { engine, clock, store } = await aUsedGrant({ idleTtlMs: IDLE }, { standing: { [MAYA]: ['logs:read'] } });
      await clock.set(at(TENTH + 1));
      expect(await engine.check(MAYA, 'logs:read', { touch: 'wait' })).toMatchObject({ reason: 'standing' });
      expect(await engine.check(MAYA, 'root', { touch: 'wait' })).toMatchObject({ reason: 'no_grant' });
      expect(await engine.check('user:noor', SCOPE, { touch: 'wait' })).toMatchObject({ reason: 'no_grant' });
      expect(await usedTypes(store)).toBe(0);
    });

    for (const fault of [
      { fault: 'reject' },
      { fault: 'throw' },
      { fault: 'malformed', answer: 'yes' },
      { fault: 'malformed', answer: CONFLICT },
    ] as const) {
      it(`L30 changes no answer when it fails: commit with ${JSON.stringify(fault)}`, async () => {
        const { engine, clock, store, told, grant } = await aUsedGrant({ idleTtlMs: IDLE });
        await clock.set(at(TENTH + 1));
        store.inject('commit', fault);
        expect(await engine.check(MAYA, SCOPE, { touch: 'wait' })).toMatchObject({
          allowed: true,
          reason: 'granted',
          grant: { id: grant.id },
        });
        expect(await engine.check(MAYA, SCOPE, { touch: true })).toMatchObject({ allowed: true });
        await engine.flushAudit();
        expect(told.map(({ during }) => during)).toEqual(['touch', 'touch']);
        store.clear();
        expect(await usageOf(store, grant)).toMatchObject({ version: 1 });
        expect(await allowedAt(engine, clock, at(IDLE))).toBe(false);
      });
    }

    it('L30 changes no answer when its own reads fail, or when the clock fails', async () => {
      const { engine, clock, store, told } = await aUsedGrant({ idleTtlMs: IDLE });
      await clock.set(at(TENTH + 1));
      const clear = store.inject('get', { fault: 'reject' });
      expect((await engine.check(MAYA, SCOPE, { touch: 'wait' })).allowed).toBe(true);
      clear();
      const live = store.live.bind(store);
      let asked = 0;
      store.live = (query) => {
        if (++asked === 2) throw new Error('the second read');
        return live(query);
      };
      expect((await engine.check(MAYA, SCOPE, { touch: 'wait' })).allowed).toBe(true);
      store.live = live;
      const now = clock.now.bind(clock);
      asked = 0;
      clock.now = () => (++asked === 2 ? NaN : now());
      expect((await engine.check(MAYA, SCOPE, { touch: 'wait' })).allowed).toBe(true);
      expect(told.map(({ during }) => during)).toEqual(['touch', 'touch', 'touch']);
    });

    it('rejects if the check itself fails, and on unknown options', async () => {
      const { engine, store } = await aUsedGrant({ idleTtlMs: IDLE });
      for (const touch of [1, 'yes', null]) {
        await refusal(engine.check(MAYA, SCOPE, { touch: touch as unknown as boolean }), 'ERR_JIT_INVALID_ARGUMENT');
      }
      await refusal(engine.check(MAYA, SCOPE, { tuoch: true } as object), 'ERR_JIT_INVALID_ARGUMENT');
      store.inject('live', { fault: 'reject' });
      await refusal(engine.check(MAYA, SCOPE, { touch: 'wait' }), 'ERR_JIT_STORE');
      await refusal(engine.check(MAYA, SCOPE, { touch: true }), 'ERR_JIT_STORE');
    });

    it('L28 in the background, is awaited by flushAudit and by close', async () => {
      for (const wait of ['flushAudit', 'close'] as const) {
        const sink = new RecordingSink();
        const { engine, clock, store } = await aUsedGrant({ idleTtlMs: IDLE }, { audit: sink });
        await engine.flushAudit();
        await clock.set(at(TENTH + 1));
        store.inject('commit', { fault: 'hang' }, 1);
        expect((await engine.check(MAYA, SCOPE, { touch: true })).allowed).toBe(true);
        let done = false;
        const waiting = engine[wait]().then(() => (done = true));
        for (let turn = 0; turn < 50; turn++) await Promise.resolve();
        expect(done).toBe(false);
        store.release();
        await waiting;
        expect(await usedTypes(store)).toBe(1);
        expect(sink.entries.at(-1)?.type).toBe('grant.used');
      }
    });

    it('L5 with a clock that has stepped back, prolongs the grant no further than the highest reading allows', async () => {
      const { engine, clock, store, grant } = await aUsedGrant({ idleTtlMs: IDLE });
      await clock.set(at(50_000));
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
      await clock.set(at(20_000));
      await engine.check(MAYA, SCOPE, { touch: 'wait' });
      expect(await usageOf(store, grant)).toMatchObject({ version: 2, dueAt: at(50_000 + IDLE) });
      expect(await allowedAt(engine, clock, at(50_000 + IDLE))).toBe(false);
    });
  });

  describe('consume()', () => {
    it('takes one use after the other, and the last one ends the grant in the same change', async () => {
      const { engine, clock, store, grant } = await aUsedGrant({ maxUses: 3 });
      for (const usesLeft of [2, 1]) {
        await clock.advance(1);
        expect(await engine.consume(MAYA, SCOPE)).toMatchObject({
          subject: MAYA,
          scope: SCOPE,
          at: clock.now(),
          usesLeft,
          grant: { id: grant.id, end: undefined },
        });
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      }
      const head = await journalHead(engine);
      await clock.advance(1);
      const end = { status: 'expired', cause: 'used_up', at: at(3), by: MAYA, reason: undefined };
      expect(await engine.consume(MAYA, SCOPE)).toMatchObject({ usesLeft: 0, grant: { end } });
      const last = (await entriesOf(store)).filter((entry) => entry.seq > head.seq);
      expect(last.map((entry) => [entry.type, entry.data])).toEqual([
        ['grant.used', { usageVersion: 4, usedAt: at(3), uses: 3 }],
        [
          'grant.expired',
          { version: 2, usageVersion: 4, subject: 'user:maya', scope: grant.scope, end: JSON.parse(JSON.stringify(end)) as object },
        ],
      ]);
      expect(new Set(last.map((entry) => entry.id.split('.')[0])).size).toBe(1);
      expect(await usageOf(store, grant)).toMatchObject({ open: false, until: at(3), body: { uses: 3, endedAt: at(3) } });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(await refusal(engine.consume(MAYA, SCOPE), 'ERR_JIT_DENIED')).toMatchObject({ decision: { reason: 'no_grant' } });
      expect((await engine.whoHadAccess({ scope: SCOPE, at: at(2) })).items).toHaveLength(1);
      expect((await engine.whoHadAccess({ scope: SCOPE, at: at(3) })).items).toEqual([]);
    });

    it('is the only verb that takes a use: no check does', async () => {
      const { engine, clock, store, grant } = await aUsedGrant({ maxUses: 1 });
      await clock.set(at(5 * MINUTE));
      for (let i = 0; i < 3; i++) {
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
        await engine.check(MAYA, SCOPE, { touch: 'wait' });
        await engine.assertAllowed(MAYA, SCOPE);
      }
      expect(await usageOf(store, grant)).toMatchObject({ version: 1, body: { uses: 0 } });
    });

    it('counts as use for the idle end', async () => {
      const { engine, clock } = await aUsedGrant({ maxUses: 5, idleTtlMs: IDLE });
      await clock.set(at(1));
      await engine.consume(MAYA, SCOPE);
      expect(await allowedAt(engine, clock, at(IDLE))).toBe(true);
      expect(await allowedAt(engine, clock, at(IDLE + 1))).toBe(false);
    });

    it('takes a use of the counted grant that ends first, by effective end', async () => {
      const { engine, clock, script } = anUsed({ maxUses: 1 }, { scopes: patternScopes });
      const long = await aGranted(engine, { scope: 'db:**', ttl: '1h' });
      const short = await aGranted(engine, { scope: 'db:orders', ttl: '10m' });
      script.terms = {};
      const uncounted = await aGranted(engine, { scope: 'db:*', ttl: '1m' });
      script.terms = { maxUses: 1, idleTtlMs: IDLE };
      const idle = await aGranted(engine, { scope: 'db:orders', ttl: '2h' });
      await clock.set(at(1));
      const taken: (string | undefined)[] = [];
      for (let i = 0; i < 5; i++) taken.push((await engine.consume(MAYA, 'db:orders')).grant?.id);
      expect(taken).toEqual([idle.id, short.id, long.id, uncounted.id, uncounted.id]);
    });

    it('L19 takes no use of a grant that does not cover the scope, has not started, or has ended', async () => {
      const { engine, clock, store, script } = anUsed({ maxUses: 1 });
      const other = await aGranted(engine, { scope: 'other' });
      const later = await aGranted(engine, { startsAt: at(HOUR) });
      const over = await aGranted(engine, { ttl: 1 });
      await clock.set(at(1));
      await refusal(engine.consume(MAYA, SCOPE), 'ERR_JIT_DENIED');
      script.terms = { maxUses: 2 };
      const good = await aGranted(engine);
      expect(await engine.consume(MAYA, SCOPE)).toMatchObject({ grant: { id: good.id }, usesLeft: 1 });
      for (const grant of [other, later, over]) expect(await usageOf(store, grant)).toMatchObject({ version: 1 });
    });

    it('takes no use if the allowing grant is not counted, or if standing access allows', async () => {
      const { engine, store, grant } = await aUsedGrant({}, { standing: { [MAYA]: ['logs:read'] } });
      const commits = store.called('commit');
      expect(await engine.consume(MAYA, SCOPE)).toEqual({ ...NEW, subject: MAYA, scope: SCOPE, at: at(0), grant, usesLeft: undefined });
      expect(await engine.consume(MAYA, 'logs:read', { idempotencyKey: 'k' })).toEqual({
        ...NEW,
        subject: MAYA,
        scope: 'logs:read',
        at: at(0),
        grant: undefined,
        usesLeft: undefined,
      });
      expect(store.called('commit')).toBe(commits);
    });

    it('L1 is refused at the end, and not in the millisecond before it', async () => {
      const { engine, clock, store } = await aUsedGrant({ maxUses: 5 });
      await clock.set(END - 1);
      expect(await engine.consume(MAYA, SCOPE)).toMatchObject({ usesLeft: 4 });
      await clock.set(END);
      await refusal(engine.consume(MAYA, SCOPE), 'ERR_JIT_DENIED');
      expect(await usedTypes(store)).toBe(1);
    });

    it('L1 takes nothing when the end comes between the check and the commit', async () => {
      const { engine, clock, store } = await aUsedGrant({ maxUses: 5 });
      await clock.set(END - 1);
      const live = store.live.bind(store);
      let asked = 0;
      store.live = async (query) => {
        if (++asked === 2) await clock.set(END);
        return live(query);
      };
      expect(await refusal(engine.consume(MAYA, SCOPE), 'ERR_JIT_DENIED')).toMatchObject({
        decision: { allowed: false, reason: 'no_grant' },
      });
      expect(await usedTypes(store)).toBe(0);
    });

    for (const seed of [1, 2, 3, 4, 5, 6]) {
      it(`L9 never gives more uses than allowed to 64 concurrent calls of two processes (interleaving ${seed})`, async () => {
        const { engine, clock, store, grant } = await aUsedGrant({ maxUses: 7 });
        const other = anEngine({ store, clock }).engine;
        store.inject('all', { fault: 'yield', seed });
        const outcomes = await Promise.allSettled(
          Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? engine : other).consume(MAYA, SCOPE)),
        );
        store.clear();
        const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.usesLeft] : []));
        expect(won.sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
        for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ERR_JIT_DENIED' });
        expect((await stored(engine, grant))?.end).toMatchObject({ cause: 'used_up' });
        expect(await usedTypes(store)).toBe(7);
      });
    }

    it('L29 that is refused is recorded with the scope, and takes no use', async () => {
      const { engine, store } = await aUsedGrant({ maxUses: 1 });
      await refusal(engine.consume(MAYA, 'other:thing'), 'ERR_JIT_DENIED');
      await engine.flushAudit();
      const attempt = { type: 'attempt.refused', actor: MAYA, data: { scopes: ['other:thing'] } };
      expect((await entriesOf(store)).at(-1)).toMatchObject(attempt);
      expect(await engine.consume(MAYA, SCOPE)).toMatchObject({ usesLeft: 0 });
    });

    it('L27 that takes the last use with a clock slightly behind ends the grant at the highest reading', async () => {
      const { engine, clock, grant } = await aUsedGrant({ maxUses: 1 });
      await clock.set(at(5_000));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      await clock.set(at(4_500));
      await engine.consume(MAYA, SCOPE);
      expect((await stored(engine, grant))?.end).toMatchObject({ cause: 'used_up', at: at(5_000) });
    });

    it('L12 compares the version of the grant with every use, and writes the grant only with the last use', async () => {
      const { engine, store, grant } = await aUsedGrant({ maxUses: 2 });
      for (const kinds of [['usage'], ['grant', 'usage']]) {
        await engine.consume(MAYA, SCOPE);
        const change = store.calls.findLast(({ method }) => method === 'commit')?.argument as Change;
        expect(change.put.map(({ kind }) => kind)).toEqual(kinds);
        expect(change.expect).toContainEqual({ kind: 'grant', id: grant.id, version: 1 });
      }
    });

    it('L12 takes no use of a grant that is revoked before its commit', async () => {
      const { engine, clock, store, grant } = await aUsedGrant({ maxUses: 2 });
      const other = anEngine({ store, clock }).engine;
      const commit = store.commit.bind(store);
      store.commit = async (change) => {
        store.commit = commit;
        await other.revoke(grant.id, { by: SAM });
        return commit(change);
      };
      await refusal(engine.consume(MAYA, SCOPE), 'ERR_JIT_DENIED');
      expect(await usedTypes(store)).toBe(0);
    });

    it('L5 is refused while the clock is more than a second below its highest reading', async () => {
      const { engine, clock, store } = await aUsedGrant({ maxUses: 2 });
      await clock.set(at(2_000));
      await engine.isAllowed(MAYA, SCOPE);
      await clock.set(at(999));
      await refusal(engine.consume(MAYA, SCOPE), 'ERR_JIT_CLOCK');
      expect(await usedTypes(store)).toBe(0);
      await clock.set(at(1_000));
      expect(await engine.consume(MAYA, SCOPE)).toMatchObject({ usesLeft: 1 });
    });

    it('L31 takes one use when the reply is lost', async () => {
      const { engine, store } = await aUsedGrant({ maxUses: 3 });
      store.inject('commit', { fault: 'lose reply' }, 1);
      expect(await engine.consume(MAYA, SCOPE)).toMatchObject({ usesLeft: 2 });
      expect(await usedTypes(store)).toBe(1);
    });

    it('L30 rejects if the use cannot be recorded', async () => {
      const { engine, store } = await aUsedGrant({ maxUses: 3 });
      store.inject('commit', { fault: 'reject' });
      await refusal(engine.consume(MAYA, SCOPE), 'ERR_JIT_STORE');
      store.clear();
      store.inject('commit', { fault: 'lose reply' });
      await refusal(engine.consume(MAYA, SCOPE), 'ERR_JIT_OUTCOME_UNKNOWN');
    });

    it('refuses invalid options, subjects and scopes', async () => {
      const { engine } = await aUsedGrant({ maxUses: 3 });
      for (const idempotencyKey of ['', ' k', 'k'.repeat(257), 7, null]) {
        await refusal(engine.consume(MAYA, SCOPE, { idempotencyKey: idempotencyKey as string }), 'ERR_JIT_INVALID_ARGUMENT');
      }
      await refusal(engine.consume(MAYA, SCOPE, { key: 'k' } as object), 'ERR_JIT_INVALID_ARGUMENT');
      await refusal(engine.consume('system:x', SCOPE), 'ERR_JIT_INVALID_ARGUMENT');
      await refusal(engine.consume(MAYA, 'db:*'), 'ERR_JIT_INVALID_ARGUMENT');
    });
  });

  describe('consume() with a key', () => {
    const key = { idempotencyKey: 'k' };

    it('L11 takes one use for any number of repeats, and returns the first answer with reused: true', async () => {
      const { engine, clock, store, grant } = await aUsedGrant({ maxUses: 2 });
      const first = await engine.consume(MAYA, SCOPE, key);
      expect(first).toMatchObject({ at: at(0), usesLeft: 1 });
      await clock.set(at(5));
      const commits = store.called('commit');
      expect(await engine.consume(MAYA, SCOPE, key)).toEqual({ ...first, reused: true });
      expect(store.called('commit')).toBe(commits);
      await engine.consume(MAYA, SCOPE);
      // Another use was the last one: a repeat is not a permission (L36).
      const refused = { reused: true, use: { at: at(0), usesLeft: 1 } };
      expect(await refusal(engine.consume(MAYA, SCOPE, key), 'ERR_JIT_DENIED')).toMatchObject(refused);
      await clock.set(END + HOUR);
      await engine.sweep();
      expect(await refusal(engine.consume(MAYA, SCOPE, key), 'ERR_JIT_DENIED')).toMatchObject(refused);
      expect(await usedTypes(store)).toBe(2);
      const use = (await store.find({ kind: 'use', limit: 9 })).items;
      expect(use).toMatchObject([
        { subject: MAYA, scope: SCOPE, open: false, until: END, body: { grantId: grant.id, at: at(0), usesLeft: 1 } },
      ]);
      expect((await entriesOf(store)).find((entry) => entry.type === 'grant.used')?.data['useId']).toBe(use[0]?.id);
    });

    it('L11 L27 is recognised for a grant of a pattern, refused for another scope of it, and the same in the journal', async () => {
      const { engine, store } = anUsed({ maxUses: 3 }, { scopes: patternScopes });
      await aGranted(engine, { scope: 'db:**' });
      const first = await engine.consume(MAYA, 'db:write', key);
      expect(first).toMatchObject({ scope: 'db:write', usesLeft: 2 });
      expect(await engine.consume(MAYA, 'db:write', key)).toEqual({ ...first, reused: true });
      await refusal(engine.consume(MAYA, 'db:read', key), 'ERR_JIT_IDEMPOTENCY');
      expect(await usedTypes(store)).toBe(1);
      expect(await verifyStore(store)).toMatchObject({ ok: true });
    });

    it('L11 is a separate use for another subject, key, verb or namespace, and refused for another scope', async () => {
      const { engine, clock, store, approver } = await aUsedGrant({ maxUses: 9 });
      await aGranted(engine, { subject: ANA });
      await aGranted(engine, { scope: 'b', idempotencyKey: 'k' });
      await engine.consume(MAYA, SCOPE, key);
      expect(await engine.consume(MAYA, SCOPE, { idempotencyKey: 'k2' })).toMatchObject({ usesLeft: 7 });
      expect(await engine.consume(ANA, SCOPE, key)).toMatchObject({ usesLeft: 8 });
      expect(await refusal(engine.consume(MAYA, 'b', key), 'ERR_JIT_IDEMPOTENCY')).toHaveProperty('recordId');
      const elsewhere = anEngine({ store: store.in('other'), clock, approver }).engine;
      await aGranted(elsewhere);
      expect(await elsewhere.consume(MAYA, SCOPE, key)).toMatchObject({ usesLeft: 8 });
    });

    it('L11 of a refused call takes a use once access is allowed', async () => {
      const { engine } = anUsed({ maxUses: 2 });
      await refusal(engine.consume(MAYA, SCOPE, key), 'ERR_JIT_DENIED');
      await aGranted(engine);
      expect(await engine.consume(MAYA, SCOPE, key)).toMatchObject({ usesLeft: 1 });
    });

    it('L33 is not taken twice after a purge of its grant: the use is kept until the grant would have expired', async () => {
      const { engine, clock } = await aUsedGrant({ maxUses: 1 });
      await engine.consume(MAYA, SCOPE, key);
      await clock.set(at(10));
      expect(await purge(engine, { before: at(10), by: SAM, force: true })).toMatchObject({ requests: 1, grants: 1 });
      await aGranted(engine);
      const use = { at: at(0), usesLeft: 0 };
      expect(await refusal(engine.consume(MAYA, SCOPE, key), 'ERR_JIT_DENIED')).toMatchObject({ reused: true, use });
      expect(await engine.consume(MAYA, SCOPE)).toMatchObject({ usesLeft: 0, grant: { issuedAt: at(10) } });
    });
  });

  describe('a grant whose usage row is missing or malformed', () => {
    const spoilers: Readonly<Record<string, (row: Row) => Row | undefined>> = {
      'that is missing': () => undefined,
      'without a body': (row) => ({ ...row, body: {} }),
      'with an extra field': (row) => ({ ...row, body: { ...row.body, forged: true } }),
      'with negative uses': (row) => ({ ...row, body: { ...row.body, uses: -1 } }),
      'on which all uses are taken': (row) => ({ ...row, body: { ...row.body, uses: 3 } }),
      'with uses as text': (row) => ({ ...row, body: { ...row.body, uses: '0' } }),
      'with another idle time': (row) => ({ ...row, dueAt: undefined, body: { ...row.body, idleTtlMs: 24 * HOUR } }),
      'without an idle time': (row) => ({ ...row, dueAt: undefined, body: { ...row.body, idleTtlMs: undefined as unknown as number } }),
      'with another end': (row) => ({ ...row, until: END + HOUR, body: { ...row.body, expiresAt: END + HOUR } }),
      'with a later dueAt': (row) => ({ ...row, dueAt: END - 1 }),
      'of another subject': (row) => ({ ...row, subject: 'user:eve' }),
      'of another scope': (row) => ({ ...row, scope: 'another' }),
      'that begins later': (row) => ({ ...row, from: at(1), dueAt: row.dueAt && row.dueAt + 1 }),
      'that has been closed': (row) => ({ ...row, open: false, until: at(0), dueAt: undefined, body: { ...row.body, endedAt: at(0) } }),
    };

    /** A store that spoils its usage rows in every read. */
    function spoiled(spoil: (row: Row) => Row | undefined) {
      const inner = new MemoryGrantStore();
      const bend = (rows: readonly (Row | undefined)[]) => rows.map((row) => (row?.kind === 'usage' ? spoil(row) : row));
      const present = (rows: readonly Row[]) => bend(rows).filter((row) => row !== undefined);
      const store = new FaultyStore(inner);
      store.get = async (keys) => bend(await inner.get(keys));
      store.live = (query) => present(inner.live(query));
      store.find = async (query) => ({ ...(await inner.find(query)), items: present((await inner.find(query)).items) });
      store.due = async (query) => ({ ...(await inner.due(query)), items: present((await inner.due(query)).items) });
      return { store, inner };
    }

    for (const [what, spoil] of Object.entries(spoilers)) {
      for (const terms of [{ idleTtlMs: IDLE }, { maxUses: 3 }, { idleTtlMs: IDLE, maxUses: 3 }]) {
        // Skips a spoiled field that rows of these terms do not have.
        if (/idle|dueAt/.test(what) && terms.idleTtlMs === undefined) continue;
        if (/all uses/.test(what) && terms.maxUses === undefined) continue;
        it(`L30 denies, and can still be ended: a row ${what}, of ${JSON.stringify(terms)}`, async () => {
          const { store } = spoiled(spoil);
          const { engine, clock } = anUsed(terms, { store });
          const grant = await aGranted(engine);
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
          expect(await engine.filterAllowed(MAYA, [SCOPE])).toEqual([]);
          expect((await engine.status(MAYA)).held).toEqual([]);
          await refusal(engine.consume(MAYA, SCOPE), 'ERR_JIT_DENIED');
          expect((await engine.check(MAYA, SCOPE, { touch: 'wait' })).allowed).toBe(false);
          await clock.set(at(1));
          expect(await engine.revoke(grant.id, { by: SAM })).toMatchObject({ end: { status: 'revoked', at: at(1) } });
          const second = await aGranted(engine);
          expect(await engine.release(second.id, { by: MAYA })).toMatchObject({ end: { cause: 'released' } });
          const third = await aGranted(engine);
          expect((await engine.revokeAll({ subject: MAYA }, { by: SAM })).grants.map(({ id }) => id)).toEqual([third.id]);
          const fourth = await aGranted(engine);
          await clock.set(at(1) + TTL);
          expect(await engine.sweep()).toMatchObject({ ended: 1 });
          expect((await stored(engine, fourth))?.end).toMatchObject({ cause: expect.stringMatching(/^(time|idle)$/) as string });
          await clock.set(at(2) + TTL);
          expect(await purge(engine, { before: at(2) + TTL, by: SAM, force: true })).toMatchObject({ requests: 4, grants: 4 });
          expect((await store.find({ kind: 'grant', limit: 9 })).items).toEqual([]);
        });
      }
    }

    it('L30 hides no other grant', async () => {
      const { store, inner } = spoiled((row) => (row.scope === 'bad' ? { ...row, body: {} } : row));
      const { engine, told } = anUsed({ maxUses: 2 }, { store });
      const bad = await aGranted(engine, { scope: 'bad' });
      await aGranted(engine, { scope: 'good' });
      expect(await engine.filterAllowed(MAYA, ['bad', 'good'])).toEqual(['good']);
      expect(await engine.consume(MAYA, 'good')).toMatchObject({ usesLeft: 1 });
      expect(told.length).toBeGreaterThan(0);
      for (const { error } of told) expect(error).toMatchObject({ code: 'ERR_JIT_CORRUPT', kind: 'usage', id: bad.id });
      expect(await usageOf(inner, bad)).toBeDefined();
    });
  });

  describe('purge()', () => {
    it('L33 removes usage and use rows together with their grants, and nothing else', async () => {
      const { engine, clock, store, script } = anUsed({ maxUses: 5, idleTtlMs: IDLE });
      const gone = await aGranted(engine, { scope: 'gone' });
      await engine.consume(MAYA, 'gone', { idempotencyKey: 'gone' });
      script.terms = { maxUses: 5 };
      const kept = await aGranted(engine, { scope: 'kept', ttl: '2h' });
      await engine.consume(MAYA, 'kept', { idempotencyKey: 'kept' });
      await clock.set(END + 1);
      await engine.sweep();
      expect(await stored(engine, gone)).toMatchObject({ end: { cause: 'idle' } });
      const keptRows = await store.get(
        ['request', 'grant', 'usage'].map((kind) => ({ kind, id: kind === 'request' ? kept.requestId : kept.id })),
      );
      await purge(engine, { before: END + 1, by: SAM, force: true });
      const all = await Promise.all(['request', 'grant', 'usage', 'use', 'subject'].map((kind) => store.find({ kind, limit: 9 })));
      expect(all.map(({ items }) => items.map((row) => row.id))).toEqual([
        [kept.requestId],
        [kept.id],
        [kept.id],
        [all[3]?.items[0]?.id],
        [MAYA],
      ]);
      expect(all[3]?.items).toMatchObject([{ body: { grantId: kept.id } }]);
      expect(await store.get(keptRows.filter((row) => row !== undefined))).toEqual(keptRows);
      expect(await engine.consume(MAYA, 'kept', { idempotencyKey: 'kept' })).toMatchObject({ usesLeft: 4 });
    });

    it('L11 L33 keeps the use of a key as long as its grant: a purge with a clock that is ahead causes no second use', async () => {
      const { engine, clock, store } = await aUsedGrant({ maxUses: 5 });
      const ahead = new JitEngine({ store, approver: autoApprove(() => true), clock: new ManualClock(END) });
      const repeated = () => engine.consume(MAYA, SCOPE, { idempotencyKey: 'k' });
      await repeated();
      await purge(ahead, { before: END, by: SAM, force: true });
      expect(await repeated()).toMatchObject({ usesLeft: 4 });
      expect(await engine.consume(MAYA, SCOPE)).toMatchObject({ usesLeft: 3 });
      await clock.set(END + 1);
      await engine.sweep();
      expect(await refusal(repeated(), 'ERR_JIT_DENIED')).toMatchObject({ reused: true, use: { usesLeft: 4, at: at(0) } });
      await purge(engine, { before: END, by: SAM, force: true });
      expect((await store.find({ kind: 'use', limit: 9 })).items).toEqual([]);
      expect(await refusal(repeated(), 'ERR_JIT_DENIED')).toMatchObject({ reused: false, use: undefined });
    });

    it('L33 keeps a grant that is idle and whose end is not recorded yet', async () => {
      const { engine, clock, grant } = await aUsedGrant({ idleTtlMs: IDLE });
      await clock.set(END + 1);
      expect(await purge(engine, { before: END + 1, by: SAM, force: true })).toMatchObject({ grants: 0, requests: 0 });
      await engine.sweep();
      expect((await stored(engine, grant))?.end).toMatchObject({ cause: 'idle', at: at(IDLE) });
    });
  });

  describe('the terms of a grant', () => {
    it.each([[{ maxUses: 0 }], [null]])('L3 L30 %j count as an approver failure, and no grant is issued without them', async (terms) => {
      const { engine, store } = anUsed(terms as TermsInput);
      await refusal(aGranted(engine), 'ERR_JIT_APPROVER');
      expect(await typesOf(store)).not.toContain('grant.issued');
    });

    it('L18 are frozen with the decision: a changed rule changes no grant', async () => {
      const { engine, clock, script, grant } = await aUsedGrant({ maxUses: 2, idleTtlMs: IDLE });
      script.terms = { maxUses: 99, idleTtlMs: HOUR };
      expect(await engine.consume(MAYA, SCOPE)).toMatchObject({ usesLeft: 1 });
      expect(await allowedAt(engine, clock, at(IDLE))).toBe(false);
      expect(grant).toMatchObject({ maxUses: 2, idleTtlMs: IDLE });
    });

    it('a grant without an idle end and uses has no usage row', async () => {
      const { store, grant } = await aUsedGrant({ warnBeforeMs: [MINUTE] });
      expect(await usageOf(store, grant)).toBeUndefined();
      expect((await store.find({ kind: 'usage', limit: 1 })).items).toEqual([]);
    });
  });
});
