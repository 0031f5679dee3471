import { invalid } from './parse.js';

/**
 * Refuses the request of `node:http` and the context of a framework, for which a handler of `Request` and `Response` would wait for ever
 * or answer nothing. A `Request` of any realm, and that of a polyfill, has `Headers`.
 *
 * Throws at once and returns no promise: Express 4 and `node:http` ignore a rejected one.
 *
 * @param remedy what to write instead
 * @throws InvalidArgumentError
 */
export function assertRequest(request: unknown, remedy: string): void {
  const { headers } = Object(request) as { readonly headers?: { readonly get?: unknown } };
  if (typeof headers?.get !== 'function') throw invalid('request', `a Request: ${remedy}`, request);
}

/** The remedy for a handler of this package. */
export const WRAP = 'wrap the handler in toNodeHandler(...) of jit-access/http for Express, Connect, Fastify and node:http';
