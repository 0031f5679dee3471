import { OwnFailure } from '../../core/print-failure.js';
import { isJitError, type AnyJitError, type JitErrorCode } from '../../core/errors.js';
import type { JsonObject, JsonValue } from '../../model/json.js';
import { OWN_PROBLEMS, type OwnProblemName } from './own-problems.js';
import { accessRequired } from '../../guards/refusal.js';

/** The body of an error, in the form of RFC 9457. */
export interface HttpProblem extends JsonObject {
  /** `urn:jit-access:problem:<name>`. It is stable, so that programs can test it. */
  readonly type: string;
  /** The kind of problem in a few words. */
  readonly title: string;
  /** The HTTP status code. */
  readonly status: number;
  /** One sentence for the person who reads the log of the client. */
  readonly detail: string;
}

/** An error as an HTTP answer: `body` as JSON, `headers` unchanged. */
export interface ProblemAnswer {
  /** The status of the response. */
  readonly status: number;
  /** By lower-case names, including `content-type`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The problem, as JSON. */
  readonly body: HttpProblem;
}

/** What an answer has beyond its problem. */
interface More {
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the text of the problem. */
  readonly detail?: string;
  readonly members?: JsonObject;
}

/** An error that is already its answer. */
export class HttpError extends OwnFailure {
  override readonly name = 'HttpError';

  /** @param isReported whether `onError` has received the failure already */
  constructor(
    readonly answer: ProblemAnswer,
    readonly isReported = false,
  ) {
    super(answer.body.detail);
  }
}

/** An answer that the handler gives by itself, without an error of the engine. */
export function ownProblem(name: OwnProblemName, { headers, detail = OWN_PROBLEMS[name].detail, members }: More = {}): HttpError {
  const { status, title } = OWN_PROBLEMS[name];
  return new HttpError(problemAnswer(status, [name, title, detail], headers, members));
}

/** Makes an error's answer. @param type the last part of the problem's URN */
function problemAnswer(
  status: number,
  [type, title, detail]: readonly [type: string, title: string, detail: string],
  headers: Readonly<Record<string, string>> = {},
  members: JsonObject = {},
): ProblemAnswer {
  return {
    status,
    // Never cached: a cached refusal would outlive its reason.
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: { type: `urn:jit-access:problem:${type}`, title, status, detail, ...members },
  };
}

/** How the handler answers an error code. */
interface CodeAnswer {
  readonly status: number;
  readonly title: string;
  /** A fixed text, if the error's own message names people or parts of the service. Default: the message. */
  readonly detail?: string;
  /** The fields of the error that the body has: those that a form or a client needs. */
  readonly members?: readonly string[];
  /** Seconds after which a repeat may succeed. */
  readonly retryAfter?: number;
}

const DOWN = { status: 503, title: 'Unavailable', retryAfter: 5 } as const;
/** Until an operator acts: a client that repeats the call only adds load. */
const STAYS_DOWN = { status: 503, title: 'Unavailable', members: ['requestId'] } as const;
// The failure may have come after the write, so the text does not say that nothing was recorded.
const REPEAT_LATER = 'The service cannot answer now. Repeat the call later, with the same Idempotency-Key.';

const ANSWERS: Readonly<Record<JitErrorCode, CodeAnswer>> = {
  ERR_JIT_INVALID_ARGUMENT: { status: 400, title: 'Invalid argument', members: ['argument', 'rule'] },
  ERR_JIT_REQUIREMENTS: {
    status: 422,
    title: 'Values to correct',
    detail: 'Some values are missing or out of bounds: `problems` lists them.',
    members: ['problems', 'reason', 'requestId'],
  },
  ERR_JIT_INELIGIBLE: {
    status: 403,
    title: 'Not eligible',
    detail: 'The subject has no right to the requested access.',
    members: ['scopes', 'reason'],
  },
  ERR_JIT_IDEMPOTENCY: {
    status: 422,
    title: 'Key already used',
    detail: 'This Idempotency-Key was used for another call. Use a new key for a new call.',
  },
  ERR_JIT_LIMIT: {
    status: 429,
    title: 'Limit reached',
    detail: 'A limit refuses this call: `limit` names it.',
    members: ['limit', 'max', 'got', 'retryAt', 'requestId'],
  },
  ERR_JIT_LOCKED: {
    status: 423,
    title: 'Locked',
    detail: 'A lock refuses this call. A person must lift it.',
    members: ['until', 'requestId'],
  },
  ERR_JIT_DECIDED: { status: 409, title: 'Already decided', members: ['requestId', 'outcome', 'replacedBy'] },
  ERR_JIT_DEADLINE: { status: 409, title: 'Deadline passed', members: ['requestId', 'reviewBy'] },
  ERR_JIT_UNDECIDED: {
    status: 409,
    title: 'Not decided yet',
    detail: 'The request is not ready for this call: it waits for its decision.',
    members: ['requestId'],
  },
  ERR_JIT_NOT_FOUND: { status: 404, title: 'Not found', detail: 'There is no such resource.' },
  ERR_JIT_SELF_REVIEW: {
    status: 403,
    title: 'Own request',
    detail: 'The subject and the requester never review their own request.',
    members: ['requestId'],
  },
  ERR_JIT_NOT_REVIEWER: {
    status: 403,
    title: 'Not a reviewer',
    detail: 'The caller may not give this review: `why` says the reason.',
    members: ['requestId', 'why'],
  },
  ERR_JIT_ENDED: {
    status: 409,
    title: 'Access has ended',
    detail: 'Access that has ended cannot be extended. Ask for access again.',
    members: ['grantId', 'extendedRequestId'],
  },
  ERR_JIT_LINK: { status: 410, title: 'Link not valid', members: ['why'] },
  ERR_JIT_DENIED: { status: 403, title: 'Denied', detail: 'The caller may not do this.' },
  ERR_JIT_PURGED: { status: 410, title: 'Records removed', members: ['horizon'] },
  ERR_JIT_PARTIAL: {
    ...DOWN,
    title: 'Partly done',
    detail: 'Only a part of the access has ended. Treat the access as not revoked, and repeat the call until it succeeds.',
    members: ['lockId'],
  },
  ERR_JIT_CONFLICT: {
    ...DOWN,
    retryAfter: 1,
    detail: 'Other calls kept changing the same records. Repeat the call.',
    members: ['requestId'],
  },
  ERR_JIT_OUTCOME_UNKNOWN: {
    ...DOWN,
    detail: 'The outcome of this call is unknown. Repeat it with the same Idempotency-Key.',
    members: ['changeId', 'requestId'],
  },
  ERR_JIT_STORE: { ...DOWN, detail: REPEAT_LATER, members: ['requestId'] },
  ERR_JIT_HOOK: {
    ...STAYS_DOWN,
    detail: 'A hook of the service refuses this change. A repeat is refused too, until the cause that the service has logged is gone.',
  },
  ERR_JIT_LAYOUT: {
    ...STAYS_DOWN,
    detail: 'The upgrade of the service is not finished: an operator must finish it before this call can succeed.',
  },
  ERR_JIT_CLOCK: { ...DOWN, detail: REPEAT_LATER, members: ['requestId'] },
  ERR_JIT_APPROVER: { ...DOWN, detail: REPEAT_LATER, members: ['requestId'] },
  ERR_JIT_ROLLBACK: {
    ...STAYS_DOWN,
    detail: 'The store has lost entries. An operator must accept that before this call can succeed.',
  },
  ERR_JIT_MOVED: {
    ...STAYS_DOWN,
    detail: 'The records have moved to another store. An operator must connect the service to it before this call can succeed.',
  },
  ERR_JIT_CLOSED: { ...DOWN, detail: REPEAT_LATER },
  ERR_JIT_CORRUPT: { status: 500, title: 'Unreadable record', detail: 'A stored record is unreadable. It gives no access.' },
};

/**
 * The HTTP answer for an error: of this package by its code, and 500 for every other value. The body has no data of another person:
 * no texts of people, and no names of subjects. For routes of your own beside the handler.
 *
 * The member `code` of the body is the error's code. The last part of `type` is the code in lower case: `ERR_JIT_NOT_REVIEWER` is
 * `urn:jit-access:problem:not-reviewer`. An error of `assertAllowed` is the answer of the guards: `access-required`, with the scope.
 *
 * @example
 * app.use((error, _request, response, next) => {
 *   const { status, headers, body } = toProblem(error);
 *   response.status(status).set(headers).send(JSON.stringify(body));
 * });
 */
export function toProblem(error: unknown): ProblemAnswer {
  if (error instanceof HttpError) return error.answer;
  if (!isJitError(error)) return ownProblem('internal').answer;
  if (error.code === 'ERR_JIT_DENIED' && error.decision !== undefined) return accessRequired(error.decision.scope, undefined);
  const { status, title, detail, members = [], retryAfter } = answerOf(error);
  // The text about a full row of locks names at most a lock to lift, which no list has once its `until` has passed.
  const isOfLocks = error.code === 'ERR_JIT_LIMIT' && error.limit === 'locks';
  const text = isOfLocks || detail === undefined ? error.message : detail;
  const fields = membersOf(error, members);
  const challenge = challengeOf(fields);
  const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  if (challenge !== undefined) Object.assign(headers, { 'www-authenticate': challenge });
  // RFC 9470: the reviewer is known, but must sign in again.
  return problemAnswer(challenge === undefined ? status : 401, [typeOf(error.code), title, text], headers, {
    code: error.code,
    ...fields,
  });
}

/** The problems of the error codes, for the documentation. */
export const PROBLEMS = Object.entries(ANSWERS).map(([code, { status, title, members = [] }]) => ({
  name: typeOf(code),
  status,
  title,
  members,
}));

/** A later version may throw a code that this one does not know. */
function answerOf(error: AnyJitError): CodeAnswer {
  return Object.hasOwn(ANSWERS, error.code) ? ANSWERS[error.code] : OWN_PROBLEMS.internal;
}

function typeOf(code: string): string {
  return code
    .replace(/^ERR_JIT_/, '')
    .toLowerCase()
    .replaceAll('_', '-');
}

function membersOf(error: AnyJitError, names: readonly string[]): JsonObject {
  // `status` of a problem is the HTTP status, so the status of a decided request has another name.
  const fields = { ...(error as unknown as JsonObject), outcome: (error as { readonly status?: JsonValue }).status };
  const given = names.map((name) => [name, fields[name as keyof typeof fields]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as JsonObject;
}

/** The challenge of RFC 9470 if an approval needs another authentication: a client knows from it how to sign the person in. */
function challengeOf({ problems }: JsonObject): string | undefined {
  const needed = (Array.isArray(problems) ? problems : []).filter((problem: JsonObject) => problem.code === 'assurance') as JsonObject[];
  if (needed.length === 0) return undefined;
  const limits = new Map(needed.map(({ field, limit }) => [field, limit]));
  const acr = limits.get('auth.acr');
  const maxAge = limits.get('auth.authAt');
  const parts = [
    'Bearer error="insufficient_user_authentication"',
    ...(typeof acr === 'string' && /^[ !#-[\]-~]*$/.test(acr) ? [`acr_values="${acr.replaceAll(', ', ' ')}"`] : []),
    ...(typeof maxAge === 'number' ? [`max_age=${Math.floor(maxAge / 1_000)}`] : []),
  ];
  return parts.join(', ');
}
