import { autoApprove, JitEngine, MemoryGrantStore } from 'jit-access';
import { createGuard, type Observation } from 'jit-access/guard';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

describe('a guard that observes', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const never = (): Promise<never> => new Promise<never>(() => undefined);
  const hung = Object.assign(new MemoryGrantStore(), { live: never });
  const maya = (): string => 'user:maya';

  it.each([
    ['subject', { subject: never, scope: 'db-prod:write' }, new MemoryGrantStore()],
    ['scope', { subject: maya, scope: never }, new MemoryGrantStore()],
    ['the store', { subject: maya, scope: 'db-prod:write' }, hung],
  ] as const)('continues after a second when %s hangs', async (_, options, hanging) => {
    const engine = new JitEngine({ store: hanging, approver: autoApprove(() => true) });
    const observed: Observation[] = [];
    const guard = createGuard(engine, { ...options, observe: true, observed: (observation) => void observed.push(observation) });
    let isDone = false;
    const outcome = guard().finally(() => (isDone = true));
    await vi.advanceTimersByTimeAsync(999);
    expect(isDone).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await outcome).toMatchObject({ allowed: true, access: { observed: true, decision: undefined } });
    expect(observed).toMatchObject([{ answer: 'failed', error: { message: 'no answer within 1000 ms: the request has continued' } }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('asks no more while 100 answers are late, and asks again after one of them', async () => {
    const pending: ((id: string) => void)[] = [];
    const subject = () => new Promise<string>((resolve) => void pending.push(resolve));
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: autoApprove(() => true) });
    const observed: Observation[] = [];
    const options = { subject, scope: 'db-prod:write', observe: true, observed: (seen: Observation) => void observed.push(seen) } as const;
    const guard = createGuard(engine, options);
    const late = Promise.all(Array.from({ length: 100 }, () => guard()));
    await vi.advanceTimersByTimeAsync(1_000);
    await late;
    expect(await guard()).toMatchObject({ allowed: true, access: { observed: true } });
    await vi.advanceTimersByTimeAsync(0);
    expect(observed[100]).toMatchObject({ answer: 'failed', error: { message: '100 answers are late: the request has not waited' } });
    expect(pending).toHaveLength(100);
    pending[0]?.('user:maya');
    await vi.advanceTimersByTimeAsync(0);
    const asked = guard();
    pending[100]?.('user:maya');
    expect(await asked).toMatchObject({ allowed: true, access: { decision: { reason: 'no_grant' } } });
  });

  it('leaves no timer after an answer', async () => {
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: autoApprove(() => true) });
    await createGuard(engine, { subject: () => 'user:maya', scope: 'db-prod:write', observe: true })();
    expect(vi.getTimerCount()).toBe(0);
  });
});
