import { isJitError } from '../../../core/errors.js';
import type { JsonObject } from '../../../model/json.js';
import { AuthzenError } from '../errors.js';

const PROFILE = 'urn:openid:authzen:access-request:error:';
const OWN = 'urn:jit-access:problem:';

/** The problem types of the access request endpoints, with their status and title. */
const TYPES = {
  not_requestable: [`${PROFILE}not_requestable`, 400, 'This access cannot be requested'],
  expired_denial: [`${PROFILE}expired_denial`, 410, 'The denial has expired'],
  invalid_denial_binding: [`${PROFILE}invalid_denial_binding`, 400, 'The denial does not belong to this request'],
  duplicate_request: [`${PROFILE}duplicate_request`, 409, 'The idempotency key was used for another request'],
  unknown_task: [`${PROFILE}unknown_task`, 404, 'There is no such task'],
  task_expired: [`${PROFILE}task_expired`, 410, 'The task has expired'],
  invalid_task_state: [`${PROFILE}invalid_task_state`, 409, 'The task has ended'],
  invalid_request: [`${OWN}invalid-request`, 400, 'The request is not valid'],
  unauthenticated: [`${OWN}unauthenticated`, 401, 'Authentication is required'],
  forbidden: [`${OWN}forbidden`, 403, 'The caller may not do this'],
  method_not_allowed: [`${OWN}method-not-allowed`, 405, 'The endpoint has other methods'],
  slow_body: [`${OWN}slow-body`, 408, 'The body arrived too slowly'],
  too_large: [`${OWN}too-large`, 413, 'The body is too large'],
  limit: [`${OWN}limit`, 429, 'A limit is reached'],
  headers_too_large: [`${OWN}headers-too-large`, 431, 'A header is too long'],
  unavailable: [`${OWN}unavailable`, 503, 'The service is unavailable'],
} as const satisfies Readonly<Record<string, readonly [type: string, status: number, title: string]>>;

export type ProblemName = keyof typeof TYPES;

/** An answer of an access request endpoint that is no task. Its body contains no part of a record. */
export class Problem extends AuthzenError {
  /** The body of the response (RFC 9457). */
  readonly body: JsonObject;

  constructor(
    name: ProblemName,
    detail?: string,
    more: { readonly members?: JsonObject; readonly headers?: AuthzenError['headers'] } = {},
  ) {
    const [type, status, title] = TYPES[name];
    super(status, title, more.headers);
    this.body = { type, title, status, ...(detail !== undefined && { detail }), ...more.members };
  }
}

/** The problem for an error of the transport or of authentication. */
export function problemOf(error: AuthzenError): Problem {
  if (error instanceof Problem) return error;
  const names: Readonly<Record<number, ProblemName>> = {
    401: 'unauthenticated',
    403: 'forbidden',
    405: 'method_not_allowed',
    408: 'slow_body',
    413: 'too_large',
    429: 'limit',
    431: 'headers_too_large',
    503: 'unavailable',
  };
  return new Problem(names[error.status] ?? 'invalid_request', error.message, { headers: error.headers });
}

/** The problem for an error with which the engine refuses a request. `undefined`: the engine failed. */
export function problemOfRefusal(error: unknown, now: number): Problem | undefined {
  if (!isJitError(error)) return undefined;
  switch (error.code) {
    case 'ERR_JIT_INELIGIBLE':
    case 'ERR_JIT_LOCKED':
      return new Problem('not_requestable');
    case 'ERR_JIT_IDEMPOTENCY':
      return new Problem('duplicate_request');
    case 'ERR_JIT_LIMIT': {
      const wait = error.retryAt === undefined ? undefined : Math.max(1, Math.ceil((error.retryAt - now) / 1_000));
      return new Problem('limit', undefined, { headers: wait === undefined ? {} : { 'retry-after': String(wait) } });
    }
    case 'ERR_JIT_REQUIREMENTS':
      return new Problem('invalid_request', 'values are missing or out of bounds', {
        members: { problems: error.problems.map(({ field, code }) => ({ field, code })) },
      });
    case 'ERR_JIT_DEADLINE':
      return new Problem('invalid_request', 'the requested window has passed');
    case 'ERR_JIT_INVALID_ARGUMENT':
      return new Problem('invalid_request', `${error.argument} must be ${error.rule}`);
    default:
      return undefined;
  }
}
