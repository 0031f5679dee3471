import { beginsAt, heldFrom, heldUntil, isCounted } from '../records/derived.js';
import type { AccessRequest, Grant, Usage } from '../records/index.js';
import { inWindow, isInstant } from '../core/time.js';

/*
 * The two questions about a grant, each answered here and nowhere else: is it usable now, and was it held at t.
 * A deadline and an end are judged at `late`, a start at `now`; see Reading in time.ts for why they may differ.
 */

/** The instants that a moment is judged at; both the same when the question is about the past. */
export interface Instants {
  readonly now: number;
  readonly late: number;
}

/** A grant with how it has been used; only one that is counted has a usage. */
export interface Held {
  readonly grant: Grant;
  readonly usage: Usage | undefined;
}

/**
 * Usable now: no recorded end, inside the window, activated where its start had to be asked about, and neither idle nor
 * used up. Allow only if; anything that isn't proven denies.
 */
export function isUsable(held: Held, instants: Instants): boolean {
  // Not before the answer either where the clock has gone back behind it: what is on record of the past says so too.
  return heldFrom(held.grant) <= instants.now && isInForce(held, instants);
}

/** Its time has come, and what is missing is only that its subject may still hold it. */
export function awaitsActivation(held: Held, instants: Instants): boolean {
  const { grant } = held;
  return grant.asksAtStart && grant.activatedAt === undefined && isInForce(held, instants);
}

function isInForce({ grant, usage }: Held, { now, late }: Instants): boolean {
  const { end, startsAt } = grant;
  if (end !== undefined || (isCounted(grant) && !isAccounted(grant, usage))) return false;
  const until = heldUntil(grant, usage);
  return isInstant(startsAt) && isInstant(until) && startsAt <= now && late < until;
}

/** Neither ended nor used up. One that is counted but has no count could be either. */
const isAccounted = ({ maxUses }: Grant, usage: Usage | undefined): boolean =>
  usage !== undefined && usage.endedAt === undefined && (maxUses === undefined || usage.uses < maxUses);

/**
 * Until when these grants cover without a gap, by what is known now: from one that is usable now on, and from one to
 * the next that goes on from there. `undefined`: they don't cover now. It is over when `late` reaches it, like every end.
 */
export function coveredUntil(held: readonly Held[], instants: Instants & { readonly highest: number }): number | undefined {
  const leewayMs = instants.late - instants.highest;
  const usable = held.find((one) => isUsable(one, instants));
  if (usable === undefined) return undefined;
  // Whichever it is: the others that are usable now go on from there.
  let until = endOf(usable);
  // Ends come early by the leeway and starts don't, so what begins at an end leaves a gap of that length.
  const goesOn = (one: Held) => beginsAt(one.grant) <= until - leewayMs && endOf(one) > until && isUsable(one, atStart(one));
  for (let next = held.find(goesOn); next !== undefined; next = held.find(goesOn)) until = endOf(next);
  return until;
}

const endOf = ({ grant, usage }: Held): number => heldUntil(grant, usage);
const atStart = ({ grant }: Held): Instants => ({ now: beginsAt(grant), late: beginsAt(grant) });

/** Whether time has ended what runs until `bound`, recorded or not. */
export function isOver(bound: number, { late }: Pick<Instants, 'late'>): boolean {
  return !(late < bound);
}

/** Whether a grant has ended, on record or by time alone. */
export const isGone = ({ grant, usage }: Held, instants: Pick<Instants, 'late'>): boolean =>
  grant.end !== undefined || isOver(heldUntil(grant, usage), instants);

/** What the grants of a request give at an instant. */
export interface Access {
  /** One of them allows. */
  readonly allowed: boolean;
  /** None of them can allow, now or later. */
  readonly hasEnded: boolean;
}

export const accessAt = (held: readonly Held[], instants: Instants): Access => ({
  allowed: held.some((one) => isUsable(one, instants)),
  hasEnded: held.every((one) => isGone(one, instants)),
});

/** Still to begin, or to be confirmed, and not over before. */
export const isScheduled = (held: Held, instants: Instants): boolean => !isGone(held, instants) && instants.now < heldFrom(held.grant);

/** Was held at t: the rule for the past. */
export function wasHeldAt(grant: Grant, t: number, usage?: Usage): boolean {
  return inWindow(t, heldFrom(grant), heldUntil(grant, usage));
}

/** Was held at some instant of the half-open span `[from, until)`. */
export function wasHeldDuring(grant: Grant, from: number, until: number, usage?: Usage): boolean {
  const begin = heldFrom(grant);
  const end = heldUntil(grant, usage);
  // The first: one that ended before its start was held at no instant.
  return begin < end && begin < until && from < end;
}

export type RequestStatus = 'pending' | 'approved' | 'denied' | 'cancelled' | 'expired';
export type GrantStatus = 'scheduled' | 'active' | 'expired' | 'revoked';

/**
 * A request's status: its recorded end, or what time has made of it.
 *
 * @param now epoch milliseconds
 */
export function requestStatus(request: AccessRequest, now: number): RequestStatus {
  return request.end?.status ?? (isOver(request.reviewBy, { late: now }) ? 'expired' : 'pending');
}

/**
 * A grant's status: its recorded end, or what time has made of it. One whose start had to be asked about stays
 * `scheduled` until its activation is on record.
 *
 * @param now epoch milliseconds
 * @param usage how it has been used, where it has an idle end
 */
export function grantStatus(grant: Grant, now: number, usage?: Usage): GrantStatus {
  if (grant.end !== undefined) return grant.end.status;
  const [held, instants] = [
    { grant, usage },
    { now, late: now },
  ];
  if (isGone(held, instants)) return 'expired';
  return isScheduled(held, instants) ? 'scheduled' : 'active';
}
