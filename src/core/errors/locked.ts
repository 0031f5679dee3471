import type { Lock } from '../../model/lock.js';
import { JitError, recorded } from './jit-error.js';

/**
 * A lock refuses the call: on the subject, on the caller, or on a scope that overlaps a requested one. The reason of a lock lies in
 * the journal, and not in this error.
 *
 * @remarks Do not repeat the call. A person lifts a lock with `unlock`; `until` names the instant of its own end, if it has one.
 */
export class LockedError extends JitError {
  override readonly name = 'LockedError';
  readonly code = 'ERR_JIT_LOCKED';
  /** The id of the lock. */
  readonly lockId: string;
  /** The locked id. `undefined`: the lock is on a scope. */
  readonly subject: string | undefined;
  /** The locked scope or pattern. `undefined`: the lock is on a subject. */
  readonly scope: string | undefined;
  /** The first instant at which the lock may have ended. `undefined`: a person must lift it. Epoch milliseconds. */
  readonly until: number | undefined;
  /**
   * @param lock the lock that refuses
   * @param requestId the request that was recorded before the lock was set, which the lock cancels; `undefined`: none was recorded
   */
  constructor(
    { id, subject, scope, until }: Pick<Lock, 'id' | 'subject' | 'scope' | 'until'>,
    readonly requestId?: string,
  ) {
    const end = until === undefined ? '' : ` until ${new Date(until).toISOString()}`;
    super(`${subject ?? scope ?? ''} is locked${end} (lock ${id})${recorded(requestId)}`);
    this.lockId = id;
    this.subject = subject;
    this.scope = scope;
    this.until = until;
  }
}
