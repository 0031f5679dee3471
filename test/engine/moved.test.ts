import { describe, expect, it } from 'vitest';
import { createChecker } from '../../src/check.js';
import { MemoryGrantStore, type Approver, type GrantStore } from '../../src/index.js';
import { journalHead } from '../../src/journal.js';
import { purge } from '../../src/retention.js';
import { encode, LOCK_ROW, makeLocks } from '../../src/records/index.js';
import { aChange, aRow } from '../../src/testing.js';
import { viewOf } from '../../src/view.js';
import { answer, aView } from '../features/view/a-view.js';
import { aGranted, anEngine, aPending, ask, MAYA, refusal, SAM, SCOPE } from './an-engine.js';

const TO = 'postgres://new/team';

/** Writes both marks, as the move of a later version does: the lock on every scope, and the place in the head. */
async function fence(store: GrantStore): Promise<void> {
  const [row] = await store.get([LOCK_ROW]);
  const version = (row?.version ?? 0) + 1;
  const mark = { id: 'moved', subject: undefined, scope: '**', by: 'system:move', at: 1, until: undefined, completedAt: 1 };
  const head = aRow({
    kind: 'head',
    id: 'moved',
    subject: undefined,
    scope: undefined,
    dueAt: undefined,
    sortAt: undefined,
    body: { to: TO },
  });
  expect(await store.commit(aChange({ put: [encode(makeLocks({ version, locks: [mark], ended: [] })), head] }))).toMatchObject({
    outcome: 'committed',
  });
}

/** A store whose first commit from `arm` on loses its reply, and whose namespace moves before the next one. */
class MovesAfterCommit extends MemoryGrantStore {
  #isArmed = false;
  isApplied = true;
  commits = 0;

  arm(): void {
    this.#isArmed = true;
  }

  override async commit(change: Parameters<GrantStore['commit']>[0]): ReturnType<GrantStore['commit']> {
    this.commits += 1;
    if (!this.#isArmed || change.append.length === 0) return super.commit(change);
    this.#isArmed = false;
    if (this.isApplied) await super.commit(change);
    await fence(this.in(this.namespace));
    throw new Error('the reply was lost');
  }
}

describe('a namespace that has moved to another store', () => {
  it('L30 L41 denies every check, of engines, checkers and views that were there before, and of new ones', async () => {
    const memory = new MemoryGrantStore({ namespace: 'team' });
    const { engine, clock } = anEngine({ store: memory });
    await aGranted(engine);
    const before = { checker: createChecker({ store: memory, clock }), view: viewOf(engine) };
    expect([await engine.isAllowed(MAYA, SCOPE), await before.checker.isAllowed(MAYA, SCOPE), before.view.isAllowed(MAYA, SCOPE)]).toEqual([
      true,
      true,
      true,
    ]);
    await fence(memory);
    const late = anEngine({ store: memory, clock }).engine;
    for (const one of [engine, late, before.checker, createChecker({ store: memory, clock })]) {
      expect(await one.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(await one.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'locked', validUntil: undefined });
    }
    expect(await createChecker({ store: memory, clock }).filterAllowed(MAYA, [SCOPE])).toEqual([]);
    expect(memory.windowOf(MAYA, SCOPE)).toBeUndefined();
    for (const view of [before.view, viewOf(late)]) expect(answer(view, MAYA, SCOPE)).toBe('locked');
  });

  it('L41 L45 makes a view over a copy deny at its next question, with the error that names the place', async () => {
    const { engine, memory, view } = aView();
    await aGranted(engine);
    await view.refresh();
    expect(answer(view, MAYA, SCOPE)).toBe('granted');
    await fence(memory);
    expect(await refusal(view.refresh(), 'ERR_JIT_MOVED')).toMatchObject({ to: TO, namespace: 'team' });
    expect(answer(view, MAYA, SCOPE)).toBe('stale_view');
    view.close();
  });

  it('L41 refuses every verb that writes, and writes nothing', async () => {
    const store = new MemoryGrantStore({ namespace: 'team' });
    const { engine } = anEngine({ store });
    const grant = await aGranted(engine);
    const pending = await aPending(engine, { scopes: ['db-prod:read'] });
    const { head } = await store.journal({ after: 0, limit: 1 });
    await fence(store);
    const rows = await store.find({ kind: 'grant', limit: 10 });
    const moved = [
      () => engine.cancel(pending.id, { by: MAYA }),
      () => engine.deny(pending.id, { by: SAM }),
      () => engine.revoke(grant.id, { by: SAM }),
      () => engine.release(grant.id, { by: MAYA }),
      () => engine.lock({ subject: MAYA }, { by: SAM }),
      () => engine.unlock('moved', { by: SAM }),
      () => purge(engine, { before: 1, by: SAM, force: true }),
      () => journalHead(engine),
    ];
    for (const call of moved) expect(await refusal(call, 'ERR_JIT_MOVED')).toMatchObject({ to: TO, namespace: 'team' });
    // What would create access meets the lock first.
    for (const call of [() => ask(engine, { scopes: ['db-prod:admin'] }), () => engine.approve(pending.id, { by: SAM })])
      await refusal(call, 'ERR_JIT_LOCKED');
    await refusal(() => engine.consume(MAYA, SCOPE), 'ERR_JIT_DENIED');
    expect(await store.heads(['team', 'other'])).toEqual([undefined, { seq: 0, hash: '0'.repeat(64) }]);
    expect(await store.find({ kind: 'grant', limit: 10 })).toEqual(rows);
    expect(head.seq).toBeGreaterThan(0);
    await aGranted(anEngine({ store: store.in('other') }).engine);
  });

  it.each([true, false])('L31 L41 leaves a change unknown whose reply was lost before the move, applied: %s', async (isApplied) => {
    const store = new MovesAfterCommit({ namespace: 'team' });
    const { engine, clock } = anEngine({ store, limits: { resendMs: 15_000 } });
    const grant = await aGranted(engine);
    store.isApplied = isApplied;
    store.arm();
    const [commits, now] = [store.commits, clock.now()];
    const error = await refusal(engine.revoke(grant.id, { by: SAM }), 'ERR_JIT_OUTCOME_UNKNOWN');
    expect(error.cause).toMatchObject({ code: 'ERR_JIT_MOVED', to: TO });
    // No answer can settle it, so it is sent twice, without a pause.
    expect([store.commits - commits, clock.now()]).toEqual([2, now]);
    // A person reads the record, which the move has taken along.
    expect((await store.get([{ kind: 'grant', id: grant.id }]))[0]?.open).toBe(!isApplied);
  });

  it('names the request that was recorded before the move', async () => {
    const store = new MemoryGrantStore({ namespace: 'team' });
    const approver: Approver = {
      name: 'slow',
      async decide() {
        await store.commit(aChange({ put: [aRow({ kind: 'head', id: 'moved', body: { to: TO } })] }));
        return { outcome: 'approve' };
      },
    };
    const { engine } = anEngine({ store, approver });
    const error = await refusal(ask(engine), 'ERR_JIT_MOVED');
    const [request] = (await store.find({ kind: 'request', limit: 10 })).items;
    expect(error).toMatchObject({ requestId: request?.id, to: TO, cause: { code: 'ERR_JIT_MOVED' } });
    expect(request).toBeDefined();
  });
});
