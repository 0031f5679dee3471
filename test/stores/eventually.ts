import { isJitError, type GrantStore } from 'jit-access';
import type { Change } from 'jit-access/store';

/** Repeats a call to a store with a short limit until the machine was fast enough; any other failure is thrown. */
export async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isJitError(error) || (error.code !== 'ERR_JIT_STORE' && error.code !== 'ERR_JIT_OUTCOME_UNKNOWN')) throw error;
    }
  }
}

/** Commits a change again until a store answers, as the engine does. @returns the outcome of each attempt, the answer last */
export async function attempts(store: GrantStore, change: Change): Promise<readonly string[]> {
  const failed: string[] = [];
  for (;;) {
    try {
      return [...failed, (await store.commit(change)).outcome];
    } catch (error) {
      if (!isJitError(error) || (error.code !== 'ERR_JIT_STORE' && error.code !== 'ERR_JIT_OUTCOME_UNKNOWN')) throw error;
      failed.push(error.code);
    }
  }
}
