import { expectedStart, effectiveStart, effectiveEnd, hasUsageRow } from '../records/derived.js';
import type { AccessRequest, Grant, Usage } from '../records/index.js';
import { epochOf, inWindow, isInstant, type Instant } from '../core/instant.js';

/*
 * The two questions about a grant, each answered here and nowhere else: is it usable now, and was it held at t.
 * A deadline and an end are judged at `late`, a start at `now`; see Reading in time.ts for why they may differ.
 */

/** The instants that a moment is judged at; both the same when the question is about the past. */
export interface Instants {
  readonly now: number;
  readonly forEnds: number;
}

/** A grant with how it has been used; only one that is counted has a usage. */
export interface GrantUse {
  readonly grant: Grant;
  readonly usage: Usage | undefined;
}

/**
 * Usable now: no recorded end, inside the window, activated where its start must be confirmed, and neither idle nor used up.
 * Every condition must be proven: a missing value denies.
 */
export function isUsable(use: GrantUse, instants: Instants): boolean {
  // Not before its activation either, where the clock has gone back behind it: the answers about the past agree.
  return effectiveStart(use.grant) <= instants.now && isInForce(use, instants);
}

/** Its start has come, and only the approver's confirmation of it is missing. */
export function awaitsActivation(use: GrantUse, instants: Instants): boolean {
  const { grant } = use;
  return grant.asksAtStart && grant.activatedAt === undefined && isInForce(use, instants);
}

function isInForce({ grant, usage }: GrantUse, { now, forEnds }: Instants): boolean {
  const { end, startsAt } = grant;
  if (end !== undefined || (hasUsageRow(grant) && !hasUsesLeft(grant, usage))) return false;
  const until = effectiveEnd(grant, usage);
  return isInstant(startsAt) && isInstant(until) && startsAt <= now && forEnds < until;
}

/** Neither ended nor used up. A counted grant without a usage row could be either. */
const hasUsesLeft = ({ maxUses }: Grant, usage: Usage | undefined): boolean =>
  usage !== undefined && usage.endedAt === undefined && (maxUses === undefined || usage.uses < maxUses);

/**
 * Until when these grants cover without a gap, by what is known now: from one that is usable now on, and from one to
 * the next that goes on from there. `undefined`: they don't cover now. It is over when `late` reaches it, like every end.
 */
export function coveredUntil(uses: readonly GrantUse[], instants: Instants & { readonly highWater: number }): number | undefined {
  const leewayMs = instants.forEnds - instants.highWater;
  const usable = uses.find((use) => isUsable(use, instants));
  if (usable === undefined) return undefined;
  // Whichever it is: the others that are usable now go on from there.
  let until = endOf(usable);
  // Ends come early by the leeway and starts don't, so what begins at an end leaves a gap of that length.
  const goesOn = (use: GrantUse) => expectedStart(use.grant) <= until - leewayMs && endOf(use) > until && isUsable(use, atStart(use));
  for (let next = uses.find(goesOn); next !== undefined; next = uses.find(goesOn)) until = endOf(next);
  return until;
}

const endOf = ({ grant, usage }: GrantUse): number => effectiveEnd(grant, usage);
const atStart = ({ grant }: GrantUse): Instants => ({ now: expectedStart(grant), forEnds: expectedStart(grant) });

/** Whether time has ended what runs until `bound`, recorded or not. */
export function hasPassed(bound: number, { forEnds }: Pick<Instants, 'forEnds'>): boolean {
  return !(forEnds < bound);
}

/** Whether a grant has ended, recorded or by time alone. */
export const hasEnded = ({ grant, usage }: GrantUse, instants: Pick<Instants, 'forEnds'>): boolean =>
  grant.end !== undefined || hasPassed(effectiveEnd(grant, usage), instants);

/** What the grants of a request give at an instant. */
export interface Access {
  /** One of them allows. */
  readonly allowed: boolean;
  /** None of them can allow, now or later. */
  readonly hasEnded: boolean;
}

export const accessAt = (uses: readonly GrantUse[], instants: Instants): Access => ({
  allowed: uses.some((use) => isUsable(use, instants)),
  hasEnded: uses.every((use) => hasEnded(use, instants)),
});

/** Still to begin, or to be confirmed, and not over before. */
export const isScheduled = (use: GrantUse, instants: Instants): boolean =>
  !hasEnded(use, instants) && instants.now < effectiveStart(use.grant);

/** Was held at t: the rule for the past. */
export function wasHeldAt(grant: Grant, t: Instant, usage?: Usage): boolean {
  return inWindow(epochOf(t) as number, effectiveStart(grant), effectiveEnd(grant, usage));
}

/** Was held at some instant of the half-open span `[from, until)`. */
export function wasHeldDuring(grant: Grant, from: number, until: number, usage?: Usage): boolean {
  const begin = effectiveStart(grant);
  const end = effectiveEnd(grant, usage);
  // The first: one that ended before its start was held at no instant.
  return begin < end && begin < until && from < end;
}

export type RequestStatus = 'pending' | 'approved' | 'denied' | 'cancelled' | 'expired';
export type GrantStatus = 'scheduled' | 'active' | 'expired' | 'revoked';

/**
 * A request's status: its recorded end, or what time has made of it.
 *
 * @param now epoch milliseconds or a `Date`
 */
export function requestStatus(request: AccessRequest, now: Instant): RequestStatus {
  return request.end?.status ?? (hasPassed(request.reviewBy, { forEnds: epochOf(now) as number }) ? 'expired' : 'pending');
}

/**
 * A grant's status: its recorded end, or what time has made of it. One whose start had to be asked about stays
 * `scheduled` until its activation is recorded.
 *
 * @param at epoch milliseconds or a `Date`
 * @param usage how it has been used, where it has an idle end
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
