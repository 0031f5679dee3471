import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { aChange, anEntry, aRow } from '../../../src/testing.js';
import { MemoryBackend, type Method } from './memory-backend.js';

/* The time limit of `serialCommits`. This file replaces the timers. */

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const LIMIT_MS = 1_000;
const changeOf = (id: string) => aChange({ id, put: [aRow({ id })], append: [anEntry({ id: `${id}.1` })] });
const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** A backend in which the first call of a method hangs until it is released. */
function hanging(method: Method) {
  const backend = new MemoryBackend();
  let release = (): void => undefined;
  const hung = new Promise<void>((resolve) => (release = resolve));
  backend.before = async (called) => {
    if (called !== method) return;
    backend.before = () => undefined;
    await hung;
  };
  return { backend, release, store: backend.store('a', { timeoutMs: LIMIT_MS }) };
}

it.each(['head', 'rows'] as const)(
  'rejects with ERR_JIT_STORE if %s does not answer in time, and never writes the change',
  async (method) => {
    const { backend, release, store } = hanging(method);
    const calls = Promise.allSettled([store.commit(changeOf('c1')), store.commit(changeOf('c2'))]);
    await settle();
    await vi.advanceTimersByTimeAsync(1.25 * LIMIT_MS);
    for (const outcome of await calls) expect(outcome).toMatchObject({ reason: { code: 'ERR_JIT_STORE' } });
    release();
    await settle();
    expect(backend.writes).toEqual([]);
    expect(await store.commit(changeOf('c3'))).toMatchObject({ outcome: 'committed' });
  },
);

it('leaves the outcome open if a write does not answer in time, and applies it once if it comes late (L31)', async () => {
  const { backend, release, store } = hanging('write');
  const change = changeOf('c1');
  const first = Promise.allSettled([store.commit(change)]);
  await settle();
  const second = Promise.allSettled([store.commit(changeOf('c2'))]);
  await vi.advanceTimersByTimeAsync(1.25 * LIMIT_MS);
  expect(await first).toMatchObject([{ reason: { code: 'ERR_JIT_OUTCOME_UNKNOWN', changeId: 'c1' } }]);
  // It has waited for the write before it, and was not written.
  expect(await second).toMatchObject([{ reason: { code: 'ERR_JIT_STORE' } }]);
  const again = store.commit(change);
  release();
  // The late write and the repetition have met: a pause may come before the last attempt.
  await settle();
  await vi.advanceTimersByTimeAsync(LIMIT_MS / 2);
  await settle();
  expect(await again).toMatchObject({ outcome: 'committed' });
  expect(backend.writes).toHaveLength(1);
});

it('ends a call in time although each of its writes is lost, with ERR_JIT_STORE: nothing was written', async () => {
  const backend = new MemoryBackend();
  let writes = 0;
  backend.write = async () => {
    writes += 1;
    return false;
  };
  const call = Promise.allSettled([backend.store('a', { timeoutMs: LIMIT_MS }).commit(changeOf('c1'))]);
  for (let step = 0; step < 130; step++) {
    await settle();
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(await call).toMatchObject([{ reason: { code: 'ERR_JIT_STORE' } }]);
  // The pauses grow.
  expect(writes).toBeGreaterThan(5);
  expect(writes).toBeLessThan(130);
});
