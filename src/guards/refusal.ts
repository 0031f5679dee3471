import type { JsonObject } from '../model/json.js';

/** The kind of a refusal. It is stable, so that programs can test it. */
export type ProblemType = (typeof TYPES)[keyof typeof TYPES];

const TYPES = {
  400: 'urn:jit-access:problem:invalid-scope',
  401: 'urn:jit-access:problem:unauthenticated',
  403: 'urn:jit-access:problem:access-required',
  503: 'urn:jit-access:problem:unavailable',
} as const;

/** The body of a refusal, in the form of RFC 9457. */
export interface Problem extends JsonObject {
  /** The kind of problem, as a URN. */
  readonly type: ProblemType;
  /** The kind of problem in a few words. */
  readonly title: string;
  /** The status of the response, as its head has it. */
  readonly status: keyof typeof TYPES;
  /** What was refused, and why. */
  readonly detail: string;
}

/** The answer instead of the handler's, for any framework: `body` as JSON, `headers` unchanged. */
export interface Refusal {
  /** The status of the response. */
  readonly status: keyof typeof TYPES;
  /** By lower-case names, including `content-type`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The problem, to be sent as JSON. */
  readonly body: Problem;
}

function refusal(
  status: Refusal['status'],
  [title, detail]: readonly [string, string],
  headers: Readonly<Record<string, string>> = {},
  members: Readonly<Record<string, string>> = {},
): Refusal {
  return {
    status,
    // Never cached: a cached refusal would outlive its reason.
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: { type: TYPES[status], title, status, detail, ...members },
  };
}

/** The caller is not authenticated. The challenge names no error: RFC 6750 keeps errors for credentials that were sent. */
export const unauthenticated = (realm: string): Refusal =>
  refusal(401, ['Unauthenticated', 'Authentication is required.'], { 'www-authenticate': `Bearer realm="${realm}"` });

/**
 * No access now. The answer is the same for every reason, for example a grant that starts later, or one that awaits
 * confirmation. A caller without access must not learn the difference, even with the subject's session.
 *
 * @param requestUrl `undefined`: callers know where to request access; `false`: access cannot be requested
 */
export function accessRequired(scope: string, requestUrl: string | false | undefined): Refusal {
  const said = ['Access required', 'This request requires access that the caller does not have now.'] as const;
  if (requestUrl === false) return refusal(403, said);
  // Neither value can end its quotes: scopes contain no such characters (L23), and the URL was validated for that.
  const challenge = `Bearer error="insufficient_scope", scope="${scope}"`;
  if (requestUrl === undefined) return refusal(403, said, { 'www-authenticate': challenge }, { scope });
  const url = new URL(requestUrl);
  url.searchParams.set('scope', scope);
  return refusal(403, said, { 'www-authenticate': `${challenge}, error_uri="${url.href}"` }, { scope, requestUrl: url.href });
}

/** The requested scope is invalid. The answer reveals neither existing scopes nor the form of a scope. */
export const invalidScope = (): Refusal => refusal(400, ['Bad request', 'The requested resource does not name a valid scope.']);

/** Access could not be checked. */
export const unavailable = (retryAfterMs: number): Refusal =>
  refusal(503, ['Unavailable', 'Access cannot be checked now. Try again later.'], {
    'retry-after': String(Math.ceil(retryAfterMs / 1_000)),
  });

/** Another handler has already answered this request. This refusal is never sent: it only keeps a framework from running the handler. */
export const answered = (): Refusal => refusal(503, ['Unavailable', 'This request was answered before access was checked.']);
