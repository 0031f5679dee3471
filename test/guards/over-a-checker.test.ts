import { autoApprove, JitEngine, MemoryGrantStore, patternScopes } from 'jit-access';
import { createChecker } from 'jit-access/check';
import { createGuard, type GuardOptions } from 'jit-access/guard';
import { FaultyStore, ManualClock } from 'jit-access/testing';
import { watchAccess } from 'jit-access/work';
import { describe, expect, it } from 'vitest';

const SCOPE = 'db-prod:write';

function aWorld() {
  const clock = new ManualClock();
  const store = new FaultyStore(new MemoryGrantStore({ namespace: 'shop' }));
  Object.defineProperty(store, 'durability', { value: 'process' });
  const engine = new JitEngine({ approver: autoApprove(() => true), clock, store });
  return { clock, store, engine, checker: createChecker({ store, clock }) };
}

const options = (over: Partial<GuardOptions<[]>> = {}): GuardOptions<[]> => ({ subject: () => 'user:maya', scope: SCOPE, ...over });
const statusOf = (outcome: Awaited<ReturnType<ReturnType<typeof createGuard<[]>>>>) => (outcome.allowed ? 200 : outcome.refusal.status);

describe('a guard over a checker', () => {
  it('allows what an engine has granted, until the end of the window (L1)', async () => {
    const { engine, checker, clock } = aWorld();
    const guard = createGuard(checker, options());
    expect(statusOf(await guard())).toBe(403);
    await engine.requestAccess({ subject: 'user:maya', scope: SCOPE, ttl: '15m' });
    const outcome = await guard();
    expect(outcome).toMatchObject({ allowed: true, access: { decision: { reason: 'granted' } }, stop: undefined });
    await clock.advance('15m');
    expect(statusOf(await guard())).toBe(403);
  });

  it('counts no use, and so refuses touch: true at its construction', async () => {
    const { checker, engine, store } = aWorld();
    await engine.requestAccess({ subject: 'user:maya', scope: SCOPE, ttl: '15m' });
    const commits = store.called('commit');
    expect(statusOf(await createGuard(checker, options({ touch: false }))())).toBe(200);
    expect(() => createGuard(checker, options({ touch: true }))).toThrow(/touch must be false or omitted over a checker/);
    expect(store.called('commit')).toBe(commits);
  });

  it('cannot watch access, and so refuses abortOnEnd at its construction', () => {
    expect(() => createGuard(aWorld().checker, options({ abortOnEnd: watchAccess }))).toThrow(/abortOnEnd must be omitted over a checker/);
  });

  it('answers 503 for a failure of the service, and 401 only for an invalid caller id (L30)', async () => {
    const { engine, store, clock } = aWorld();
    await engine.requestAccess({ subject: 'user:maya', scope: SCOPE, ttl: '15m' });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    const other = createChecker({ store, clock, scopes: patternScopes });
    expect(statusOf(await createGuard(other, options())())).toBe(503);
    const own = createChecker({ store, clock });
    expect(statusOf(await createGuard(own, options({ subject: () => 'system:sweeper' }))())).toBe(401);
    store.inject('live', { fault: 'reject' });
    expect(statusOf(await createGuard(own, options())())).toBe(503);
  });
});
