import { describe, expect, it } from 'vitest';
import { readJournal, replay, verifyStore } from '../../src/journal.js';
import type { Grant, GrantStore, JitEngine, JitEngineOptions, TermsInput } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { RecordingSink, ScriptedApprover } from '../../src/testing.js';
import { aGranted, anEngine, at, entriesOf, grantsOf, HOUR, MAYA, MINUTE, SAM, SCOPE } from './an-engine.js';

const TTL = 15 * MINUTE;
const END = at(TTL);
const WARN = 5 * MINUTE;

function warning(terms: TermsInput = {}, options: Partial<JitEngineOptions> = {}) {
  const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms } });
  return { ...anEngine({ approver, ...options }), approver };
}

const warned = async (store: GrantStore) => (await entriesOf(store)).filter((entry) => entry.type === 'grant.warned');
const stored = async (engine: JitEngine, grant: Grant): Promise<Grant | undefined> => (await engine.getRequest(grant.requestId))?.grants[0];

describe('JitEngine', () => {
  describe('the warning before the end', () => {
    // test/lifecycle/grant.test.ts has more instants, and the other tables of warnings.
    for (const [offset, count] of [
      [-1, 0],
      [0, 1],
    ] as const) {
      it(`is ${count} ${offset} ms from its instant: one entry that says whose access ends, where, and when`, async () => {
        const { engine, clock, store } = warning({}, { warnBefore: '5m' });
        const grant = await aGranted(engine);
        expect(grant.warnAt).toEqual([END - WARN]);
        await clock.set(END - WARN + offset);
        expect(await engine.sweep()).toMatchObject({ warned: count, ended: 0, skipped: 0 });
        const entries = await warned(store);
        expect(entries).toHaveLength(count);
        for (const entry of entries) {
          expect(entry).toMatchObject({
            at: END - WARN + offset,
            actor: 'system:sweeper',
            requestId: grant.requestId,
            grantId: grant.id,
            data: { version: 2, warnedAt: [END - WARN + offset], beforeMs: WARN, subject: MAYA, scope: SCOPE, expiresAt: END },
          });
        }
      });
    }

    it('comes once, for any number of sweeps and processes', async () => {
      const { engine, clock, store } = warning({}, { warnBefore: '5m' });
      const grant = await aGranted(engine);
      const others = [1, 2, 3].map(() => anEngine({ store, clock }).engine);
      await clock.set(END - WARN);
      store.inject('all', { fault: 'yield', seed: 3 });
      await Promise.all([engine, ...others].flatMap((one) => [one.sweep(), one.sweep()]));
      store.clear();
      for (let t = END - WARN; t < END; t += MINUTE) {
        await clock.set(t);
        await engine.sweep();
      }
      expect(await warned(store)).toHaveLength(1);
      expect(await stored(engine, grant)).toEqual({ ...grant, version: 2, warnedAt: [END - WARN] });
    });

    it('does not change the access, its end, or what is due at its end', async () => {
      const { engine, clock, store } = warning({}, { warnBefore: '5m' });
      const grant = await aGranted(engine);
      expect((await store.get([{ kind: 'grant', id: grant.id }]))[0]?.dueAt).toBe(END - WARN);
      await clock.set(END - WARN);
      await engine.sweep();
      expect((await store.get([{ kind: 'grant', id: grant.id }]))[0]?.dueAt).toBe(END);
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: true, validUntil: END });
      await clock.set(END);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(await engine.sweep()).toMatchObject({ ended: 1, warned: 0 });
    });

    it('L4 leaves time to extend: an extension requested then starts at the end', async () => {
      const { engine, clock } = warning({}, { warnBefore: '5m' });
      const grant = await aGranted(engine);
      await clock.set(END - WARN);
      await engine.sweep();
      const result = await engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL });
      expect(result).toMatchObject({ outcome: 'granted', grants: [{ startsAt: END, warnAt: [END + TTL - WARN], warnedAt: [] }] });
      await clock.set(END);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('comes once for each grant: for the extension too, and for each scope of a bundle', async () => {
      const { engine, clock, store } = warning({}, { warnBefore: '5m' });
      const grants = await grantsOf(engine, { scopes: ['a', 'b'] });
      await engine.extend(grants[0]?.id ?? '', { requestedBy: MAYA, ttl: TTL });
      for (let t = at(0); t <= END + TTL; t += MINUTE) {
        await clock.set(t);
        await engine.sweep();
      }
      const entries = await warned(store);
      expect(entries.map((entry) => entry.data['scope']).sort()).toEqual(['a', 'a', 'b']);
      expect(new Set(entries.map((entry) => entry.grantId)).size).toBe(3);
    });

    for (const [what, ttl] of [['shorter than the warning', WARN - 1]] as const) {
      it(`comes at the start of a grant ${what}`, async () => {
        const { engine, clock, store } = warning({}, { warnBefore: WARN });
        const [now, later] = [await aGranted(engine, { ttl }), await aGranted(engine, { scope: 'later', ttl, startsAt: at(HOUR) })];
        expect([now.warnAt, later.warnAt]).toEqual([[at(0)], [at(HOUR)]]);
        expect(await engine.sweep()).toMatchObject({ warned: 1 });
        await clock.set(at(HOUR));
        // One pass records the start; the next pass warns.
        expect(await engine.sweep()).toMatchObject({ started: 1, warned: 0 });
        expect(await engine.sweep()).toMatchObject({ started: 0, warned: 1 });
        expect((await warned(store)).map((entry) => entry.grantId)).toEqual([now.id, later.id]);
      });
    }

    it('comes from the rule if the rule sets one, longer or shorter; else from the engine; else there is none', async () => {
      for (const [warnBeforeMs, warnBefore, warnAt] of [
        [[MINUTE], '5m', [END - MINUTE]],
        [undefined, '5m', [END - WARN]],
        [undefined, undefined, []],
      ] as const) {
        const { engine, clock, store } = warning({ warnBeforeMs }, { warnBefore });
        expect((await aGranted(engine)).warnAt).toEqual(warnAt);
        await clock.set(END - 1);
        expect(await engine.sweep()).toMatchObject({ warned: warnAt.length === 0 ? 0 : 1 });
        expect(await warned(store)).toHaveLength(warnAt.length === 0 ? 0 : 1);
      }
    });

    for (const [how, terms, end] of [
      ['revoked', {}, (engine: JitEngine, grant: Grant) => engine.revoke(grant.id, { by: SAM })],
      ['released', {}, (engine: JitEngine, grant: Grant) => engine.release(grant.id, { by: MAYA })],
      ['used up', { maxUses: 1 }, (engine: JitEngine) => engine.consume(MAYA, SCOPE)],
      ['idle', { idleTtlMs: MINUTE }, () => Promise.resolve()],
    ] as const) {
      it(`never comes for a grant that has been ${how}`, async () => {
        const { engine, clock, store } = warning(terms, { warnBefore: '5m' });
        const grant = await aGranted(engine);
        await end(engine, grant);
        for (const now of [END - WARN, END - 1, END]) {
          await clock.set(now);
          expect(await engine.sweep()).toMatchObject({ warned: 0 });
        }
        expect(await warned(store)).toEqual([]);
      });
    }

    it('never comes at or after the end, even if the sweep is late', async () => {
      const { engine, clock } = warning({}, { warnBefore: '5m' });
      await aGranted(engine);
      await clock.set(END);
      expect(await engine.sweep()).toMatchObject({ warned: 0, ended: 1 });
      expect((await engine.sweep()).warned).toBe(0);
    });

    it('never comes for a grant that has not begun: not before its start, nor while its activation is missing', async () => {
      const { engine, clock, store } = warning({}, { warnBefore: HOUR });
      await aGranted(engine, { startsAt: at(HOUR) });
      await clock.set(at(HOUR) - 1);
      expect(await engine.sweep()).toMatchObject({ warned: 0, started: 0 });
      const asking = new ScriptedApprover({ decide: { outcome: 'approve' }, isEligible: true });
      const other = anEngine({ store: store.in('other'), clock, approver: asking, warnBefore: HOUR });
      await aGranted(other.engine, { startsAt: at(HOUR) });
      asking.script.isEligible = () => Promise.reject(new Error('down'));
      await clock.set(at(HOUR) + TTL - 1);
      expect(await other.engine.sweep()).toMatchObject({ warned: 0, asked: 1 });
      expect(await warned(store.in('other'))).toEqual([]);
    });

    it('L6 comes early by the leeway, but never before the start', async () => {
      const { engine, clock, store } = warning({}, { warnBefore: HOUR, leewayMs: 1_000 });
      await aGranted(engine, { startsAt: at(HOUR) });
      for (const now of [at(HOUR) - 1_000, at(HOUR) - 1]) {
        await clock.set(now);
        expect(await engine.sweep()).toMatchObject({ warned: 0, started: 0 });
      }
      await clock.set(at(HOUR));
      await engine.sweep();
      await engine.sweep();
      expect(await warned(store)).toHaveLength(1);
    });

    it('L6 comes early by the leeway, as the end does', async () => {
      const { engine, clock } = warning({}, { warnBefore: '5m', leewayMs: 1_000 });
      await aGranted(engine);
      await clock.set(END - WARN - 1_001);
      expect(await engine.sweep()).toMatchObject({ warned: 0 });
      await clock.set(END - WARN - 1_000);
      expect(await engine.sweep()).toMatchObject({ warned: 1 });
    });

    it('L12 makes no revoke fail, and does not warn of a grant that is revoked before its commit', async () => {
      const { engine, clock, store } = warning({}, { warnBefore: '5m' });
      const other = anEngine({ store, clock }).engine;
      const grant = await aGranted(engine);
      await clock.set(END - WARN);
      const commit = store.commit.bind(store);
      store.commit = async (change) => {
        store.commit = commit;
        await other.revoke(grant.id, { by: SAM });
        return commit(change);
      };
      expect(await engine.sweep()).toMatchObject({ warned: 0 });
      expect(await warned(store)).toEqual([]);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('L28 reaches a sink', async () => {
      const sink = new RecordingSink();
      const { engine, clock } = warning({}, { warnBefore: '5m', audit: sink });
      await aGranted(engine);
      await clock.set(END - WARN);
      await engine.sweep();
      await engine.flushAudit();
      expect(sink.entries.map((entry) => entry.type).at(-1)).toBe('grant.warned');
    });

    it('refuses a warnBefore that is not a duration, by its name', () => {
      // test/core/time.test.ts has every other value that is refused.
      expect(() => warning({}, { warnBefore: 0 })).toThrow(/warnBefore/);
    });
  });

  describe('several warnings before the end', () => {
    const dueAt = async (store: GrantStore, grant: Grant) => (await store.get([{ kind: 'grant', id: grant.id }]))[0]?.dueAt;
    /** What the entries say: when each was recorded, and how long before the end it was due. */
    const given = async (store: GrantStore) => (await warned(store)).map(({ at, data }) => [at, data['beforeMs']]);

    it('L34 come once each, the earliest first, and the grant is due for one of them at a time', async () => {
      const { engine, clock, store } = warning({}, { warnBefore: ['1m', '10m', '5m'] });
      const grant = await aGranted(engine);
      const due = [await dueAt(store, grant)];
      for (let now = at(0); now < END; now += MINUTE) {
        await clock.set(now);
        for (let pass = 0; pass < 2; pass++) await engine.sweep();
        due.push(await dueAt(store, grant));
      }
      const instants = [10, 5, 1].map((minutes) => END - minutes * MINUTE);
      expect(await given(store)).toEqual(instants.map((instant) => [instant, END - instant]));
      expect([...new Set(due)]).toEqual([...instants, END]);
      expect(await stored(engine, grant)).toEqual({ ...grant, version: 4, warnedAt: instants });
    });

    it('L34 come each at its own instant, also a millisecond apart', async () => {
      const { engine, clock, store } = warning({}, { warnBefore: [WARN + 1, WARN] });
      await aGranted(engine);
      for (const instant of [END - WARN - 1, END - WARN]) {
        await clock.set(instant);
        await engine.sweep();
      }
      expect(await given(store)).toEqual([
        [END - WARN - 1, WARN + 1],
        [END - WARN, WARN],
      ]);
    });

    it('L34 that would come at the start or before it become one, so that no two come at one instant', async () => {
      const { engine, clock, store } = warning({}, { warnBefore: ['15m', '10m', '5m'] });
      const grant = await aGranted(engine, { ttl: 12 * MINUTE });
      const before = [12 * MINUTE, 10 * MINUTE, 5 * MINUTE];
      expect(grant.warnAt).toEqual(before.map((ms) => grant.expiresAt - ms));
      for (const instant of grant.warnAt) {
        await clock.set(instant);
        expect(await engine.sweep()).toMatchObject({ warned: 1 });
        expect(await engine.sweep()).toMatchObject({ warned: 0 });
      }
      expect(await given(store)).toEqual(before.map((ms) => [grant.expiresAt - ms, ms]));
    });

    it('are one entry if a late sweep finds several overdue: the last of them', async () => {
      const now = END - WARN + 1;
      const { engine, clock, store } = warning({}, { warnBefore: ['10m', '5m', '1m'] });
      const grant = await aGranted(engine);
      await clock.set(now);
      expect(await engine.sweep()).toMatchObject({ warned: 1 });
      expect(await engine.sweep()).toMatchObject({ warned: 0 });
      expect(await given(store)).toEqual([[now, WARN]]);
      expect((await stored(engine, grant))?.warnedAt).toEqual([now, now]);
      await clock.set(END);
      expect(await engine.sweep()).toMatchObject({ warned: 0, ended: 1 });
      expect(await warned(store)).toHaveLength(1);
    });

    it('L27 are the same in the journal and on the grant: a replay gives the same record', async () => {
      const { engine, clock, store } = warning({ warnBeforeMs: [2 * MINUTE, 10 * MINUTE, 3 * MINUTE] });
      const grant = await aGranted(engine);
      for (const now of [END - 10 * MINUTE, END - MINUTE]) {
        await clock.set(now);
        await engine.sweep();
        const { grants } = await replay(readJournal(store));
        const replayed = [...grants.values()].map((record) => ({ ...record, status: 'active' }));
        expect(replayed).toEqual([await stored(engine, grant)]);
        expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
      }
      const [last] = (await warned(store)).slice(-1);
      expect(last?.data).toMatchObject({ warnedAt: [END - 10 * MINUTE, END - MINUTE, END - MINUTE], beforeMs: 2 * MINUTE });
    });

    it('L26 are verified: verifyStore reports a warning without an entry', async () => {
      const { engine, clock, store } = warning({}, { warnBefore: ['10m', '5m'] });
      const grant = await aGranted(engine);
      await clock.set(END - WARN);
      await engine.sweep();
      const [row] = (await store.get([{ kind: 'grant', id: grant.id }])) as [Row];
      const forged = { ...row, version: row.version + 1, body: { ...(row.body as object), warned: [END - WARN, END - 1] } } as Row;
      await store.commit({ id: 'forged', expect: [row], put: [forged], append: [], remove: [] });
      expect(await verifyStore(store)).toMatchObject({ ok: false, differences: [{ kind: 'grant', id: grant.id }] });
    });

    it('keep the row of a grant with one warning as small as a single number would', async () => {
      const { engine, clock, store } = warning({}, { warnBefore: '5m' });
      const grant = await aGranted(engine);
      const lengthOf = async () => JSON.stringify((await store.get([{ kind: 'grant', id: grant.id }]))[0]?.body).length;
      const { requestId, expiresAt } = grant;
      expect(await lengthOf()).toBe(JSON.stringify({ requestId, expiresAt, warnAt: END - WARN }).length);
      await clock.set(END - WARN);
      await engine.sweep();
      expect(await lengthOf()).toBe(JSON.stringify({ requestId, expiresAt, warnAt: END - WARN, warnedAt: END - WARN }).length);
    });

    it('L3 are 1 to 10 different durations', () => {
      const ten = Array.from({ length: 10 }, (_, i) => i + 1);
      expect(() => warning({}, { warnBefore: [...ten, 11] })).toThrow(/^warnBefore /);
      expect(() => warning({}, { warnBefore: ten })).not.toThrow();
    });
  });
});
