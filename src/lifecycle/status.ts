import { heldUntil } from '../records/derived.js';
import type { AccessRequest, Grant } from '../records/types.js';
import { inWindow, isInstant } from '../time.js';

/*
 * The two questions about a grant, each answered here and nowhere else: is it usable now, and was it held at t.
 * A deadline and an end are judged at `late`, a start at `now`; see Reading in time.ts for why they may differ.
 */

/** The instants that a moment is judged at; both the same when the question is about the past. */
export interface Instants {
  readonly now: number;
  readonly late: number;
}

/** Usable now: no recorded end, and inside the window. Allow only if; anything that isn't proven denies. */
export function isUsable(open: boolean, startsAt: number, expiresAt: number, { now, late }: Instants): boolean {
  return open && isInstant(startsAt) && isInstant(expiresAt) && startsAt <= now && late < expiresAt;
}

/** Whether time has ended what runs until `bound`, recorded or not. */
export function isOver(bound: number, { late }: Instants): boolean {
  return !(late < bound);
}

/** Was held at t: the rule for the past. */
export function wasHeldAt(grant: Pick<Grant, 'startsAt' | 'expiresAt' | 'end'>, t: number): boolean {
  return inWindow(t, grant.startsAt, heldUntil(grant));
}

/** Was held at some instant of the half-open span `[from, until)`. */
export function wasHeldDuring(grant: Pick<Grant, 'startsAt' | 'expiresAt' | 'end'>, from: number, until: number): boolean {
  const end = heldUntil(grant);
  // The first: one that ended before its start was held at no instant.
  return grant.startsAt < end && grant.startsAt < until && from < end;
}

export type RequestStatus = 'pending' | 'approved' | 'denied' | 'cancelled' | 'expired';
export type GrantStatus = 'scheduled' | 'active' | 'expired' | 'revoked';

/**
 * A request's status: its recorded end, or what time has made of it.
 *
 * @param now epoch milliseconds
 */
export function requestStatus(request: AccessRequest, now: number): RequestStatus {
  return request.end?.status ?? (isOver(request.reviewBy, { now, late: now }) ? 'expired' : 'pending');
}

/**
 * A grant's status: its recorded end, or what time has made of it.
 *
 * @param now epoch milliseconds
 */
export function grantStatus(grant: Grant, now: number): GrantStatus {
  if (grant.end !== undefined) return grant.end.status;
  if (isOver(grant.expiresAt, { now, late: now })) return 'expired';
  return grant.startsAt <= now ? 'active' : 'scheduled';
}
