import { withAccess } from 'jit-access/work';
import { describe, expect, it } from 'vitest';
import type { AccessWatch } from '../../../src/features/work/options.js';
import { aGranted, anEngine, at, MAYA, MINUTE, refusal, SAM, SCOPE } from '../../engine/an-engine.js';
import { settle } from './at-work.js';

const TTL = MINUTE;

async function granted() {
  const made = anEngine();
  return { ...made, grant: await aGranted(made.engine, { ttl: TTL }) };
}

/** Resolves with the result of `after` when the signal aborts. */
const until = <T>(signal: AbortSignal, after: () => T) =>
  new Promise<T>((resolve, reject) => {
    signal.addEventListener('abort', () => {
      try {
        resolve(after());
      } catch (error) {
        reject(error);
      }
    });
  });

describe('withAccess()', () => {
  it('returns the result of the work, and leaves no timer', async () => {
    const { engine, clock } = await granted();
    let given: AccessWatch | undefined;
    const result = await withAccess(engine, MAYA, SCOPE, async (signal, watch) => {
      given = watch;
      expect(watch).toMatchObject({ subject: MAYA, scope: SCOPE, until: at(TTL) });
      expect(watch.signal).toBe(signal);
      expect(clock.sleepers).toBe(2);
      await clock.advance(10_000);
      expect(signal.aborted).toBe(false);
      return 'done';
    });
    expect(result).toBe('done');
    expect(given?.signal.reason).toMatchObject({ name: 'AbortError' });
    expect(clock.sleepers).toBe(0);
  });

  it('accepts synchronous work, and an action with a scope', async () => {
    const { engine } = await granted();
    expect(await withAccess(engine, MAYA, { scope: SCOPE }, () => 7)).toBe(7);
  });

  it('L20 does not start the work where nothing allows it', async () => {
    const { engine } = anEngine();
    let begun = 0;
    const error = await refusal(
      withAccess(engine, MAYA, SCOPE, () => (begun += 1)),
      'ERR_JIT_DENIED',
    );
    expect(error.decision).toMatchObject({ reason: 'no_grant' });
    expect(begun).toBe(0);
  });

  it('refuses work that is not a function', async () => {
    const { engine } = await granted();
    for (const work of [undefined, 'work', {}]) {
      const error = await refusal(withAccess(engine, MAYA, SCOPE, work as never), 'ERR_JIT_INVALID_ARGUMENT');
      expect(error.argument).toBe('work');
    }
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('boom');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('boom');
      },
    ],
  ] as const)('rejects when the work %s, and leaves no timer', async (_, work) => {
    const { engine, clock } = await granted();
    await expect(withAccess(engine, MAYA, SCOPE, work)).rejects.toThrow('boom');
    expect(clock.sleepers).toBe(0);
  });

  it("L1 aborts the work's signal at the end of the window, and rejects with what the work throws then", async () => {
    const { engine, clock } = await granted();
    const working = refusal(
      withAccess(engine, MAYA, SCOPE, (signal) => until(signal, () => signal.throwIfAborted())),
      'ERR_JIT_DENIED',
    );
    await settle();
    await clock.set(at(TTL));
    expect((await working).decision).toMatchObject({ allowed: false, at: at(TTL) });
  });

  it("L12 aborts the work's signal on a revoke", async () => {
    const { engine, grant } = await granted();
    const working = withAccess(engine, MAYA, SCOPE, (signal) => until(signal, () => 'stopped half-way'));
    await settle();
    await engine.revoke(grant.id, { by: SAM });
    expect(await working).toBe('stopped half-way');
  });

  it('waits for work that cleans up or ignores its signal, for any time', async () => {
    const { engine, clock } = await granted();
    let finish: (value: string) => void = () => undefined;
    let isOver = false;
    const working = withAccess(engine, MAYA, SCOPE, () => new Promise<string>((resolve) => (finish = resolve)));
    void working.then(() => (isOver = true));
    await settle();
    await clock.set(at(2 * TTL));
    expect(isOver).toBe(false);
    finish('late');
    expect(await working).toBe('late');
  });

  it("aborts the work's signal when the engine closes", async () => {
    const { engine } = await granted();
    const working = refusal(
      withAccess(engine, MAYA, SCOPE, (signal) => until(signal, () => signal.throwIfAborted())),
      'ERR_JIT_CLOSED',
    );
    await settle();
    await engine.close();
    await working;
  });
});
