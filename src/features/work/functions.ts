import { assertBoolean, invalid, readId, readOptions } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import type { AccessResult } from '../../engine/answers.js';
import type { Action } from '../../engine/checks/checker.js';
import type { JitEngine } from '../../engine/engine.js';
import { EngineChecker } from '../../engine/checks/engine-checker.js';
import { HeldUses } from '../../engine/checks/held-uses.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import { RefusalLog } from '../../kernel/refusal-log.js';
import { readWatchOptions, type AccessWatch, type WatchOptions } from './options.js';
import { readWaitOptions, type WaitOptions } from './wait-for.js';
import { Work } from './work.js';

/** The options of `withAccess`. */
export interface WorkOptions extends WatchOptions {
  /**
   * Takes a use of a grant with a limited number of uses, as `engine.consume` does. After the last use the work may continue until the
   * end of the window, and the grant ends when the work does; a revoke in between still stops the work. The signal aborts earlier if
   * another caller or process takes the last use, or ends the work that took it. Default: false.
   */
  readonly consume?: boolean | undefined;
}

/**
 * Checks the access, then runs work whose `signal` aborts when the access ends. The access ends when no grant covers the
 * scope, or when the engine could not confirm it for too long.
 *
 * Work continues past the end of one grant only if another grant covers the scope from there on. The engine must have read
 * that grant before the end.
 *
 * Gotcha: the signal stops only code that listens to it. Give a token or a session that the work opens elsewhere its own
 * expiry: `watch.until`.
 *
 * @param work `withAccess` waits for it even after the signal has aborted, and returns or throws what it does
 * @throws DeniedError `ERR_JIT_DENIED` if the access is denied or no use is left: the work does not begin;
 *   InvalidArgumentError, ClosedError, StoreError, ClockError
 * @example
 * await withAccess(engine, 'user:maya', 'db-prod:write', (signal) => backfill({ signal }));
 */
export async function withAccess<T, Scope extends string = string>(
  engine: JitEngine<Scope>,
  subject: string,
  action: Action<NoInfer<Scope>>,
  work: (signal: AbortSignal, watch: AccessWatch) => MaybePromise<T>,
  options: WorkOptions = {},
): Promise<T> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const { subject: id, scope } = kernel.part(EngineChecker).read(subject, action);
  if (typeof work !== 'function') throw invalid('work', 'a function', work);
  const { consume = false, ...watchOptions } = readOptions<keyof WorkOptions>('options', options, ['poll', 'maxUnconfirmed', 'consume']);
  assertBoolean('consume', consume);
  const read = readWatchOptions(watchOptions);
  if (!consume) return kernel.part(Work).withAccess(id, scope, work, read);
  const attempt = { actor: id, scopes: [scope] };
  const use = await kernel.part(RefusalLog).noteRefusals(attempt, () => kernel.part(HeldUses).hold(id, scope));
  try {
    return await kernel.part(Work).withAccess(id, scope, work, read, use?.grantId);
  } finally {
    // In the background: a slow store must not delay the result of the work.
    if (use !== undefined) kernel.background.run(use.release(), 'withAccess');
  }
}

/**
 * {@link withAccess} for work that is not one function. Call `stop()` when the work is done.
 *
 * @throws DeniedError `ERR_JIT_DENIED` if the access is denied; InvalidArgumentError, ClosedError, StoreError, ClockError
 * @example
 * await using watch = await watchAccess(engine, 'user:maya', 'db-prod:write');
 * for (const batch of batches) await write(batch, { signal: watch.signal });
 */
export async function watchAccess<Scope extends string = string>(
  engine: JitEngine<Scope>,
  subject: string,
  action: Action<NoInfer<Scope>>,
  options: WatchOptions = {},
): Promise<AccessWatch> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const { subject: id, scope } = kernel.part(EngineChecker).read(subject, action);
  return kernel.part(Work).watch(id, scope, readWatchOptions(options));
}

/**
 * Resolves when a request is decided, cancelled or expired, with the state of the request, as an ask returns it. It asks no
 * approver.
 *
 * @param options.signal stops the wait: the promise rejects with its `reason`
 * @throws NotFoundError; StoreError when the first read fails, or when the request cannot be read after its deadline;
 *   InvalidArgumentError, ClosedError, ClockError
 * @example
 * const { request } = await engine.requestAccess(ask);
 * const { outcome } = await waitFor(engine, request.id, { signal: AbortSignal.timeout(600_000) });
 */
export async function waitFor<Scope extends string = string>(
  engine: JitEngine<Scope>,
  requestId: string,
  options: WaitOptions = {},
): Promise<AccessResult> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const id = readId('requestId', requestId);
  return kernel.part(Work).waitFor(id, readWaitOptions(options));
}
