import { expectedStart, escalatesAt, effectiveEnd, hasUsageRow, type AccessRequest, type Grant } from '../records/index.js';
import type { ClockReading } from '../core/time.js';
import { awaitsActivation, hasEnded, isUsable, requestStatus, type GrantUse } from './status.js';

/*
 * Why a subject may or may not, told from what is on record about it. What could still give access comes first, then
 * what has ended last, then what the subject has besides.
 */

/** What a record can say. */
export type ReasonOnRecord =
  | 'granted'
  | 'not_activated'
  | 'not_started'
  | 'pending'
  | 'expired'
  | 'revoked'
  | 'denied'
  | 'cancelled'
  | 'ineligible'
  | 'scope_mismatch';

/** What is on record about a subject. Requests are read before grants: one that is approved in between is found as a grant. */
export interface OnRecord {
  readonly requests: readonly AccessRequest[];
  readonly held: readonly GrantUse[];
}

/** How what a record names stands to the scope that is asked about. */
export interface ScopeRelation {
  readonly covers: (named: string) => boolean;
  readonly overlaps: (named: string) => boolean;
}

/** What decides, and from when on time alone may have changed that. */
export interface Finding {
  /** `unreadable`: an approved request, whose grant would have to say why, and isn't there. */
  readonly reason: ReasonOnRecord | 'unreadable';
  /** Either this or the grant. */
  readonly request: AccessRequest | undefined;
  readonly grant: Grant | undefined;
  /** Epoch milliseconds; `undefined`: never. */
  readonly changesAt: number | undefined;
  /** When it ended; `undefined`: it has not. Epoch milliseconds. */
  readonly endedAt: number | undefined;
}

/** One record as the rule sees it. */
interface Seen {
  readonly source: AccessRequest | GrantUse;
  readonly scopes: readonly string[];
  readonly state: 'granted' | 'not_activated' | 'not_started' | 'pending' | 'over';
  /** What it says about a scope that it covers. */
  readonly reason: Finding['reason'];
  readonly changesAt: number | undefined;
  /** When it ends, or has ended. */
  readonly until: number;
  /** Of those in one state, the one to tell is the one in which these are highest, the first before the second. */
  readonly order: readonly number[];
}

/** In the order in which they are looked for. */
const STATES = ['granted', 'not_activated', 'not_started', 'pending', 'over'] as const;

/** What decides, of all that is on record; `undefined`: nothing does. */
export function findReason(known: OnRecord, reach: ScopeRelation, reading: ClockReading): Finding | undefined {
  const all = seen(known, reading);
  const covering = all.filter((one) => isCovering(one, reach));
  for (const state of STATES) {
    const found = highest(covering.filter((one) => one.state === state));
    if (found !== undefined) return finding(found, found.reason);
  }
  const others = all.filter((one) => one.state !== 'over');
  const other = highest(others.map((one) => ({ ...one, order: closeness(one, reach) })));
  // Whether it begins changes nothing about the scope that is asked about.
  return other && finding({ ...other, changesAt: other.until - leewayMs(reading) }, 'scope_mismatch');
}

/** Of all this, what may still decide when the rest has been read: whatever has not ended, and what covers and ended last. */
export function narrow(known: OnRecord, reach: ScopeRelation, reading: ClockReading): OnRecord {
  const all = seen(known, reading);
  const last = highest(all.filter((one) => one.state === 'over' && isCovering(one, reach)));
  const kept = new Set(all.filter((one) => one.state !== 'over' || one === last).map(({ source }) => source));
  return { requests: known.requests.filter((one) => kept.has(one)), held: known.held.filter((one) => kept.has(one)) };
}

/**
 * Why, where nothing on record decides.
 *
 * @param isPurged whether what there was may have been purged: it once asked for something, and a purge has run
 */
export function reasonOfNothing(isPurged: boolean, isIneligible: boolean): 'purged' | 'ineligible' | 'no_request' {
  if (isPurged) return 'purged';
  return isIneligible ? 'ineligible' : 'no_request';
}

/** The groups whose members may approve: those of the quorum, and the one that may stand in for them once its time has come. */
export function groupsToApprove(request: Pick<AccessRequest, 'quorum' | 'assignedAt'>, now: number): readonly string[] {
  const { quorum } = request;
  if (quorum === undefined) return [];
  const names = quorum.groups.map(({ name }) => name);
  const standsIn = (escalatesAt(request) ?? Infinity) <= now ? quorum.escalation : undefined;
  return standsIn === undefined || names.includes(standsIn.group) ? names : [...names, standsIn.group];
}

function seen({ requests, held }: OnRecord, reading: ClockReading): readonly Seen[] {
  return [
    // A grant that is counted and whose count can't be read says nothing, like a row that can't be read.
    ...held.filter(({ grant, usage }) => grant.end !== undefined || !hasUsageRow(grant) || usage !== undefined).map(ofGrant(reading)),
    ...requests.map(ofRequest(reading)),
  ];
}

const ofGrant =
  (reading: ClockReading) =>
  (source: GrantUse): Seen => {
    const { grant, usage } = source;
    const common = { source, scopes: [grant.scope] };
    const until = effectiveEnd(grant, usage);
    const endsAt = until - leewayMs(reading);
    if (isUsable(source, reading)) {
      return { ...common, state: 'granted', reason: 'granted', changesAt: endsAt, until, order: [until] };
    }
    // It may be confirmed at any moment.
    if (awaitsActivation(source, reading)) {
      return { ...common, state: 'not_activated', reason: 'not_activated', changesAt: reading.now, until, order: [until] };
    }
    if (!hasEnded(source, reading) && reading.now < expectedStart(grant)) {
      const changesAt = Math.min(expectedStart(grant), endsAt);
      return { ...common, state: 'not_started', reason: 'not_started', changesAt, until, order: [-expectedStart(grant)] };
    }
    // A count that is closed has ended its grant, though the grant was read a moment earlier.
    const endedAt = usage?.endedAt ?? until;
    return { ...common, state: 'over', reason: reasonOfEnd(grant), changesAt: undefined, until: endedAt, order: [endedAt, 0] };
  };

function reasonOfEnd({ end }: Grant): ReasonOnRecord {
  if (end === undefined || end.status === 'expired') return 'expired';
  return end.cause === 'ineligible' ? 'ineligible' : 'revoked';
}

const ofRequest =
  (reading: ClockReading) =>
  (source: AccessRequest): Seen => {
    const { scopes, reviewBy, createdAt, end } = source;
    const status = requestStatus(source, reading.forEnds);
    if (status === 'pending') {
      return {
        source,
        scopes,
        state: 'pending',
        reason: 'pending',
        changesAt: reviewBy - leewayMs(reading),
        until: reviewBy,
        order: [reviewBy],
      };
    }
    // What it has given is for its grants to say. They end after the approval and so are told first, unless they aren't there.
    if (end?.status === 'approved') {
      return { source, scopes, state: 'over', reason: 'unreadable', changesAt: undefined, until: end.at, order: [end.at, -1] };
    }
    // At its deadline, whenever a sweep has written that down.
    const endedAt = end === undefined || end.status === 'expired' ? reviewBy : end.at;
    const reason = end?.cause === 'ineligible' ? 'ineligible' : (status as ReasonOnRecord);
    // Of what ended in one instant, a request that was made in it came last; any other went with its grant, which is seen first.
    return { source, scopes, state: 'over', reason, changesAt: undefined, until: endedAt, order: [endedAt, createdAt === endedAt ? 1 : 0] };
  };

const isCovering = ({ scopes }: Seen, { covers }: ScopeRelation): boolean => scopes.some((scope) => covers(scope));

/** What overlaps before what doesn't, what is usable before what is to come, what ends last before the others. */
function closeness({ scopes, state, until }: Seen, { overlaps }: ScopeRelation): readonly number[] {
  return [scopes.some((scope) => overlaps(scope)) ? 1 : 0, state === 'granted' ? 2 : state === 'pending' ? 0 : 1, until];
}

/** Of several that are alike the first. */
function highest(list: readonly Seen[]): Seen | undefined {
  return list.reduce<Seen | undefined>((best, one) => (best === undefined || isHigher(one.order, best.order) ? one : best), undefined);
}

/** Both have the same length. */
function isHigher(a: readonly number[], b: readonly number[]): boolean {
  const i = a.findIndex((value, at) => value !== b[at]);
  return i !== -1 && (a[i] as number) > (b[i] as number);
}

function finding({ source, state, changesAt, until }: Seen, reason: Finding['reason']): Finding {
  const endedAt = state === 'over' ? until : undefined;
  return 'grant' in source
    ? { reason, request: undefined, grant: source.grant, changesAt, endedAt }
    : { reason, request: source, grant: undefined, changesAt, endedAt };
}

const leewayMs = ({ forEnds, highWater: highestReading }: ClockReading): number => forEnds - highestReading;
