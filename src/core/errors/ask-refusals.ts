import type { AskProblem } from '../ask-problem.js';
import { JitError } from './jit-error.js';

/* The errors that refuse an ask: by a right, by a value, by its key, or by a limit. */

/**
 * The subject has no right to the requested access, and no other value of the ask would give it one. No request was recorded.
 *
 * @remarks Show `reason` to the requester. A repeat fails until the approver's rules or the subject's groups change.
 */
export class IneligibleError extends JitError {
  override readonly name = 'IneligibleError';
  readonly code = 'ERR_JIT_INELIGIBLE';
  /**
   * @param subject the subject that would hold the access
   * @param scopes the requested scopes
   * @param reason the approver's reason; `undefined`: it gave none
   */
  constructor(
    readonly subject: string,
    readonly scopes: readonly string[],
    readonly reason: string | undefined,
  ) {
    super(`${subject} is not eligible for ${scopes.join(', ')}${reason === undefined ? '' : `: ${reason}`}`);
  }
}

/**
 * Values of the ask are missing or out of bounds: those of the engine's limits, those of the approver's rules, or both. Or the terms
 * to which an approval narrows a request are out of bounds. The error lists all of them. No request and no review was recorded.
 *
 * @remarks Show each of `problems` beside the input of its `field`, and let the person correct them. A repeat fails again.
 */
export class RequirementsError extends JitError {
  override readonly name = 'RequirementsError';
  readonly code = 'ERR_JIT_REQUIREMENTS';
  /**
   * @param subject the subject that would hold the access
   * @param scopes the requested scopes
   * @param problems what to correct, at least one; first the engine's limits, then the rules
   * @param reason the same in words
   * @param requestId the request that an approval narrows; `undefined`: an ask was refused
   */
  constructor(
    readonly subject: string,
    readonly scopes: readonly string[],
    readonly problems: readonly AskProblem[],
    readonly reason: string,
    readonly requestId?: string,
  ) {
    const what = requestId === undefined ? `this request for ${scopes.join(', ')}` : `this approval of request ${requestId}`;
    super(`${what} must be corrected: ${reason}`);
  }
}

/**
 * This idempotency key was used before, for a call with other arguments.
 *
 * @remarks Use a new key for a new call, and the same arguments for a repeat.
 */
export class IdempotencyError extends JitError {
  override readonly name = 'IdempotencyError';
  readonly code = 'ERR_JIT_IDEMPOTENCY';
  /** @param recordId the id of the request, or of the use, that the key made */
  constructor(readonly recordId: string) {
    super(`this idempotencyKey was used for another call, which created ${recordId}; use a new key`);
  }
}

/**
 * A limit on a count, on the access in all, or on the pause between two asks refuses the call; `limit` names it. For a bound on
 * a value of the ask, such as `limits.maxTtl`, see {@link RequirementsError}.
 *
 * @remarks Ask for less, or wait until earlier requests and grants have ended. For `askAgainAfter`, wait until `retryAt`. For
 *   `maxUnreviewed`, let a reviewer give the pending break-glass review. For `maxHolders`, the request stays pending: approve it when
 *   the access of another subject has ended.
 */
export class LimitError extends JitError {
  override readonly name = 'LimitError';
  readonly code = 'ERR_JIT_LIMIT';
  /**
   * @param limit a member of the option `limits`; or a fixed limit: `locks` (open in a namespace at a time), `extensions` (grants of
   *   an extension chain), `extensionRequests` (its open requests), `reviews` and `comments` (of a request), `commentsOfAuthor` (of one
   *   author on a request), `narrowedScopes` (characters of the scopes that its reviews name), `breakGlassGrants` (of a subject at a
   *   time), `maxChange` (rows, entries or bytes of the store's largest change); or a limit of the approver: `maxUnreviewed`
   *   (pending break-glass reviews), `maxHolders` (subjects that hold access under a rule at a time)
   * @param max the bound that the limit sets. Durations are milliseconds
   * @param got what the call would reach. Durations are milliseconds
   * @param retryAt only for the limit `askAgainAfter`: the first instant after the pause. Epoch milliseconds
   * @param requestId only for the limit `maxHolders`: the request, which is recorded and stays pending
   */
  constructor(
    readonly limit: string,
    readonly max: number,
    readonly got: number,
    message = `limits.${limit} allows at most ${max}; got ${got}`,
    readonly retryAt?: number,
    readonly requestId?: string,
  ) {
    super(message);
  }
}
