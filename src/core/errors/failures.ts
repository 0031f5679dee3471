import type { Anchor } from '../../model/entry.js';
import type { Grant } from '../../model/grant.js';
import type { AccessRequest } from '../../model/request.js';
import { JitError, messageOf, recorded } from './jit-error.js';

/* The errors of the parts that a call depends on: the store and its rows, the clock, the approver, and the engine itself. */

/**
 * The store could not query its backend. Nothing was decided, so a caller that does not handle this error gives no access.
 *
 * @remarks Deny, and try again later. If there is a `requestId`, that request is recorded: the same `idempotencyKey` or the
 *   next sweep continues it.
 */
export class StoreError extends JitError {
  override readonly name = 'StoreError';
  readonly code = 'ERR_JIT_STORE';
  /**
   * @param operation the store's method that failed
   * @param requestId the request that was recorded before the failure; `undefined`: none is known to be recorded
   */
  constructor(
    readonly operation: string,
    message: string,
    cause?: unknown,
    readonly requestId?: string,
  ) {
    super(`store.${operation}: ${message}${recorded(requestId)}`, cause);
  }
}

/**
 * The stored data have a layout that this process may not use, or a change needs a layout that not all processes can read yet.
 * Nothing was decided or written.
 *
 * @remarks Deny. The message says what to do: update this process, run `migrate()`, or run `migrate({ contract: true })` (on Redis
 *   `contractNamespaces`). If there is a `requestId`, that request is recorded.
 */
export class LayoutError extends JitError {
  override readonly name = 'LayoutError';
  readonly code = 'ERR_JIT_LAYOUT';
  /**
   * @param version the newest layout for which the store has tables and columns
   * @param readableFrom the oldest layout whose processes may use the data
   * @param needed the layout of this process, or the one that the change needs
   * @param requestId the request that was recorded before the failure; `undefined`: none is known to be recorded
   */
  constructor(
    readonly version: number,
    readonly readableFrom: number,
    readonly needed: number,
    readonly requestId?: string,
  ) {
    const remedy =
      needed < readableFrom
        ? `this process knows layout ${needed}: update it`
        : needed > version
          ? `layout ${needed} is needed: run migrate()`
          : `this change needs layout ${needed}, which processes of layout ${readableFrom} cannot read: contract first, with migrate({ contract: true }) or, on Redis, contractNamespaces`;
    super(`the stored data have layout ${version}, readable from layout ${readableFrom}; ${remedy}${recorded(requestId)}`);
  }
}

/**
 * The reply to a commit was lost, and resending the change for `limits.resendMs` gave no answer. The engine does not know whether it
 * was applied.
 *
 * @remarks Read the record before you try again, or repeat the call under the same `idempotencyKey`. A repeated `revoke`,
 *   `release` or `cancel` is safe.
 */
export class OutcomeUnknownError extends JitError {
  override readonly name = 'OutcomeUnknownError';
  readonly code = 'ERR_JIT_OUTCOME_UNKNOWN';
  /**
   * @param changeId the id of the change. If it was applied, the id of each of its entries is this id, a dot and a number
   * @param requestId the request that an earlier change has recorded, or that this change may have recorded; `undefined`: neither
   * @param mayBeRecorded whether this change records the request, so that there may be none with this id. Default: false
   */
  constructor(
    readonly changeId: string,
    cause?: unknown,
    readonly requestId?: string,
    readonly mayBeRecorded: boolean = false,
  ) {
    const request = mayBeRecorded ? `; request ${requestId} may be recorded` : recorded(requestId);
    super(`the outcome of change ${changeId} is unknown; read the record before you try again${request}`, cause);
  }
}

/**
 * The store's option `onCommit` has failed, was late, or ended the store's transaction. The change was rolled back: no
 * part of it was applied. Only a change that creates access or opens a request is refused like this.
 *
 * @remarks Read `cause`, and repair what your hook needs. Call again if `cause` is temporary. If there is a `requestId`, that
 *   request is recorded.
 */
export class HookError extends JitError {
  override readonly name = 'HookError';
  readonly code = 'ERR_JIT_HOOK';
  /**
   * @param changeId the id of the change, as the hook received it
   * @param cause the error of the hook
   * @param requestId the request that an earlier change has recorded; `undefined`: none
   */
  constructor(
    readonly changeId: string,
    cause: unknown,
    readonly requestId?: string,
  ) {
    super(`onCommit refused change ${changeId}: ${messageOf(cause)}; it was not applied${recorded(requestId)}`, cause);
  }
}

/**
 * Other callers kept changing the same records until the limit of tries was reached, or a purge removed the records during a
 * read. Nothing was recorded, except the request that `requestId` names.
 *
 * @remarks Call again.
 */
export class ConflictError extends JitError {
  override readonly name = 'ConflictError';
  readonly code = 'ERR_JIT_CONFLICT';
  /**
   * @param attempts how many times the change was tried
   * @param requestId the request that was recorded before, and stays unchanged; `undefined`: none was recorded
   */
  constructor(
    readonly attempts: number,
    message?: string,
    readonly requestId?: string,
  ) {
    const nothing = requestId === undefined ? 'nothing was recorded' : `request ${requestId} stays as it is`;
    super(message ?? `other changes to the same records won ${attempts} times in a row; ${nothing}, try again`);
  }
}

/**
 * The clock gave no usable reading, lies more than a second below a reading used before, or contradicts the journal. While that
 * lasts, nothing may create access.
 *
 * @remarks Deny. Repair the clock, or wait until it has caught up. If another process wrote to the journal with a clock that was
 *   ahead, a person calls `acceptClock` of `jit-access/retention`.
 */
export class ClockError extends JitError {
  override readonly name = 'ClockError';
  readonly code = 'ERR_JIT_CLOCK';
  /** @param requestId the request that was recorded and stays pending; `undefined`: none was recorded */
  constructor(
    message: string,
    cause?: unknown,
    readonly requestId?: string,
  ) {
    super(message, cause);
  }
}

/**
 * The store lacks an entry that this engine has seen: it was restored, failed over to an older state, or forked. Nothing may
 * create access until a person calls `acceptRollback` of `jit-access/retention`; checks, revokes and cancellations continue.
 *
 * @remarks Alert a person, who reviews the lost entries and then calls `acceptRollback`. Repeating the call does not help.
 */
export class RollbackError extends JitError {
  override readonly name = 'RollbackError';
  readonly code = 'ERR_JIT_ROLLBACK';
  /**
   * @param lost the newest entry that this engine has seen
   * @param head the newest entry that the journal holds now
   * @param requestId the request that is recorded and stays pending; `undefined`: none was recorded
   */
  constructor(
    readonly lost: Anchor,
    readonly head: Anchor,
    readonly requestId?: string,
    cause?: unknown,
  ) {
    const state = head.seq < lost.seq ? `ends at entry ${head.seq}` : 'holds another entry there';
    const remedy = 'nothing may create access until a person calls acceptRollback(engine, { by, reason })';
    super(`the store went back: this engine has seen entry ${lost.seq} of the journal, which ${state}; ${remedy}`, cause);
  }
}

/**
 * The question is about an instant before the purge horizon, whose records may have been removed.
 *
 * @remarks Ask about `horizon` or a later instant. Earlier answers exist only if a sink has kept the journal.
 */
export class PurgedError extends JitError {
  override readonly name = 'PurgedError';
  readonly code = 'ERR_JIT_PURGED';
  /** @param horizon the earliest instant that a caller can still ask about, epoch milliseconds */
  constructor(readonly horizon: number) {
    super(`records before ${new Date(horizon).toISOString()} have been purged`);
  }
}

/**
 * A stored row or entry does not have the form that this package writes. It gives no access.
 *
 * @remarks Deny, and alert a person: a row was edited, cut short, or written by a newer version. `verifyStore` names each row
 *   that differs from the journal.
 */
export class CorruptError extends JitError {
  override readonly name = 'CorruptError';
  readonly code = 'ERR_JIT_CORRUPT';
  /**
   * @param kind the kind of the row, `entry`, or `journal line`
   * @param id the id of the row, the number of the entry, or `file:line`
   * @param problem what is wrong with it
   * @param requestId the request that was recorded before this was found; `undefined`: none was recorded
   */
  constructor(
    readonly kind: string,
    readonly id: string,
    readonly problem: string,
    readonly requestId?: string,
  ) {
    super(`stored ${kind} ${id}: ${problem}${recorded(requestId)}`);
  }
}

/**
 * The approver failed, took too long, or gave a malformed answer. The request, if one is recorded, stays pending.
 *
 * @remarks Repair the approver. If there is a `requestId`, the sweep or a repeat with the same `idempotencyKey` asks it again;
 *   without one, call again.
 */
export class ApproverError extends JitError {
  override readonly name = 'ApproverError';
  readonly code = 'ERR_JIT_APPROVER';
  /**
   * @param approver the name of the approver
   * @param requestId the request that stays pending; `undefined`: nothing was recorded
   */
  constructor(
    readonly approver: string,
    readonly requestId: string | undefined,
    message: string,
    cause?: unknown,
  ) {
    super(
      `approver ${approver}: ${message}` + (requestId === undefined ? '; nothing was recorded' : `; request ${requestId} stays as it is`),
      cause,
    );
  }
}

/**
 * The engine, or the sink, has been closed.
 *
 * @remarks Do not call a closed engine or sink: make a new one.
 */
export class ClosedError extends JitError {
  override readonly name = 'ClosedError';
  readonly code = 'ERR_JIT_CLOSED';
  constructor(what: 'engine' | 'sink' = 'engine') {
    super(`this ${what} has been closed: create another, and close it only when the process ends`);
  }
}

/** A record that could not be ended, with the error of its read or its commit. */
export interface EndFailure {
  /** Whether a grant or a request could not be ended. */
  readonly kind: 'request' | 'grant';
  /** `undefined`: the store could not list the records of this kind, so any of them may still be open. */
  readonly id: string | undefined;
  /** The error of the read or the commit. */
  readonly error: unknown;
}

/**
 * Only a part of the access has ended: some records could not be read or written. What `failures` names may still be allowed.
 *
 * @remarks Treat the access as not revoked. Repair what `failures` names, then call again until the call resolves.
 */
export class PartialError extends JitError {
  override readonly name = 'PartialError';
  readonly code = 'ERR_JIT_PARTIAL';
  /** The records that have ended. Not enumerable: a handler that serialises errors must not publish the metadata of requests. */
  declare readonly ended: { readonly grants: readonly Grant[]; readonly requests: readonly AccessRequest[] };
  /**
   * @param ended the grants and requests that this call has ended
   * @param failures what it could not end, at least one
   * @param lockId only of `lock` and `unlock`: the lock, which is recorded and denies. Each sweep continues it
   */
  constructor(
    ended: PartialError['ended'],
    readonly failures: readonly EndFailure[],
    readonly lockId?: string,
  ) {
    const named = failures.slice(0, 5).map(({ kind, id }) => (id === undefined ? `the list of ${kind}s` : `${kind} ${id}`));
    const more = failures.length > named.length ? ` and ${failures.length - named.length} more` : '';
    const locked = lockId === undefined ? '' : `lock ${lockId} denies, and is unfinished; `;
    super(
      `${locked}${ended.grants.length} grants and ${ended.requests.length} requests have ended; not ended: ${named.join(', ')}${more}; ` +
        `first problem: ${messageOf(failures[0]?.error)}`,
      failures[0]?.error,
    );
    Object.defineProperty(this, 'ended', { value: ended });
  }
}
