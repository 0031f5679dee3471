import {
  DeadlineError,
  DecidedError,
  DeniedError,
  EndedError,
  IdempotencyError,
  IneligibleError,
  InvalidArgumentError,
  JitError,
  LimitError,
  LinkError,
  LockedError,
  NotFoundError,
  NotReviewerError,
  PurgedError,
  RequirementsError,
  SelfReviewError,
  UndecidedError,
} from '../../core/errors.js';
import { BRAND } from '../../core/errors/jit-error.js';
import type { HttpProblem } from '../http/problem.js';

export type { HttpProblem };

/**
 * A call failed without an error code of the engine: no answer arrived, the caller is not authenticated or not permitted, or a proxy
 * answered in place of the handler. The errors of the engine have it as their `cause`.
 *
 * @remarks With the status 401, sign the person in. Without a status, the call may still have been carried out: a keyed call is
 *   repeated with the same key.
 */
export class HttpClientError extends Error {
  override readonly name: string = 'HttpClientError';
  /**
   * @param cause the error of `fetch`; `undefined`: an answer arrived
   * @param status the HTTP status; `undefined`: no answer arrived
   * @param problem the body of the answer (RFC 9457); `undefined`: it was none
   * @param retryAfterMs the pause that the header `Retry-After` names; `undefined`: none. Milliseconds
   */
  constructor(
    message: string,
    cause?: unknown,
    readonly status?: number,
    readonly problem?: HttpProblem,
    readonly retryAfterMs?: number,
  ) {
    super(message, { cause });
  }

  /** The stable type of the problem, such as `urn:jit-access:problem:forbidden`. `undefined`: the answer was no problem. */
  get type(): string | undefined {
    return this.problem?.type;
  }
}

/**
 * The answer 412 to a call with the option `caller` of the client: the handler's caller is another one, and nothing was done.
 *
 * @remarks Drop what the page shows, and make a client for the present caller. Never send the call again by itself.
 */
export class CallerChangedError extends HttpClientError {
  override readonly name = 'CallerChangedError';
}

/**
 * The classes of the refusals, by their names. Those of failures have fields that name parts of the service, which no answer contains.
 */
const CLASSES: Readonly<Record<string, abstract new (...args: never[]) => JitError>> = {
  DeadlineError,
  DecidedError,
  DeniedError,
  EndedError,
  IdempotencyError,
  IneligibleError,
  InvalidArgumentError,
  LimitError,
  LinkError,
  LockedError,
  NotFoundError,
  NotReviewerError,
  PurgedError,
  RequirementsError,
  SelfReviewError,
  UndecidedError,
};

/** The members of an answer that are fields of the error. Any other one could replace a part of it, such as `stack` or `toString`. */
const FIELDS =
  'argument;rule;limit;max;got;retryAt;scopes;problems;reason;requestId;reviewBy;replacedBy;until;why;grantId;extendedRequestId;horizon;lockId;changeId';

/**
 * The error of the engine that an answer describes, with the fields that the answer has, and the failure as its `cause`: a refusal as an
 * instance of its class, a failure of the service (5xx) as a `JitError` with its code. Any other error is returned unchanged.
 */
export function engineErrorOf(failure: unknown): unknown {
  const { problem = {}, message } = failure as { readonly problem?: Readonly<Record<string, unknown>>; readonly message?: string };
  const { code, outcome } = problem;
  if (typeof code !== 'string' || !/^ERR_JIT_[A-Z_]+$/.test(code)) return failure;
  const name = nameOf(code);
  const fields = Object.fromEntries(Object.entries(problem).filter(([member]) => FIELDS.split(';').includes(member)));
  // `status` of a problem is the HTTP status, so the status of a decided request has another name there.
  const error = Object.assign(new Error(message, { cause: failure }), fields, outcome && { status: outcome }, { code, name });
  // The constructors of the classes need records that no answer contains, so only their prototypes are used.
  Object.setPrototypeOf(error, (CLASSES[name] ?? JitError).prototype as object);
  return Object.defineProperty(error, BRAND, { value: true });
}

/** Not the `name` of the class, which bundlers shorten. */
const nameOf = (code: string): string =>
  `${code
    .slice(8)
    .toLowerCase()
    .replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase())}Error`;
