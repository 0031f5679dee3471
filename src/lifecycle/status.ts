import { expectedStart, effectiveStart, effectiveEnd, hasUsageRow, needsActivation } from '../records/derived.js';
import type { AccessRequest, Grant, Usage } from '../records/index.js';
import { epochOf, inWindow, isInstant, type Instant } from '../core/instant.js';

/*
 * The two questions about a grant, each answered here and nowhere else: is it usable now, and was it held at t.
 * Ends and deadlines are judged at `forEnds`, starts at `now`. `ClockReading` in time.ts explains why the two may differ.
 */

/** The instants at which starts (`now`) and ends (`forEnds`) are judged. The two are equal when the question is about the past. */
export interface Instants {
  readonly now: number;
  readonly forEnds: number;
}

/** A grant with its usage. Only a grant with an idle end or a number of uses has a usage row. */
export interface GrantUse {
  readonly grant: Grant;
  readonly usage: Usage | undefined;
}

/**
 * Usable now: no recorded end, inside the window, activated if its start must be confirmed, and neither idle nor used up.
 * Every condition must be proven: a missing value denies.
 */
export function isUsable(use: GrantUse, instants: Instants): boolean {
  // If the clock is set back to before the recorded activation, this denies again. `wasHeldAt` also counts the grant as held only
  // from its activation, so both give the same answer for one instant (L27).
  return effectiveStart(use.grant) <= instants.now && isInForce(use, instants);
}

/** Whether the start of a grant has come, and only the approver's confirmation is missing. */
export function awaitsActivation(use: GrantUse, instants: Instants): boolean {
  return needsActivation(use.grant, instants.forEnds) && isInForce(use, instants);
}

function isInForce({ grant, usage }: GrantUse, instants: Instants): boolean {
  const { end, startsAt } = grant;
  if (end !== undefined || (hasUsageRow(grant) && !hasUsesLeft(grant, usage))) return false;
  return isWithin(startsAt, effectiveEnd(grant, usage), instants);
}

/** Whether a start has come and an end has not. True only if both are instants: any other value of a store denies. */
export const isWithin = (from: number, until: number, { now, forEnds }: Instants): boolean =>
  isInstant(from) && isInstant(until) && from <= now && forEnds < until;

/** Whether the usage row proves that the grant is neither ended nor used up. A missing usage row proves nothing, so it denies. */
const hasUsesLeft = ({ maxUses }: Grant, usage: Usage | undefined): boolean =>
  usage !== undefined && usage.endedAt === undefined && (maxUses === undefined || usage.uses < maxUses);

/**
 * Until when these grants give access without a gap, as known now: from a grant that is usable now, through each grant that
 * continues it. `undefined`: no grant is usable now. The cover ends when `forEnds` reaches this instant, like every end.
 */
export function coveredUntil(uses: readonly GrantUse[], instants: Instants & { readonly highWater: number }): number | undefined {
  const leewayMs = instants.forEnds - instants.highWater;
  const usable = uses.find((use) => isUsable(use, instants));
  if (usable === undefined) return undefined;
  // Any usable grant will do: the others that are usable now continue it.
  let until = endOf(usable);
  // The leeway moves ends earlier but not starts, so a grant that starts at an end leaves a gap as long as the leeway.
  const goesOn = (use: GrantUse) => {
    const start = expectedStart(use.grant, instants.forEnds);
    return start <= until - leewayMs && endOf(use) > until && isUsable(use, { now: start, forEnds: start });
  };
  for (let next = uses.find(goesOn); next !== undefined; next = uses.find(goesOn)) until = endOf(next);
  return until;
}

const endOf = ({ grant, usage }: GrantUse): number => effectiveEnd(grant, usage);

/** Whether `bound`, the instant of an end or a deadline, has passed, recorded or not. */
export function hasPassed(bound: number, { forEnds }: Pick<Instants, 'forEnds'>): boolean {
  return !(forEnds < bound);
}

/** Whether a grant has ended, recorded or by time alone. */
export const hasEnded = ({ grant, usage }: GrantUse, instants: Pick<Instants, 'forEnds'>): boolean =>
  grant.end !== undefined || hasPassed(effectiveEnd(grant, usage), instants);

/** The access that the grants of a request give at an instant. */
export interface Access {
  /** At least one grant allows. */
  readonly allowed: boolean;
  /** No grant can allow, now or later. */
  readonly hasEnded: boolean;
}

export const accessAt = (uses: readonly GrantUse[], instants: Instants): Access => ({
  allowed: uses.some((use) => isUsable(use, instants)),
  hasEnded: uses.every((use) => hasEnded(use, instants)),
});

/** Whether a grant has not ended, and has not started yet or is not confirmed yet. */
export const isScheduled = (use: GrantUse, instants: Instants): boolean =>
  !hasEnded(use, instants) && instants.now < effectiveStart(use.grant);

/** Whether a grant was held at `t`: the rule for the past. False if `t` is not an instant. */
export function wasHeldAt(grant: Grant, t: Instant, usage?: Usage): boolean {
  return inWindow(epochOf(t), effectiveStart(grant), effectiveEnd(grant, usage));
}

/** Whether a grant was held at some instant of the half-open span `[from, until)`. */
export function wasHeldDuring(grant: Grant, from: number, until: number, usage?: Usage): boolean {
  const begin = effectiveStart(grant);
  const end = effectiveEnd(grant, usage);
  // `begin < end`: a grant that ended before its start was held at no instant.
  return begin < end && begin < until && from < end;
}

/** Whether a grant was held at an instant of the past or, as far as is known now, will be held at one of the future. */
export const isHeldAt = ({ grant, usage }: GrantUse, at: number, { highWater }: { readonly highWater: number }): boolean =>
  at <= highWater ? wasHeldAt(grant, at, usage) : inWindow(at, expectedStart(grant, highWater), effectiveEnd(grant, usage));

export type RequestStatus = 'pending' | 'approved' | 'denied' | 'cancelled' | 'expired';
export type GrantStatus = 'scheduled' | 'active' | 'expired' | 'revoked';

/**
 * A request's status: its recorded end, or else its status by time alone.
 *
 * @param now epoch milliseconds or a `Date`
 */
export function requestStatus(request: AccessRequest, now: Instant): RequestStatus {
  return request.end?.status ?? (hasPassed(request.reviewBy, { forEnds: epochOf(now) as number }) ? 'expired' : 'pending');
}

/**
 * A grant's status: its recorded end, or else its status by time alone. A grant whose start the approver must confirm stays
 * `scheduled` until its activation is recorded.
 *
 * @param at epoch milliseconds or a `Date`
 * @param usage the grant's usage, if it has an idle end
 */
export function grantStatus(grant: Grant, at: Instant, usage?: Usage): GrantStatus {
  const now = epochOf(at) as number;
  return grantStatusAt({ grant, usage }, { now, forEnds: now });
}

/** {@link grantStatus} by a clock reading: ends count early by its leeway. */
export function grantStatusAt(use: GrantUse, instants: Instants): GrantStatus {
  if (use.grant.end !== undefined) return use.grant.end.status;
  if (hasEnded(use, instants)) return 'expired';
  return isScheduled(use, instants) ? 'scheduled' : 'active';
}
