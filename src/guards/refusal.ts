import type { JsonObject } from '../core/json.js';

/** What kind of refusal this is; stable, for programs to tell apart. */
export type ProblemType = (typeof TYPES)[keyof typeof TYPES];

const TYPES = {
  400: 'urn:jit-access:problem:invalid-scope',
  401: 'urn:jit-access:problem:unauthenticated',
  403: 'urn:jit-access:problem:access-required',
  503: 'urn:jit-access:problem:unavailable',
} as const;

/** What a refusal says to the caller, in the form of RFC 9457. */
export interface Problem extends JsonObject {
  readonly type: ProblemType;
  readonly title: string;
  readonly status: keyof typeof TYPES;
  readonly detail: string;
}

/** An answer that isn't the handler's, for any framework to send: `body` as JSON, `headers` as they are. */
export interface Refusal {
  readonly status: keyof typeof TYPES;
  /** By their names in lower case, `content-type` among them. */
  readonly headers: Readonly<Record<string, string>>;
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
    // An answer that is kept would go on refusing, or asking for a login, when that is no longer so.
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: { type: TYPES[status], title, status, detail, ...members },
  };
}

/** The caller is not authenticated. The challenge names no error: RFC 6750 keeps errors for credentials that were sent. */
export const unauthenticated = (realm: string): Refusal =>
  refusal(401, ['Unauthenticated', 'Authentication is required.'], { 'www-authenticate': `Bearer realm="${realm}"` });

/**
 * No access now, for whatever reason: that access has been granted for later, or is waiting to be confirmed, is nobody's
 * business who can't use it, not even where they have the subject's session.
 *
 * @param requestUrl `undefined`: it can be asked for, the caller knows where; `false`: it can't
 */
export function accessRequired(scope: string, requestUrl: string | false | undefined): Refusal {
  const said = ['Access required', 'This request requires access that the caller does not have now.'] as const;
  if (requestUrl === false) return refusal(403, said);
  // Neither value can end its quotes: scopes have no such characters (L23), and the address was read for it.
  const challenge = `Bearer error="insufficient_scope", scope="${scope}"`;
  if (requestUrl === undefined) return refusal(403, said, { 'www-authenticate': challenge }, { scope });
  const url = new URL(requestUrl);
  url.searchParams.set('scope', scope);
  return refusal(403, said, { 'www-authenticate': `${challenge}, error_uri="${url.href}"` }, { scope, requestUrl: url.href });
}

/** What was asked for names no scope. It says nothing about what there is, nor what a scope looks like. */
export const invalidScope = (): Refusal => refusal(400, ['Bad request', 'The requested resource does not name a valid scope.']);

/** Access could not be checked. */
export const unavailable = (retryAfterMs: number): Refusal =>
  refusal(503, ['Unavailable', 'Access cannot be checked now. Try again later.'], {
    'retry-after': String(Math.ceil(retryAfterMs / 1_000)),
  });

/** Another handler has answered this request. It is never sent: it only keeps a framework from running the handler. */
export const answered = (): Refusal => refusal(503, ['Unavailable', 'This request was answered before access was checked.']);
