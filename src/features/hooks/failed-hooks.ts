import type { FailedHook, StoreHooks } from '../../core/hook-port.js';
import { InvalidArgumentError } from '../../core/errors.js';
import { readId } from '../../core/parse.js';
import type { JitEngine } from '../../engine/engine.js';
import { kernelOf } from '../../kernel/kernel-of.js';

/** How many failed hooks one call lists. */
const MOST = 1_000;

/**
 * The changes that the engine's store has committed without its hook (`onCommit`), because the hook failed and the change creates no
 * access. The oldest come first, at most 1,000. Each sweep calls the hook again for them. The store of this process needs no hook, so
 * that a process for operators can ask.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` if the store keeps no such list; StoreError, ClosedError
 * @example
 * for (const { changeId, seq } of await failedHooks(engine)) console.log(`change ${changeId}, from entry ${seq} on`);
 */
export async function failedHooks(engine: JitEngine): Promise<readonly FailedHook[]> {
  return hooksOf(engine).failed({ after: 0, limit: MOST });
}

/**
 * Calls the hook for one of the failed changes now, instead of at the next sweep.
 *
 * @param changeId as {@link failedHooks} returns it
 * @returns true: the hook has succeeded, and the change has left the list. False: it is not in the list, or this process has no hook
 * @throws HookError if the hook fails again; InvalidArgumentError, StoreError, ClosedError
 */
export async function retryHook(engine: JitEngine, changeId: string): Promise<boolean> {
  const hooks = hooksOf(engine);
  return (await hooks.retry(readId('changeId', changeId))) > 0;
}

/**
 * Removes one of the failed changes from the list, because a person has handled it by other means. The hook is not called for it again.
 *
 * @param changeId as {@link failedHooks} returns it
 * @returns false: it is not in the list
 * @throws InvalidArgumentError, StoreError, ClosedError
 */
export async function dismissHook(engine: JitEngine, changeId: string): Promise<boolean> {
  const hooks = hooksOf(engine);
  return hooks.dismiss(readId('changeId', changeId));
}

function hooksOf(engine: JitEngine): StoreHooks {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const { hooks } = kernel.ledger.store;
  if (hooks === undefined) throw new InvalidArgumentError('engine', 'an engine with a store of jit-access/sql', 'one with another store');
  return hooks;
}
