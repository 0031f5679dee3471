import { autoApprove, JitEngine, MemoryGrantStore, reviewers } from 'jit-access';
import { createChecker } from 'jit-access/check';
import { createGuard, type GuardOptions } from 'jit-access/guard';
import { FaultyStore, ManualClock } from 'jit-access/testing';
import { createView, viewOf, type ViewOptions } from 'jit-access/view';
import { watchAccess } from 'jit-access/work';
import { describe, expect, it } from 'vitest';

const MAYA = 'user:maya';
const SCOPE = 'db-prod:write';

/** An engine, and a view over the same store that learns of a change only with `refresh`, as no time passes. */
async function aWorld(viewOptions: ViewOptions = {}) {
  const clock = new ManualClock();
  const memory = new MemoryGrantStore({ namespace: 'shop' });
  const store = new FaultyStore(memory);
  const engine = new JitEngine({ approver: autoApprove(() => true), clock, store });
  const viewStore = new FaultyStore(memory);
  const reads = {
    namespace: memory.namespace,
    durability: 'memory' as const,
    get: viewStore.get.bind(viewStore),
    live: viewStore.live.bind(viewStore),
    find: viewStore.find.bind(viewStore),
    journal: viewStore.journal.bind(viewStore),
  };
  const view = createView({ store: reads, clock, ...viewOptions });
  await view.refresh();
  return { clock, store, engine, view };
}

const options = (over: Partial<GuardOptions<[]>> = {}): GuardOptions<[]> => ({ subject: () => MAYA, scope: SCOPE, ...over });
const statusOf = (outcome: Awaited<ReturnType<ReturnType<typeof createGuard<[]>>>>) => (outcome.allowed ? 200 : outcome.refusal.status);

describe('a guard with a view', () => {
  it('allows and refuses without asking the store', async () => {
    const { engine, view, store } = await aWorld();
    const guard = createGuard(engine, options({ view }));
    const { request } = await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '15m' });
    await view.refresh();
    const lives = store.called('live');
    store.inject('all', { fault: 'reject' });
    expect(await guard()).toMatchObject({
      allowed: true,
      access: { grantId: `${request.id}.1`, decision: { reason: 'granted', grant: undefined } },
    });
    expect(statusOf(await createGuard(engine, options({ view, scope: 'db-prod:read' }))())).toBe(403);
    expect(store.called('live')).toBe(lives);
    view.close();
  });

  it('asks the engine where the view is stale, has not loaded the subject, or may not allow by itself', async () => {
    const { engine, view, store, clock } = await aWorld({ load: 'asked' });
    const guard = createGuard(engine, options({ view }));
    await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '15m' });
    expect(view.check(MAYA, SCOPE).reason).toBe('not_loaded');
    expect(statusOf(await guard())).toBe(200);
    await view.refresh();
    view.close();
    expect(view.check(MAYA, SCOPE).reason).toBe('stale_view');
    expect(statusOf(await guard())).toBe(200);
    store.inject('live', { fault: 'reject' });
    expect(statusOf(await guard())).toBe(503);
    store.clear();
    await clock.advance('15m');
    expect(statusOf(await guard())).toBe(403);
  });

  it('asks the engine about a start that must be confirmed', async () => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore({ namespace: 'shop' });
    const approver = { ...reviewers({ members: ['user:sam'] }), isEligible: () => true };
    const engine = new JitEngine({ approver, clock, store });
    const view = viewOf(engine);
    const { request } = await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '1h', startsAt: clock.now() + 60_000 });
    await engine.approve(request.id, { by: 'user:sam' });
    const guard = createGuard(engine, options({ view }));
    expect(statusOf(await guard())).toBe(403);
    await clock.advance('1m');
    expect(view.check(MAYA, SCOPE).reason).toBe('not_activated');
    expect(statusOf(await guard())).toBe(200);
    await engine.close();
  });

  it('records no use, and refuses the options that would', async () => {
    const { engine, view } = await aWorld();
    expect(() => createGuard(engine, options({ view, touch: true }))).toThrow(/touch must be false or omitted over a checker or a view/);
    expect(() => createGuard(engine, options({ view, recordUse: true }))).toThrow(/recordUse must be false or omitted/);
    view.close();
  });

  it('watches access with abortOnEnd, as without a view', async () => {
    const { engine, view } = await aWorld();
    await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '15m' });
    await view.refresh();
    const outcome = await createGuard(engine, options({ view, abortOnEnd: watchAccess }))();
    if (!outcome.allowed) throw new Error('expected access');
    await engine.revokeAll({ subject: MAYA }, { by: 'user:sam' });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(outcome.access.signal.aborted).toBe(true);
    outcome.stop?.();
    view.close();
    await engine.close();
  });

  it.each([
    ['an engine', () => new JitEngine({ store: new MemoryGrantStore(), approver: autoApprove(() => true) })],
    ['a checker', () => createChecker({ store: new MemoryGrantStore() })],
  ])('refuses %s as a view: it answers later', async (_, make) => {
    const { engine, view } = await aWorld();
    expect(() => createGuard(engine, options({ view: make() as never }))).toThrow(/view/);
    view.close();
  });

  it('allows nothing by a view that contradicts itself', async () => {
    const { engine, view } = await aWorld();
    const lying = { check: () => ({ ...view.check(MAYA, SCOPE), allowed: true }), refresh: async () => undefined };
    expect(statusOf(await createGuard(engine, options({ view: lying }))())).toBe(403);
    view.close();
  });
});
