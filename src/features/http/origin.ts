import { show } from '../../core/parse.js';
import { headerOf } from '../json-body/headers.js';
import type { PlainAnswer } from '../json-body/plain-answer.js';
import { ownProblem } from './problem.js';
import type { ParsedHttpOptions } from './options.js';

type Origins = Pick<ParsedHttpOptions, 'ownOrigin' | 'corsOrigins'>;

/** The most refused origins that a handler reports, each once: any stranger can send any origin. */
const MAX_REPORTED = 10;

/** Reports a refused page to `onError`: behind a proxy that rewrites `Host`, it is a page of the service itself. */
export class OriginReports {
  readonly #onError: ParsedHttpOptions['onError'];
  readonly #reported = new Set<string>();

  constructor(onError: ParsedHttpOptions['onError']) {
    this.#onError = onError;
  }

  report(origin: string, own: string): void {
    if (this.#reported.size >= MAX_REPORTED || this.#reported.has(origin)) return;
    this.#reported.add(origin);
    const cure = 'if this page is your own, set publicUrl to its origin, or let the proxy keep Host';
    this.#onError(
      new Error(`a page of the origin ${show(origin)} was refused, because the handler's own origin is ${own}: ${cure}`),
      'origin',
    );
  }
}

/**
 * Refuses a call from a page of another origin: a browser sends the person's cookies with it. A call without `Origin` comes from no
 * page, or from a page of the same origin. Forwarded headers are not trusted: any client can send them.
 *
 * @throws HttpError 403
 */
export function refuseOtherOrigin(request: Request, { ownOrigin, corsOrigins }: Origins, reports: OriginReports): void {
  const origin = headerOf(request, 'origin');
  if (origin === null) {
    if (headerOf(request, 'sec-fetch-site') === 'cross-site') throw ownProblem('cross-origin');
    return;
  }
  const own = ownOrigin ?? new URL(request.url).origin;
  if (origin === own || corsOrigins.includes(origin)) return;
  reports.report(origin, own);
  throw ownProblem('cross-origin');
}

/** The CORS headers of an answer: none unless the page's origin is configured. */
export function corsHeaders(request: Request, { corsOrigins }: Origins): Readonly<Record<string, string>> {
  if (corsOrigins.length === 0) return {};
  const origin = headerOf(request, 'origin');
  if (origin === null || !corsOrigins.includes(origin)) return { vary: 'Origin' };
  return {
    vary: 'Origin',
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'ETag, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After',
  };
}

/** The answer of a preflight, if the origin is configured. */
export function preflight(request: Request, origins: Origins, methods: readonly string[]): PlainAnswer | undefined {
  if (request.method !== 'OPTIONS' || headerOf(request, 'access-control-request-method') === null) return undefined;
  const headers = corsHeaders(request, origins);
  if (headers['access-control-allow-origin'] === undefined) return undefined;
  return {
    status: 204,
    headers: {
      ...headers,
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers': 'Content-Type, Idempotency-Key, If-None-Match, Jit-Caller, Last-Event-ID, Prefer, Authorization',
      'access-control-max-age': '600',
    },
    body: null,
  };
}
