import { JitError, recorded } from './jit-error.js';

/**
 * The namespace is not in this store: it has moved to another store, or its move to this one has not ended. This attempt has applied
 * nothing.
 *
 * @remarks Deny, and open the store that `to` names. Repeating the call does not help. If there is a `requestId`, that request was
 *   recorded before the move.
 */
export class MovedError extends JitError {
  override readonly name = 'MovedError';
  readonly code = 'ERR_JIT_MOVED';
  /**
   * @param namespace the namespace of the call
   * @param to the place to which it has moved, as the move has named it; `undefined`: its move to this store has not ended
   * @param requestId the request that was recorded before the failure; `undefined`: none is known to be recorded
   */
  constructor(
    readonly namespace: string,
    readonly to: string | undefined,
    readonly requestId?: string,
    cause?: unknown,
  ) {
    const problem = to === undefined ? 'has not arrived in this store: its move here has not ended' : `has moved to ${to}: open it there`;
    super(`namespace ${namespace} ${problem}${recorded(requestId)}`, cause);
  }
}
