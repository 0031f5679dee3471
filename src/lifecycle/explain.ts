import { expectedStart, effectiveEnd, hasUsageRow, type AccessRequest, type Grant } from '../records/index.js';
import type { ClockReading } from '../core/clock.js';
import { awaitsActivation, hasEnded, isUsable, requestStatus, type GrantUse } from './status.js';

/*
 * Explains by a subject's records why the subject has access or not. A record that may still give access comes first, then the
 * record that ended last, then the records for other scopes.
 */

/** The reasons that a record can give. */
export type RecordedReason =
  | 'granted'
  | 'not_activated'
  | 'not_started'
  | 'pending'
  | 'expired'
  | 'revoked'
  | 'denied'
  | 'cancelled'
  | 'ineligible'
  | 'narrowed'
  | 'scope_mismatch';

/** The records of a subject. Requests are read before grants, so that a request approved in between is found as a grant. */
export interface KnownRecords {
  readonly requests: readonly AccessRequest[];
  readonly grants: readonly GrantUse[];
}

/** How the scopes of a record relate to the scope in question. */
export interface ScopeRelation {
  readonly covers: (named: string) => boolean;
  readonly overlaps: (named: string) => boolean;
}

/** The record that decides, and the instant from which time alone may change the reason. */
export interface Finding {
  /** `unreadable`: an approved request whose grant, which would give the reason, is missing. */
  readonly reason: RecordedReason | 'unreadable';
  /** The deciding request; `undefined` if a grant decides. */
  readonly request: AccessRequest | undefined;
  readonly grant: Grant | undefined;
  /** Epoch milliseconds; `undefined`: never. */
  readonly changesAt: number | undefined;
  /** Epoch milliseconds; `undefined`: it has not ended. */
  readonly endedAt: number | undefined;
}

/** One record in the form that {@link findReason} compares. */
interface Seen {
  readonly source: AccessRequest | GrantUse;
  readonly scopes: readonly string[];
  readonly state: 'granted' | 'not_activated' | 'not_started' | 'pending' | 'over';
  /** The reason that the record gives for a scope that it covers. */
  readonly reason: Finding['reason'];
  readonly changesAt: number | undefined;
  /** When it ends, or has ended. */
  readonly until: number;
  /** Of records in one state, the one with the highest numbers decides, compared from the first number on. */
  readonly order: readonly number[];
}

/** In the order of precedence. */
const STATES = ['granted', 'not_activated', 'not_started', 'pending', 'over'] as const;

/** The record that decides; `undefined`: none does. */
export function findReason(known: KnownRecords, reach: ScopeRelation, reading: ClockReading): Finding | undefined {
  const all = seen(known, reading);
  const covering = all.filter((record) => isCovering(record, reach));
  for (const state of STATES) {
    const found = highest(covering.filter((record) => record.state === state));
    if (found !== undefined) return finding(found, found.reason);
  }
  const others = all.filter((record) => record.state !== 'over');
  const other = highest(others.map((record) => ({ ...record, order: closeness(record, reach) })));
  // Its start changes nothing for the scope in question, so only its end counts.
  return other && finding({ ...other, changesAt: other.until - leewayMs(reading) }, 'scope_mismatch');
}

/** The records that may still decide when more are read: those that have not ended, and the covering record that ended last. */
export function narrow(known: KnownRecords, reach: ScopeRelation, reading: ClockReading): KnownRecords {
  const all = seen(known, reading);
  const last = highest(all.filter((record) => record.state === 'over' && isCovering(record, reach)));
  const kept = new Set(all.filter((record) => record.state !== 'over' || record === last).map(({ source }) => source));
  return { requests: known.requests.filter((request) => kept.has(request)), grants: known.grants.filter((grant) => kept.has(grant)) };
}

/**
 * The reason if {@link findReason} finds no record.
 *
 * @param isPurged whether the record may have been purged: the subject has once asked for access, and a purge has run
 */
export function reasonOfNothing(isPurged: boolean, isIneligible: boolean): 'purged' | 'ineligible' | 'no_request' {
  if (isPurged) return 'purged';
  return isIneligible ? 'ineligible' : 'no_request';
}

function seen({ requests, grants }: KnownRecords, reading: ClockReading): readonly Seen[] {
  return [
    // A grant whose usage row is missing or unreadable gives no reason, as if the grant itself were unreadable.
    ...grants.filter(({ grant, usage }) => grant.end !== undefined || !hasUsageRow(grant) || usage !== undefined).map(ofGrant(reading)),
    ...requests.flatMap(ofRequest(reading)),
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
    // An engine may confirm the start at any moment.
    if (awaitsActivation(source, reading)) {
      return { ...common, state: 'not_activated', reason: 'not_activated', changesAt: reading.now, until, order: [until] };
    }
    const startsAt = expectedStart(grant, reading.forEnds);
    if (!hasEnded(source, reading) && reading.now < startsAt) {
      const changesAt = Math.min(startsAt, endsAt);
      return { ...common, state: 'not_started', reason: 'not_started', changesAt, until, order: [-startsAt] };
    }
    // A closed usage has ended its grant, even if the grant was read a moment earlier.
    const endedAt = usage?.endedAt ?? until;
    return { ...common, state: 'over', reason: reasonOfEnd(grant), changesAt: undefined, until: endedAt, order: [endedAt, 0] };
  };

function reasonOfEnd({ end }: Grant): RecordedReason {
  if (end === undefined || end.status === 'expired') return 'expired';
  return end.cause === 'ineligible' ? 'ineligible' : 'revoked';
}

const ofRequest =
  (reading: ClockReading) =>
  (source: AccessRequest): readonly Seen[] => {
    const { scopes, reviewBy, createdAt, end } = source;
    const status = requestStatus(source, reading.forEnds);
    if (status === 'pending') {
      const changesAt = reviewBy - leewayMs(reading);
      return [{ source, scopes, state: 'pending', reason: 'pending', changesAt, until: reviewBy, order: [reviewBy] }];
    }
    const over = { source, state: 'over', changesAt: undefined } as const;
    if (end?.status === 'approved') {
      const { at, granted } = end;
      const left = scopes.filter((scope) => !granted.scopes.includes(scope));
      return [
        // The grants give the reason: they end after the approval, and so come first unless they are missing.
        { ...over, scopes: granted.scopes, reason: 'unreadable', until: at, order: [at, -1] },
        { ...over, scopes: left, reason: 'narrowed', until: at, order: orderOf(at, createdAt) },
      ];
    }
    // It expired at its deadline, even if a sweep recorded that later.
    const endedAt = end === undefined || end.status === 'expired' ? reviewBy : end.at;
    const reason = end?.cause === 'ineligible' ? 'ineligible' : (status as RecordedReason);
    return [{ ...over, scopes, reason, until: endedAt, order: orderOf(endedAt, createdAt) }];
  };

/**
 * Breaks a tie between records that ended in one instant. A request made in that instant is the latest of them, so it comes first.
 * An older request comes after a grant: a revoke has cancelled the request together with that grant.
 */
const orderOf = (endedAt: number, createdAt: number): readonly number[] => [endedAt, createdAt === endedAt ? 1 : 0];

const isCovering = ({ scopes }: Seen, { covers }: ScopeRelation): boolean => scopes.some((scope) => covers(scope));

/** Overlapping scopes before others, usable records before those to come, a later end before an earlier one. */
function closeness({ scopes, state, until }: Seen, { overlaps }: ScopeRelation): readonly number[] {
  return [scopes.some((scope) => overlaps(scope)) ? 1 : 0, state === 'granted' ? 2 : state === 'pending' ? 0 : 1, until];
}

/** The record with the highest order; of several, the first. */
function highest(list: readonly Seen[]): Seen | undefined {
  return list.reduce<Seen | undefined>(
    (best, record) => (best === undefined || isHigher(record.order, best.order) ? record : best),
    undefined,
  );
}

/** The two lists have the same length. If no value differs, neither is higher. */
function isHigher(a: readonly number[], b: readonly number[]): boolean {
  const i = a.findIndex((value, at) => value !== b[at]);
  return (a[i] ?? 0) > (b[i] ?? 0);
}

function finding({ source, state, changesAt, until }: Seen, reason: Finding['reason']): Finding {
  const endedAt = state === 'over' ? until : undefined;
  return 'grant' in source
    ? { reason, request: undefined, grant: source.grant, changesAt, endedAt }
    : { reason, request: source, grant: undefined, changesAt, endedAt };
}

const leewayMs = ({ forEnds, highWater }: ClockReading): number => forEnds - highWater;
