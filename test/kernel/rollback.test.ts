import { acceptRollback, purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import { autoApprove, type JitEngineOptions } from '../../src/index.js';
import { journalHead, readJournal, replay, verifyJournal, verifyStore } from '../../src/journal.js';
import { ManualClock, ScriptedApprover } from '../../src/testing.js';
import { aGranted, anEngine, aPending, ask, entriesOf, HOUR, MAYA, refusal, SAM } from '../engine/an-engine.js';
import { RewindableStore } from './rewindable-store.js';

const OPS = 'user:ops';

/** An engine over a store that can go back, on a clock that all engines of a test share. */
function over(store: RewindableStore, clock: ManualClock, options: Partial<JitEngineOptions> = {}) {
  const made = anEngine({ store: store, clock, ...options });
  const reports = () => made.told.filter(({ during }) => during === 'rollback').map(({ error }) => error);
  return { engine: made.engine, reports };
}

/** An engine that has seen entry 10 or later of a journal of which only the first entries are kept. */
async function rolledBack(options: Partial<JitEngineOptions> = {}) {
  const store = new RewindableStore();
  const clock = new ManualClock();
  const made = over(store, clock, options);
  const grant = await aGranted(made.engine, { scope: 'kept', ttl: '8h' });
  const pending = await aPending(made.engine, { scope: 'asked', subject: 'user:noor' });
  await made.engine.idle();
  const kept = await store.headSeq();
  for (let i = 0; i < 4; i++) await aGranted(made.engine, { scope: `lost:${i}` });
  await made.engine.idle();
  const seen = await store.headSeq();
  await clock.advance('1m');
  await store.goBackTo(kept);
  return { ...made, store, clock, grant, pending, kept, seen };
}

const acceptances = async (store: RewindableStore) => (await entriesOf(store)).filter(({ type }) => type === 'journal.accepted');

describe('a store that went back to before the last entry that an engine has seen', () => {
  it('L40 gives no access, and the error names the lost entry and the present head [M8]', async () => {
    const { engine, kept, seen, store } = await rolledBack();
    const error = await refusal(ask(engine, { scope: 'new' }), 'ERR_JIT_ROLLBACK');
    expect(error).toMatchObject({ lost: { seq: seen }, head: { seq: kept } });
    expect(error.message).toBe(
      `the store went back: this engine has seen entry ${seen} of the journal, which ends at entry ${kept}; ` +
        'nothing may create access until a person calls acceptRollback(engine, { by, reason })',
    );
    expect((await store.find({ kind: 'request', limit: 9 })).items).toHaveLength(2);
  });

  it('L40 gives no access either when the journal has grown past the entry that the engine has seen [M8]', async () => {
    const { engine, seen, store, grant, reports } = await rolledBack();
    await store.growTo(seen + 10);
    const error = await refusal(ask(engine, { scope: 'new' }), 'ERR_JIT_ROLLBACK');
    expect(error).toMatchObject({ lost: { seq: seen }, head: { seq: seen + 10 } });
    expect(error.message).toContain('holds another entry there');
    // Commits of the engine do not change that: otherwise it would trust the new history.
    await engine.revoke(grant.id, { by: SAM });
    await refusal(ask(engine, { scope: 'new' }), 'ERR_JIT_ROLLBACK');
    expect(reports()).toHaveLength(1);
  });

  it.each(['kept', 'grown'] as const)('L40 still allows checking, revoking, cancelling and denying while it is %s [M8]', async (state) => {
    const { engine, grant, pending, store, seen } = await rolledBack();
    const other = await aPending(over(store, new ManualClock()).engine, { scope: 'second' });
    if (state === 'grown') await store.growTo(seen + 3);
    await refusal(ask(engine, { scope: 'new' }), 'ERR_JIT_ROLLBACK');
    expect(await engine.isAllowed(MAYA, 'kept')).toBe(true);
    expect((await engine.revoke(grant.id, { by: SAM })).end).toMatchObject({ status: 'revoked' });
    expect(await engine.isAllowed(MAYA, 'kept')).toBe(false);
    expect((await engine.cancel(pending.id, { by: 'user:noor' })).end).toMatchObject({ status: 'cancelled' });
    expect(await engine.deny(other.id, { by: SAM })).toMatchObject({ outcome: 'denied' });
    await engine.sweep();
  });

  it('L40 refuses everything that creates access: approve, extend, break-glass and consume [M8]', async () => {
    const approver = new ScriptedApprover({
      decide: ({ scopes: [scope] }) =>
        scope === 'asked'
          ? { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } }
          : { outcome: 'approve', terms: { maxUses: 5 } },
      groupsOf: ['ops'],
      breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
    });
    const { engine, grant, pending } = await rolledBack({ approver });
    await refusal(engine.approve(pending.id, { by: SAM }), 'ERR_JIT_ROLLBACK');
    await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: '5m' }), 'ERR_JIT_ROLLBACK');
    await refusal(engine.breakGlass({ subject: MAYA, scope: 'fire', ttl: '5m', justification: 'it burns' }), 'ERR_JIT_ROLLBACK');
    await refusal(engine.consume(MAYA, 'kept'), 'ERR_JIT_ROLLBACK');
    expect(await engine.isAllowed(MAYA, 'kept')).toBe(true);
  });

  it('L40 is reported to onError once', async () => {
    const { engine, reports, pending } = await rolledBack();
    await engine.cancel(pending.id, { by: 'user:noor' });
    expect(reports()).toHaveLength(1);
    expect(reports()[0]).toMatchObject({ code: 'ERR_JIT_ROLLBACK' });
    await refusal(ask(engine, { scope: 'new' }), 'ERR_JIT_ROLLBACK');
    await engine.sweep();
    expect(reports()).toHaveLength(1);
  });

  it('L40 is detected again at each rollback', async () => {
    const { engine, reports, store, kept, clock } = await rolledBack();
    await refusal(ask(engine, { scope: 'new' }), 'ERR_JIT_ROLLBACK');
    await acceptRollback(engine, { by: OPS });
    await aGranted(engine, { scope: 'after' });
    await clock.advance('1m');
    await store.goBackTo(kept);
    await refusal(ask(engine, { scope: 'new' }), 'ERR_JIT_ROLLBACK');
    expect(reports()).toHaveLength(2);
  });

  it('L40 is not reported when a purge has trimmed the entries that an idle engine remembers', async () => {
    const store = new RewindableStore();
    const clock = new ManualClock();
    const [idle, busy] = [over(store, clock), over(store, clock)];
    await aGranted(idle.engine, { scope: 'early' });
    await idle.engine.idle();
    await clock.advance('2d');
    for (let i = 0; i < 5; i++) await aGranted(busy.engine, { scope: `busy:${i}` });
    await clock.advance('2d');
    await busy.engine.sweep();
    await purge(busy.engine, { before: clock.now() - HOUR, by: OPS, force: true });
    const { start } = await store.journal({ after: 0, limit: 1 });
    expect(start.seq).toBeGreaterThan(10);
    await aGranted(idle.engine, { scope: 'late' });
    expect(idle.reports()).toEqual([]);
  });

  it('L40 is detected by the entries of overlapping commits, too', async () => {
    const store = new RewindableStore();
    const clock = new ManualClock();
    const approver = autoApprove(() => true);
    const { engine } = over(store, clock, { approver });
    await aGranted(engine, { scope: 'first' });
    await engine.idle();
    const kept = await store.headSeq();
    // This commit is held with the old anchor. The journal grows, another commit sees it, it goes back and grows again.
    let isHeld = false;
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    store.beforeCommit = async (change) => {
      if (!isHeld && change.append.some(({ type }) => type === 'request.cancelled')) {
        isHeld = true;
        await held;
      }
    };
    const pendingEngine = over(store, clock);
    const pending = await aPending(pendingEngine.engine, { scope: 'asked' });
    const cancelled = engine.cancel(pending.id, { by: MAYA }).catch((error: unknown) => error);
    while (!isHeld) await Promise.resolve();
    await aGranted(engine, { scope: 'second' });
    await engine.idle();
    const seen = await store.headSeq();
    await store.goBackTo(kept + 2);
    await store.growTo(seen + 5);
    release();
    await cancelled;
    expect(await refusal(ask(engine, { scope: 'new' }), 'ERR_JIT_ROLLBACK')).toMatchObject({ lost: { seq: seen } });
  });

  it('L40 costs no extra commit and no extra read in a journal that only grows', async () => {
    const store = new RewindableStore();
    const { engine } = over(store, new ManualClock(), { approver: autoApprove(() => true) });
    await aGranted(engine, { scope: 'first' });
    await engine.idle();
    let reads = 0;
    const [get, journal] = [store.get.bind(store), store.journal.bind(store)];
    store.get = (keys) => ((reads += keys.some(({ kind }) => kind === 'accepted') ? 1 : 0), get(keys));
    store.journal = (query) => ((reads += 1), journal(query));
    const before = store.sent.length;
    await Promise.all(['a', 'b', 'c', 'd'].map((scope) => ask(engine, { scope })));
    expect(reads).toBe(0);
    expect(store.sent.slice(before).every(({ knows }) => knows !== undefined)).toBe(true);
    expect(new Set(store.sent.map(({ id }) => id)).size).toBe(store.sent.length);
  });
});

describe('acceptRollback', () => {
  it('L40 lets the engine create access again, and is recorded with the lost entry, the head and the reason', async () => {
    const { engine, kept, seen, store } = await rolledBack();
    await refusal(ask(engine, { scope: 'new' }), 'ERR_JIT_ROLLBACK');
    const answer = await acceptRollback(engine, { by: OPS, reason: 'INC-9: restored the backup of 03:00' });
    expect(answer).toMatchObject({ accepted: true, lost: { seq: seen }, head: { seq: kept } });
    const [entry, ...others] = await acceptances(store);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      actor: OPS,
      data: { lost: answer.lost, head: answer.head, reason: 'INC-9: restored the backup of 03:00' },
    });
    await aGranted(engine, { scope: 'new' });
  });

  it('L40 needs no refused call first: it finds the rollback itself', async () => {
    const { engine, seen } = await rolledBack();
    expect(await acceptRollback(engine, { by: OPS })).toMatchObject({ accepted: true, lost: { seq: seen } });
  });

  it('L40 records nothing where the engine has seen no rollback', async () => {
    const store = new RewindableStore();
    const { engine } = over(store, new ManualClock());
    expect(await acceptRollback(engine, { by: OPS })).toMatchObject({ accepted: false, lost: undefined, head: { seq: 0 } });
    await aGranted(engine);
    expect(await acceptRollback(engine, { by: OPS })).toMatchObject({
      accepted: false,
      lost: undefined,
      head: { seq: await store.headSeq() },
    });
    expect(await acceptances(store)).toEqual([]);
  });

  it('L40 serves every engine of the fleet with one call', async () => {
    const store = new RewindableStore();
    const clock = new ManualClock();
    const fleet = [over(store, clock), over(store, clock), over(store, clock)] as const;
    await aGranted(fleet[0].engine, { scope: 'kept' });
    const kept = await store.headSeq();
    for (const [i, { engine }] of fleet.entries()) await aGranted(engine, { scope: `lost:${i}`, subject: `user:${i}` });
    await fleet[0].engine.cancel((await aPending(fleet[0].engine, { scope: 'last' })).id, { by: MAYA });
    await clock.advance('1m');
    await store.goBackTo(kept);
    for (const { engine } of fleet.slice(1)) await refusal(ask(engine, { scope: 'new' }), 'ERR_JIT_ROLLBACK');
    expect(await acceptRollback(fleet[1].engine, { by: OPS })).toMatchObject({ accepted: true });
    for (const [i, { engine }] of fleet.entries()) await aGranted(engine, { scope: 'new', subject: `user:${i}` });
    expect(await acceptRollback(fleet[2].engine, { by: OPS })).toMatchObject({ accepted: false });
    expect(await acceptances(store)).toHaveLength(1);
  });

  it('L40 of an earlier rollback does not accept a later one that keeps the acceptance', async () => {
    const { engine, store, clock } = await rolledBack();
    const other = over(store, clock);
    await acceptRollback(engine, { by: OPS });
    await aGranted(engine, { scope: 'between' });
    await aGranted(other.engine, { scope: 'between:2' });
    const kept = await store.headSeq();
    await aGranted(engine, { scope: 'later' });
    await aGranted(other.engine, { scope: 'later:2' });
    await clock.advance('1m');
    await store.goBackTo(kept);
    expect(await acceptances(store)).toHaveLength(1);
    for (const made of [engine, other.engine]) await refusal(ask(made, { scope: 'new' }), 'ERR_JIT_ROLLBACK');
  });

  it('L40 of a rollback that an engine has not seen does not accept a later one for it', async () => {
    const store = new RewindableStore();
    const clock = new ManualClock();
    const [first, idle] = [over(store, clock), over(store, clock)];
    // The idle engine has seen only what the rollback keeps.
    await aGranted(idle.engine, { scope: 'kept' });
    await idle.engine.idle();
    const kept = await store.headSeq();
    await aGranted(first.engine, { scope: 'lost' });
    await clock.advance('1m');
    await store.goBackTo(kept);
    await acceptRollback(first.engine, { by: OPS });
    await clock.advance('1m');
    await aGranted(idle.engine, { scope: 'after' });
    await idle.engine.idle();
    const later = await store.headSeq();
    await aGranted(idle.engine, { scope: 'lost:2' });
    await clock.advance('1m');
    await store.goBackTo(later);
    await refusal(ask(idle.engine, { scope: 'new' }), 'ERR_JIT_ROLLBACK');
  });

  it('L40 is recorded by one of three engines that accept concurrently', async () => {
    const store = new RewindableStore();
    const clock = new ManualClock();
    const fleet = [over(store, clock), over(store, clock), over(store, clock)] as const;
    await aGranted(fleet[0].engine, { scope: 'kept' });
    const kept = await store.headSeq();
    for (const [i, { engine }] of fleet.entries()) await aGranted(engine, { scope: `lost:${i}`, subject: `user:${i}` });
    for (const { engine } of fleet) await engine.sweep();
    await clock.advance('1m');
    await store.goBackTo(kept);
    const answers = await Promise.all(fleet.map(({ engine }) => acceptRollback(engine, { by: OPS })));
    expect(answers.filter(({ accepted }) => accepted)).toHaveLength(1);
    expect(await acceptances(store)).toHaveLength(1);
    for (const [i, { engine }] of fleet.entries()) await aGranted(engine, { scope: 'new', subject: `user:${i}` });
  });

  it('L40 keeps the ids of the last 16 acceptances', async () => {
    const { engine, store, kept, clock } = await rolledBack();
    await acceptRollback(engine, { by: OPS });
    let base = await store.headSeq();
    for (let i = 0; i < 17; i++) {
      await aGranted(engine, { scope: `lost:${i}` });
      await clock.advance('1m');
      await store.goBackTo(base);
      expect(await acceptRollback(engine, { by: OPS })).toMatchObject({ accepted: true });
      base = await store.headSeq();
    }
    expect(base).toBe(kept + 18);
    const [row] = await store.get([{ kind: 'accepted', id: 'accepted' }]);
    const ids = (row?.body['accepted'] as readonly { readonly id: string }[]).map(({ id }) => id);
    const recorded = (await acceptances(store)).map(({ data }) => data['acceptance']);
    expect(ids).toEqual(recorded.slice(-16));
  });

  it('L40 is understood by verifyJournal, verifyStore and replay', async () => {
    const { engine, store } = await rolledBack();
    await acceptRollback(engine, { by: OPS });
    await aGranted(engine, { scope: 'new' });
    expect(await verifyJournal(readJournal(store))).toMatchObject({ ok: true });
    expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
    expect([...(await replay(readJournal(store))).grants.values()].map(({ scope }) => scope)).toEqual(['kept', 'new']);
  });

  it('L40 refuses only to create access while the row of acceptances cannot be read', async () => {
    const store = new RewindableStore();
    const clock = new ManualClock();
    const grant = await aGranted(over(store, clock).engine, { scope: 'kept' });
    const { engine } = over(store, clock);
    const get = store.get.bind(store);
    store.get = (keys) => (keys.some(({ kind }) => kind === 'accepted') ? Promise.reject(new Error('down')) : get(keys));
    await refusal(ask(engine, { scope: 'new' }), 'ERR_JIT_STORE');
    expect((await engine.revoke(grant.id, { by: SAM })).end).toMatchObject({ status: 'revoked' });
    store.get = get;
    await aGranted(engine, { scope: 'new' });
  });
});

describe('the option knownHead', () => {
  it('L40 lets an engine detect a rollback from before it was created', async () => {
    const { store, clock, kept, seen } = await rolledBack();
    const lost = { seq: seen, hash: 'f'.repeat(64) };
    const restarted = over(store, clock, { knownHead: lost });
    expect(await refusal(ask(restarted.engine, { scope: 'new' }), 'ERR_JIT_ROLLBACK')).toMatchObject({ lost, head: { seq: kept } });
    expect(await acceptRollback(restarted.engine, { by: OPS })).toMatchObject({ accepted: true, lost });
    await aGranted(restarted.engine, { scope: 'new' });
    // Without it, a restarted process trusts the store.
    await aGranted(over(store, clock).engine, { scope: 'trusting' });
  });

  it('L40 accepts an anchor that the journal still holds', async () => {
    const store = new RewindableStore();
    const clock = new ManualClock();
    const before = over(store, clock);
    await aGranted(before.engine);
    const knownHead = await journalHead(before.engine);
    await aGranted(over(store, clock, { knownHead }).engine, { scope: 'new' });
  });

  it.each([{}, { seq: -1, hash: '0'.repeat(64) }, { seq: 1, hash: 'F'.repeat(64) }, 7, null])('refuses %j', (knownHead) => {
    expect(() => over(new RewindableStore(), new ManualClock(), { knownHead: knownHead as never })).toThrow(/knownHead/);
  });
});
