import type { Decision } from '../../model/decision.js';
import type { GrantEnd } from '../../model/grant.js';
import type { AccessRequest, RequestEnd } from '../../model/request.js';
import { JitError, hide } from './jit-error.js';

/* The errors that refuse a call: by the state of a record, by a rule, or by a limit. */

/**
 * An argument broke a rule. Nothing was stored.
 *
 * @remarks Correct the argument, or show `argument` and `rule` to the person who gave it. A repeat fails again.
 */
export class InvalidArgumentError extends JitError {
  override readonly name = 'InvalidArgumentError';
  readonly code = 'ERR_JIT_INVALID_ARGUMENT';
  /**
   * @param argument the argument, as a path: `ttl`, `limits.maxTtl`, `scopes[2]`
   * @param rule the rule that the argument must meet
   * @param got the rejected value, shortened for reading
   */
  constructor(
    readonly argument: string,
    readonly rule: string,
    readonly got: string,
  ) {
    super(`${argument} must be ${rule}; got ${got}`);
  }
}

/**
 * The request has been decided, was cancelled or has expired (`status` says which), or its break-glass review has been given.
 *
 * `request` is the whole record, for your own code. It is not enumerable: an error that a handler serialises for its caller
 * shows the id and the status, and no justification or metadata of another subject.
 *
 * @remarks Show the decision. The call changed nothing, and a repeat fails again.
 */
export class DecidedError extends JitError {
  override readonly name = 'DecidedError';
  readonly code = 'ERR_JIT_DECIDED';
  /** The request with its end. Not enumerable. */
  declare readonly request: AccessRequest;
  /** The id of the request. */
  readonly requestId: string;
  /** How the request ended; `approved` if its break-glass review has been given. The engine always sets it. */
  readonly status: RequestEnd['status'] | undefined;
  /** The id of the request that replaces it. `undefined`: none does. */
  readonly replacedBy: string | undefined;
  constructor(request: AccessRequest, message = textOfDecided(request)) {
    super(message);
    this.replacedBy = request.replacedBy;
    this.requestId = request.id;
    this.status = request.end?.status;
    hide(this, 'request', request);
  }
}

const textOfDecided = ({ id, end, replacedBy }: AccessRequest): string =>
  replacedBy === undefined
    ? `request ${id} is already ${String(end?.status)}`
    : `request ${id} was ${end?.cause === 'amended' ? 'amended' : 'overtaken by break-glass'}: request ${replacedBy} replaces it`;

/** The review deadline, or all of the window, has passed, whether or not a sweep has recorded it. @remarks Make a new request. */
export class DeadlineError extends JitError {
  override readonly name = 'DeadlineError';
  readonly code = 'ERR_JIT_DEADLINE';
  /**
   * @param requestId the request; `undefined`: the requested window has passed already, and nothing was recorded
   * @param reviewBy the instant that has passed, epoch milliseconds
   */
  constructor(
    readonly requestId: string | undefined,
    readonly reviewBy: number,
  ) {
    const before = new Date(reviewBy).toISOString();
    // Epoch seconds read as milliseconds lie in the first years of the epoch.
    const unit = reviewBy < 100_000_000_000 ? ': an instant is epoch milliseconds, and this looks like seconds' : '';
    super(
      requestId === undefined
        ? `the requested window ended at ${before}${unit}`
        : `request ${requestId} had to be decided before ${before}`,
    );
  }
}

/**
 * The approver has not answered yet, so no quorum decides who may review this request. A sweep asks the approver again.
 *
 * @remarks Wait for the sweep, or repeat the ask with the same `idempotencyKey`: both ask the approver again. Then review.
 */
export class UndecidedError extends JitError {
  override readonly name = 'UndecidedError';
  readonly code = 'ERR_JIT_UNDECIDED';
  /** @param requestId the request that waits for the approver, or for its decision */
  constructor(
    readonly requestId: string,
    message = `request ${requestId} cannot be reviewed yet: the approver has not answered; a sweep or the same idempotencyKey asks it again`,
  ) {
    super(message);
  }
}

/** There is no such record in this namespace. @remarks Check the id and the namespace. A purge may have removed the record. */
export class NotFoundError extends JitError {
  override readonly name = 'NotFoundError';
  readonly code = 'ERR_JIT_NOT_FOUND';
  /**
   * @param kind the kind of the missing record
   * @param id the id, or the name of a follower
   */
  constructor(
    readonly kind: 'request' | 'grant' | 'lock' | 'follower' | 'provisioning change',
    readonly id: string,
  ) {
    super(`${kind} ${id} does not exist`);
  }
}

/**
 * The subject and the requester never review their own request.
 *
 * @remarks Let another reviewer review. The journal records the attempt.
 */
export class SelfReviewError extends JitError {
  override readonly name = 'SelfReviewError';
  readonly code = 'ERR_JIT_SELF_REVIEW';
  /**
   * @param requestId the request
   * @param reviewer the refused reviewer
   */
  constructor(
    readonly requestId: string,
    readonly reviewer: string,
  ) {
    super(`${reviewer} requested ${requestId} or is its subject, and cannot review it: another reviewer must`);
  }
}

/**
 * This reviewer may not review this request, or may no longer give this verdict; `why` gives the reason.
 *
 * @remarks Let a reviewer of the quorum review: `inbox` lists the requests that a reviewer may review. The journal records the
 *   attempt.
 */
export class NotReviewerError extends JitError {
  override readonly name = 'NotReviewerError';
  readonly code = 'ERR_JIT_NOT_REVIEWER';
  /**
   * @param requestId the request
   * @param reviewer the refused reviewer
   * @param why `not_in_group`: in no group that may review it. `not_your_step`: only in groups of a step that has not begun; a denial
   *   is accepted. `has_denied`: a denial cannot become an approval. `is_agent`: an agent never reviews
   */
  constructor(
    readonly requestId: string,
    readonly reviewer: string,
    readonly why: 'not_in_group' | 'not_your_step' | 'has_denied' | 'is_agent',
  ) {
    super(
      {
        not_in_group: `${reviewer} is in none of the groups that may review request ${requestId}`,
        not_your_step: `${reviewer} may approve request ${requestId} only in a later step, which has not begun`,
        has_denied: `${reviewer} has denied request ${requestId}; a denial cannot become an approval`,
        is_agent: `${reviewer} is an agent and cannot review request ${requestId}: agents never review`,
      }[why],
    );
  }
}

/**
 * This grant has ended, and a grant that has ended cannot be extended. Or no grant of this request is left to extend.
 *
 * @remarks Make a new request with `requestAccess`.
 */
export class EndedError extends JitError {
  override readonly name = 'EndedError';
  readonly code = 'ERR_JIT_ENDED';
  /**
   * How the grant ended; `undefined`: it expired, and no sweep has recorded it yet. Not enumerable: its `reason` is the
   * text of the person who ended it, and the requester of an extension must not see it.
   */
  declare readonly end: GrantEnd | undefined;
  /**
   * @param grantId the grant that should be extended; `undefined`: the call named a request
   * @param extendedRequestId the request whose grants should be extended together; `undefined`: the call named a grant
   */
  constructor(
    readonly grantId: string | undefined,
    end: GrantEnd | undefined,
    readonly extendedRequestId?: string,
  ) {
    super(
      extendedRequestId === undefined
        ? `grant ${grantId} has ended (${end?.cause ?? 'time'}) and cannot be extended; call requestAccess instead`
        : `no grant of request ${extendedRequestId} is left to extend: each has ended, or an extension of it is live; call requestAccess, or extend the later grants`,
    );
    hide(this, 'end', end);
  }
}

/**
 * The approval link cannot decide anything; `why` gives the reason.
 *
 * @remarks Create a new link, or let the reviewer review without one. A link that is `expired` or `used` was valid once; the other
 *   reasons suggest a forged or misdirected link.
 */
export class LinkError extends JitError {
  override readonly name = 'LinkError';
  readonly code = 'ERR_JIT_LINK';
  /**
   * @param why `malformed`: no token of this package. `signature`: signed with an unknown key. `expired`: its `expiresAt` has
   *   passed. `used`: its reviewer has reviewed since. `not_yours`: made for another reviewer. `other_request`: made for another
   *   namespace, or for another request with the same id
   * @param requestId the request that the link is for; `undefined`: the link is not trustworthy enough to name it
   */
  constructor(
    readonly why: 'malformed' | 'signature' | 'expired' | 'used' | 'not_yours' | 'other_request',
    readonly requestId: string | undefined,
  ) {
    super(`this approval link ${LINK_PROBLEMS[why]}`);
  }
}

const LINK_PROBLEMS: Readonly<Record<LinkError['why'], string>> = {
  malformed: 'is malformed',
  signature: 'is not signed with a key of this engine',
  expired: 'has expired',
  used: 'has been used: its reviewer has reviewed the request since',
  not_yours: 'was made for another reviewer',
  other_request: 'was made for another namespace or another request',
};

/**
 * `assertAllowed` or `consume` found no access; `decision` then gives the reason. Or a caller may not cancel this request or release
 * this grant. Or a guard refused a tool call.
 *
 * @remarks Do not act. Offer to request access; `explain` of `jit-access/explain` says who may approve. With `reused: true`, act
 *   only if your own record says that the first call has not acted.
 */
export class DeniedError extends JitError {
  override readonly name = 'DeniedError';
  readonly code = 'ERR_JIT_DENIED';
  /** True: an earlier `consume` took a use under this idempotency key, and the grant no longer allows. False: no use was taken. */
  readonly reused: boolean;
  /**
   * @param actor the subject of the check; for a cancel or release, its caller; for a tool call, the agent
   * @param decision the answer of the check; `undefined`: the refusal came from no check
   * @param use the use that the earlier `consume` took: its instant (epoch milliseconds), and how many uses the grant had left
   *   then; `undefined`: no use was taken
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
