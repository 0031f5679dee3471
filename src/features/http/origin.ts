import { ownProblem } from './problem.js';
import type { ParsedHttpOptions } from './options.js';

type Origins = Pick<ParsedHttpOptions, 'ownOrigin' | 'corsOrigins'>;

/**
 * Refuses a call from a page of another origin: a browser sends the person's cookies with it. A call without `Origin` comes from no
 * page, or from a page of the same origin. Forwarded headers are not trusted: any client can send them.
 *
 * @throws HttpError 403
 */
export function refuseOtherOrigin(request: Request, origins: Origins): void {
  const origin = request.headers.get('origin');
  const isAllowed =
    origin === null
      ? request.headers.get('sec-fetch-site') !== 'cross-site'
      : origin === ownOrigin(request, origins) || origins.corsOrigins.includes(origin);
  if (!isAllowed) throw ownProblem('cross-origin');
}

const ownOrigin = (request: Request, { ownOrigin: configured }: Origins): string => configured ?? new URL(request.url).origin;

/** The CORS headers of an answer: none unless the page's origin is configured. */
export function corsHeaders(request: Request, { corsOrigins }: Origins): Readonly<Record<string, string>> {
  if (corsOrigins.length === 0) return {};
  const origin = request.headers.get('origin');
  if (origin === null || !corsOrigins.includes(origin)) return { vary: 'Origin' };
  return {
    vary: 'Origin',
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'ETag, Location, Preference-Applied, Retry-After',
  };
}

/** The answer of a preflight, where the origin is configured. */
export function preflight(request: Request, origins: Origins, methods: readonly string[]): Response | undefined {
  if (request.method !== 'OPTIONS' || request.headers.get('access-control-request-method') === null) return undefined;
  const headers = corsHeaders(request, origins);
  if (headers['access-control-allow-origin'] === undefined) return undefined;
  return new Response(null, {
    status: 204,
    headers: {
      ...headers,
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers': 'Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer, Authorization',
      'access-control-max-age': '600',
    },
  });
}
