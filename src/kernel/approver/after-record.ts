import {
  ClockError,
  ConflictError,
  CorruptError,
  HookError,
  isJitError,
  LayoutError,
  LockedError,
  MovedError,
  OutcomeUnknownError,
  RollbackError,
  StoreError,
} from '../../core/errors.js';

/**
 * Runs the work that follows the recording of a request. An error then carries the request's id. Without the id, a caller that
 * asks again without a key would make a second request.
 *
 * @throws the error of `work`, with `requestId`
 */
export async function afterRecording<T>(requestId: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withRequestId(error, requestId);
  }
}

/** Makes a new error, because a store may reject several calls with one instance. The original is its `cause`. */
function withRequestId(error: unknown, requestId: string): unknown {
  if (!isJitError(error)) return error;
  switch (error.code) {
    case 'ERR_JIT_STORE':
      return new StoreError(error.operation, error.message.replace(`store.${error.operation}: `, ''), error, requestId);
    case 'ERR_JIT_LAYOUT':
      return new LayoutError(error.version, error.readableFrom, error.needed, requestId);
    case 'ERR_JIT_OUTCOME_UNKNOWN':
      return new OutcomeUnknownError(error.changeId, error, requestId);
    case 'ERR_JIT_HOOK':
      return new HookError(error.changeId, error.cause, requestId);
    case 'ERR_JIT_CONFLICT':
      return new ConflictError(error.attempts, undefined, requestId);
    case 'ERR_JIT_CLOCK':
      return new ClockError(error.message, error, requestId);
    case 'ERR_JIT_ROLLBACK':
      return new RollbackError(error.lost, error.head, requestId, error);
    case 'ERR_JIT_MOVED':
      return new MovedError(error.namespace, error.to, requestId, error);
    case 'ERR_JIT_CORRUPT':
      return new CorruptError(error.kind, error.id, error.problem, requestId);
    case 'ERR_JIT_LOCKED':
      return new LockedError({ id: error.lockId, subject: error.subject, scope: error.scope, until: error.until }, requestId);
    default:
      return error;
  }
}
