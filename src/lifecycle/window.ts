import type { AccessRequest } from '../records/index.js';

/** Half-open `[startsAt, expiresAt)`. */
export interface Window {
  readonly startsAt: number;
  readonly expiresAt: number;
}

/**
 * The window that a decision at `at` gives (L4): from the decision on; from the start that was asked for, of which a late
 * decision gives what is left; for an extension from the old grant's end on, as far as `maxTotal` goes. Empty where
 * nothing is left to give.
 */
export function windowOf(request: AccessRequest, at: number): Window {
  const { ttlMs, extension, startsAt: asked } = request;
  if (extension === undefined) {
    return { startsAt: Math.max(asked ?? at, at), expiresAt: (asked ?? at) + ttlMs };
  }
  const startsAt = Math.max(extension.from, at);
  return { startsAt, expiresAt: Math.min(startsAt + ttlMs, latestEnd(request)) };
}

/** No decision at or after this instant leaves anything of the window; `Infinity`: each gives a whole one. */
export function latestEnd({ ttlMs, extension, startsAt, terms }: AccessRequest): number {
  if (extension !== undefined) return Math.min(extension.until, extension.firstStartsAt + (terms?.maxTotalMs ?? Infinity));
  return startsAt === undefined ? Infinity : startsAt + ttlMs;
}
