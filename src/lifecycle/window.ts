import { grantedOf, type AccessRequest, type Given } from '../records/index.js';

/** The half-open window `[startsAt, expiresAt)` of a grant. Epoch milliseconds. */
export interface Window {
  readonly startsAt: number;
  readonly expiresAt: number;
}

/**
 * The window that a decision at `at` gives (L4). It is empty if nothing is left to grant. An approval that narrowed the request
 * has set its length.
 * - Without a requested start, it begins at the decision.
 * - With a requested end, it never ends later.
 * - With a requested start, it begins there. A late decision gives the rest of the window.
 * - For an extension, it begins at the old grant's end or at a later decision, and `maxTotal` limits its end.
 *
 * It ends by the `endBy` of the terms. An ask that passes that instant was refused, so only a late decision is cut by it.
 */
export function windowOf(request: AccessRequest, at: number): Window {
  const { extension, startsAt: asked, until = Infinity, terms } = request;
  const { ttlMs } = grantedOf(request);
  if (extension === undefined) {
    return { startsAt: Math.max(asked ?? at, at), expiresAt: Math.min((asked ?? at) + ttlMs, until, terms?.endBy ?? Infinity) };
  }
  const startsAt = Math.max(extension.from, at);
  return { startsAt, expiresAt: Math.min(startsAt + ttlMs, latestEnd(request)) };
}

/** The fields that bound the window of a request. */
type Bounds = Given<Pick<AccessRequest, 'ttlMs' | 'until' | 'extension' | 'startsAt' | 'terms'>>;

/** A decision at or after this instant gives an empty window; `Infinity`: every decision gives a whole window. */
export function latestEnd({ ttlMs, until = Infinity, extension, startsAt, terms }: Bounds): number {
  const endBy = terms?.endBy ?? Infinity;
  if (extension !== undefined) return Math.min(until, extension.until, extension.firstStartsAt + (terms?.maxTotalMs ?? Infinity), endBy);
  return Math.min(startsAt === undefined ? Infinity : startsAt + ttlMs, until, endBy);
}

/** The latest review deadline. A decision before it leaves at least `minTtlMs` until a requested end. */
export const latestReview = (request: Bounds, minTtlMs: number): number =>
  Math.min(latestEnd(request), (request.until ?? Infinity) - minTtlMs);
