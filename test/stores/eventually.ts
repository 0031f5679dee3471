import { isJitError } from 'jit-access';

/** Asks a store whose limit is short until the machine was quick enough; any other failure is thrown. */
export async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isJitError(error) || (error.code !== 'ERR_JIT_STORE' && error.code !== 'ERR_JIT_OUTCOME_UNKNOWN')) throw error;
    }
  }
}
