import type { AccessRequest, Anchor, Decision, Grant, GrantEnd, RequestEnd } from '../records/types.js';

/** Marks our errors across copies of the package, where `instanceof` can't. */
const BRAND = Symbol.for('jit-access.error');

/** Every code that this package throws. Codes and fields are SemVer; messages are for people and may change. */
export type JitErrorCode = AnyJitError['code'];

/** The base of every error of this package: tell them apart by the literal `code`. */
export abstract class JitError extends Error {
  abstract readonly code: string;

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** An argument broke a rule. Nothing was stored. */
export class InvalidArgumentError extends JitError {
  override readonly name = 'InvalidArgumentError';
  readonly code = 'ERR_JIT_INVALID_ARGUMENT';
  /**
   * @param argument which argument, as a path: `ttl`, `limits.maxTtl`, `scopes[2]`
   * @param rule what it has to be
   * @param got what it was, shortened for reading
   */
  constructor(
    readonly argument: string,
    readonly rule: string,
    readonly got: string,
  ) {
    super(`${argument} must be ${rule}; got ${got}`);
  }
}

/** Keeps a record that holds texts of people out of `JSON.stringify`, spreads and loggers. */
function hide(error: JitError, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value });
}

/** What the message says of a request that was recorded before the failure. */
const recorded = (requestId: string | undefined): string => (requestId === undefined ? '' : `; request ${requestId} is recorded`);

/** The store could not be asked. Nothing was decided: a caller who does nothing is denied. */
export class StoreError extends JitError {
  override readonly name = 'StoreError';
  readonly code = 'ERR_JIT_STORE';
  /**
   * @param operation the store's method that failed
   * @param requestId the request that was recorded before the failure; `undefined`: none is known to be
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

/** The reply to a commit was lost, and sending the same change again gave no answer in time: it is not known whether it was applied. */
export class OutcomeUnknownError extends JitError {
  override readonly name = 'OutcomeUnknownError';
  readonly code = 'ERR_JIT_OUTCOME_UNKNOWN';
  /**
   * @param changeId the change; its entries, if it was applied, carry this id before the dot
   * @param requestId the request that an earlier change has recorded; `undefined`: none is known to be
   */
  constructor(
    readonly changeId: string,
    cause?: unknown,
    readonly requestId?: string,
  ) {
    super(
      `it could not be learnt whether change ${changeId} was applied; read the record before trying again${recorded(requestId)}`,
      cause,
    );
  }
}

/**
 * Other callers kept changing the same records until the limit of tries was reached, or a purge removed what was being
 * read. Nothing was recorded, except the request that `requestId` names.
 */
export class ConflictError extends JitError {
  override readonly name = 'ConflictError';
  readonly code = 'ERR_JIT_CONFLICT';
  /** @param requestId the request that was recorded before, and stays as it is; `undefined`: none was */
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
 * The request has been decided, cancelled or has expired, as `status` says; or its break-glass review has been given.
 *
 * `request` is the whole record, for your own code. It is not enumerable: an error that a handler serialises for its caller
 * shows the id and the status, and no justification or metadata of another subject.
 */
export class DecidedError extends JitError {
  override readonly name = 'DecidedError';
  readonly code = 'ERR_JIT_DECIDED';
  declare readonly request: AccessRequest;
  readonly requestId: string;
  /** How the request ended; `undefined`: it has not. */
  readonly status: RequestEnd['status'] | undefined;
  constructor(request: AccessRequest, message = `request ${request.id} is already ${String(request.end?.status)}`) {
    super(message);
    this.requestId = request.id;
    this.status = request.end?.status;
    hide(this, 'request', request);
  }
}

/** The request's review deadline, or all of its window, has passed, whether or not a sweep has recorded it. */
export class DeadlineError extends JitError {
  override readonly name = 'DeadlineError';
  readonly code = 'ERR_JIT_DEADLINE';
  /** @param requestId `undefined`: what was asked for is over already, and nothing was recorded */
  constructor(
    readonly requestId: string | undefined,
    readonly reviewBy: number,
  ) {
    const before = new Date(reviewBy).toISOString();
    super(
      requestId === undefined
        ? `the window that is asked for ended at ${before}`
        : `request ${requestId} had to be decided before ${before}`,
    );
  }
}

/** No approver has named a quorum for this request yet; `retryDecision(id)` asks again. */
export class UndecidedError extends JitError {
  override readonly name = 'UndecidedError';
  readonly code = 'ERR_JIT_UNDECIDED';
  constructor(readonly requestId: string) {
    super(`request ${requestId} can't be reviewed yet: the approver has not said who must; decide('${requestId}') asks it again`);
  }
}

/** There is no such record in this namespace. */
export class NotFoundError extends JitError {
  override readonly name = 'NotFoundError';
  readonly code = 'ERR_JIT_NOT_FOUND';
  constructor(
    readonly kind: 'request' | 'grant' | 'follower' | 'effect',
    readonly id: string,
  ) {
    super(`there is no ${kind} ${id}`);
  }
}

/** The subject, and whoever asked on its behalf, never review their own request. */
export class SelfReviewError extends JitError {
  override readonly name = 'SelfReviewError';
  readonly code = 'ERR_JIT_SELF_REVIEW';
  constructor(
    readonly requestId: string,
    readonly reviewer: string,
  ) {
    super(`${reviewer} asked for request ${requestId} or would hold its access, and can't review it`);
  }
}

/** This reviewer may not review this request (or no longer in this way). */
export class NotReviewerError extends JitError {
  override readonly name = 'NotReviewerError';
  readonly code = 'ERR_JIT_NOT_REVIEWER';
  constructor(
    readonly requestId: string,
    readonly reviewer: string,
    readonly why: 'not_in_group' | 'has_denied' | 'is_agent',
  ) {
    super(
      {
        not_in_group: `${reviewer} is in none of the groups that may review request ${requestId}`,
        has_denied: `${reviewer} has denied request ${requestId}; a denial can't become an approval`,
        is_agent: `${reviewer} is an agent, and agents never review; it may not review request ${requestId}`,
      }[why],
    );
  }
}

/** This grant has ended, and what has ended is not extended: ask for access anew. */
export class EndedError extends JitError {
  override readonly name = 'EndedError';
  readonly code = 'ERR_JIT_ENDED';
  /**
   * How the grant ended; `undefined`: by time, and no sweep has recorded it yet. Not enumerable: its `reason` is the text
   * of the person who ended it, and not for whoever asks for more time.
   */
  declare readonly end: GrantEnd | undefined;
  constructor(
    readonly grantId: string,
    end: GrantEnd | undefined,
  ) {
    super(`grant ${grantId} has ended (${end?.cause ?? 'time'}) and can't be extended; ask with requestAccess instead`);
    hide(this, 'end', end);
  }
}

/** An approval link that decides nothing: `why` says what is wrong with it. */
export class LinkError extends JitError {
  override readonly name = 'LinkError';
  readonly code = 'ERR_JIT_LINK';
  /** @param requestId the request that it is for; `undefined` where it can't be trusted to say */
  constructor(
    readonly why: 'malformed' | 'signature' | 'expired' | 'used' | 'not_yours' | 'other_request',
    readonly requestId: string | undefined,
  ) {
    super(`this approval link ${LINK_PROBLEMS[why]}`);
  }
}

const LINK_PROBLEMS: Readonly<Record<LinkError['why'], string>> = {
  malformed: 'is not one that this engine makes',
  signature: 'is not signed with a key that this engine knows',
  expired: 'has expired',
  used: 'has been used: its reviewer has reviewed since it was made',
  not_yours: 'was made for somebody else',
  other_request: 'was made for another namespace, or for something else than what is asked',
};

/** The subject may not hold what was asked; no request was recorded. */
export class IneligibleError extends JitError {
  override readonly name = 'IneligibleError';
  readonly code = 'ERR_JIT_INELIGIBLE';
  /** @param reason what the approver said; `undefined`: nothing */
  constructor(
    readonly subject: string,
    readonly scopes: readonly string[],
    readonly reason: string | undefined,
  ) {
    super(`${subject} is not eligible for ${scopes.join(', ')}${reason === undefined ? '' : `: ${reason}`}`);
  }
}

/** This idempotency key was used before, for something else. */
export class IdempotencyError extends JitError {
  override readonly name = 'IdempotencyError';
  readonly code = 'ERR_JIT_IDEMPOTENCY';
  /** @param recordId the request, or the use, that it made */
  constructor(readonly recordId: string) {
    super(`this idempotencyKey made ${recordId}, which was for something else; use a new key`);
  }
}

/** A limit of the engine stands against this; `limit` names it. */
export class LimitError extends JitError {
  override readonly name = 'LimitError';
  readonly code = 'ERR_JIT_LIMIT';
  /**
   * @param max the bound that the limit sets; of `minTtl` the least
   * @param retryAt of the limit `askAgainAfter`: the first instant at which the pause is over. Epoch milliseconds
   */
  constructor(
    readonly limit: string,
    readonly max: number,
    readonly got: number,
    message = `limits.${limit} allows at most ${max}; got ${got}`,
    readonly retryAt?: number,
  ) {
    super(message);
  }
}

/** The clock gave no usable reading, or lies more than a second below one used before: nothing may create access. */
export class ClockError extends JitError {
  override readonly name = 'ClockError';
  readonly code = 'ERR_JIT_CLOCK';
  /** @param requestId the request that is on record and stays pending; `undefined`: none was recorded */
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
 * create access until a person calls `acceptRollback({ by, reason })`; checks, revokes and cancellations continue.
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
    const remedy = 'nothing may create access until a person calls acceptRollback({ by, reason })';
    super(`the store went back: this engine has seen entry ${lost.seq} of the journal, which ${state}; ${remedy}`, cause);
  }
}

/** The question is about an instant before the purge horizon; its records may be gone. */
export class PurgedError extends JitError {
  override readonly name = 'PurgedError';
  readonly code = 'ERR_JIT_PURGED';
  /** @param horizon the earliest instant that can still be asked about, epoch milliseconds */
  constructor(readonly horizon: number) {
    super(`records before ${new Date(horizon).toISOString()} have been purged`);
  }
}

/** A stored row or entry is not what this package writes. It gives no access. */
export class CorruptError extends JitError {
  override readonly name = 'CorruptError';
  readonly code = 'ERR_JIT_CORRUPT';
  /** @param requestId the request that was recorded before this was found; `undefined`: none was */
  constructor(
    readonly kind: string,
    readonly id: string,
    readonly problem: string,
    readonly requestId?: string,
  ) {
    super(`stored ${kind} ${id}: ${problem}${recorded(requestId)}`);
  }
}

/** The approver failed, took too long, or answered with something malformed. The request, if there is one, stays pending. */
export class ApproverError extends JitError {
  override readonly name = 'ApproverError';
  readonly code = 'ERR_JIT_APPROVER';
  /** @param requestId the request that stays pending; `undefined` when nothing was recorded */
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
 * Not allowed: a failed `assertAllowed` or `consume` (then with its `decision`), or a cancel or release by another caller.
 */
export class DeniedError extends JitError {
  override readonly name = 'DeniedError';
  readonly code = 'ERR_JIT_DENIED';
  /** Whether this repeats a `consume` whose use was taken, under the same key, when the grant still allowed. */
  readonly reused: boolean;
  /**
   * @param use the use that the key stands for: when it was taken (epoch milliseconds), and what the grant had left then;
   *   `undefined`: none was taken
   */
  constructor(
    message: string,
    readonly actor: string,
    readonly decision: Decision | undefined,
    readonly use?: { readonly at: number; readonly usesLeft: number },
  ) {
    super(message);
    this.reused = use !== undefined;
  }
}

/** The engine, or the sink, has been closed. */
export class ClosedError extends JitError {
  override readonly name = 'ClosedError';
  readonly code = 'ERR_JIT_CLOSED';
  constructor(what: 'engine' | 'sink' = 'engine') {
    super(`this ${what} has been closed`);
  }
}

/** What could not be ended: its kind and id, and the error that its read or its commit gave. */
export interface EndFailure {
  readonly kind: 'request' | 'grant';
  /** `undefined`: the store could not list the records of this kind, so any of them may be left. */
  readonly id: string | undefined;
  readonly error: unknown;
}

/**
 * Not all access that the call should end has ended: some records could not be read, or not be written. Everything else
 * has ended, and `ended` holds it. Access that `failures` names may still be allowed: repair the row or the store, then call again.
 */
export class PartialError extends JitError {
  override readonly name = 'PartialError';
  readonly code = 'ERR_JIT_PARTIAL';
  /** What has ended. Not enumerable: a handler that serialises errors must not publish the metadata of requests. */
  declare readonly ended: { readonly grants: readonly Grant[]; readonly requests: readonly AccessRequest[] };
  /**
   * @param ended the grants and requests that this call has ended
   * @param failures what it could not end, at least one
   */
  constructor(
    ended: PartialError['ended'],
    readonly failures: readonly EndFailure[],
  ) {
    const named = failures.slice(0, 5).map(({ kind, id }) => (id === undefined ? `the list of ${kind}s` : `${kind} ${id}`));
    const more = failures.length > named.length ? ` and ${failures.length - named.length} more` : '';
    super(
      `${ended.grants.length} grants and ${ended.requests.length} requests have ended; not ended: ${named.join(', ')}${more}; ` +
        `first problem: ${messageOf(failures[0]?.error)}`,
      failures[0]?.error,
    );
    Object.defineProperty(this, 'ended', { value: ended });
  }
}

/** Any error of this package: a union that `switch (error.code)` narrows. */
export type AnyJitError =
  | InvalidArgumentError
  | StoreError
  | OutcomeUnknownError
  | ConflictError
  | DecidedError
  | DeadlineError
  | UndecidedError
  | NotFoundError
  | SelfReviewError
  | NotReviewerError
  | EndedError
  | LinkError
  | IneligibleError
  | IdempotencyError
  | LimitError
  | ClockError
  | RollbackError
  | PurgedError
  | CorruptError
  | ApproverError
  | DeniedError
  | ClosedError
  | PartialError;

/**
 * Whether `error` is an error of this package, from whichever copy of it.
 *
 * @example
 * if (isJitError(error) && error.code === 'ERR_JIT_DECIDED') console.log(error.request.end);
 */
export function isJitError(error: unknown): error is AnyJitError {
  try {
    return error instanceof Error && Object.hasOwn(error, BRAND);
  } catch {
    // A revoked proxy answers nothing, not even what it is.
    return false;
  }
}

/** What somebody's error says; anything may be thrown. */
export function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : 'no error was given';
  } catch {
    return 'no readable error was given';
  }
}
