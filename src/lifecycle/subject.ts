import { LimitError } from '../errors.js';
import { heldUntil, makeSubject, type AccessRequest, type Subject } from '../records.js';
import { isGone, isOver, isUsable, type Held } from './status.js';
import { nextVersion, type Moment } from './step.js';

/*
 * Rules about a subject's set. They hold because whatever opens a request or issues a grant writes the subject's row: of
 * two that counted the same set, one finds the row changed and counts again.
 */

/** What an engine allows a subject to have at a time. */
export interface SubjectLimits {
  readonly maxOpenRequests: number;
  readonly maxGrants: number;
  readonly duplicates: 'refuse' | 'return';
}

/** A subject's set, read after its row. */
export interface SubjectFacts {
  /** Its row as it was before anything else was read; `undefined`: it has none yet. */
  readonly subject: Subject | undefined;
  /** Its grants that have no recorded end. */
  readonly live: readonly Held[];
}

/** The row as it must be written by whatever relies on the set. */
export function touchSubject(id: string, subject: Subject | undefined, unreviewed = subject?.unreviewed ?? []): Subject {
  return makeSubject({ id, version: nextVersion(subject), unreviewed });
}

/** How many grants count against `maxGrants`: those that time hasn't ended, the scheduled ones too. */
export const countGrants = (live: readonly Held[], moment: Moment): number => live.filter((held) => !isGone(held, moment)).length;

/** Refuses a request that would be one too many, or whose grants would. */
export function refuseTooMany(
  { maxOpenRequests, maxGrants }: SubjectLimits,
  asked: Pick<AccessRequest, 'scopes'>,
  open: readonly AccessRequest[],
  live: readonly Held[],
  moment: Moment,
): void {
  const requests = open.filter((request) => isPending(request, moment)).length + 1;
  if (requests > maxOpenRequests) throw new LimitError('maxOpenRequests', maxOpenRequests, requests);
  const grants = countGrants(live, moment) + asked.scopes.length;
  if (grants > maxGrants) throw new LimitError('maxGrants', maxGrants, grants);
}

/** What stands for an ask that is made twice: the open request, or the grants that already give at least as much. */
export type Duplicate = { readonly requestId: string; readonly what: 'request' } | { readonly requestId: string; readonly what: 'grants' };

type Wanted = Pick<AccessRequest, 'subject' | 'scopes' | 'ttlMs' | 'startsAt' | 'extension'>;

/**
 * Finds what an ask would only repeat: an open request for the same subject, scopes and start, whoever asked and for how
 * long, or live grants of one request for exactly these scopes that hold for all of the asked time. An extension repeats
 * only an open request to extend the same grant.
 */
export function findDuplicate(asked: Wanted, open: readonly AccessRequest[], live: readonly Held[], moment: Moment): Duplicate | undefined {
  const same = open.find(
    (request) =>
      isPending(request, moment) &&
      request.startsAt === asked.startsAt &&
      request.extension?.grantId === asked.extension?.grantId &&
      areSame(request.scopes, asked.scopes),
  );
  if (same !== undefined) return { requestId: same.id, what: 'request' };
  if (asked.extension !== undefined) return undefined;
  // What a new grant would last to: the leeway shortens both.
  const from = asked.startsAt ?? moment.now;
  const until = from + asked.ttlMs;
  const byRequest = new Map<string, string[]>();
  for (const held of live) {
    const { grant, usage } = held;
    // Once its time has come it must be usable: one whose start is still to be confirmed gives nothing.
    const isThere = grant.startsAt <= from && (grant.startsAt <= moment.now ? isUsable(held, moment) : !isGone(held, moment));
    if (isThere && heldUntil(grant, usage) >= until)
      byRequest.set(grant.requestId, [...(byRequest.get(grant.requestId) ?? []), grant.scope]);
  }
  const covering = [...byRequest].find(([, scopes]) => areSame(scopes, asked.scopes));
  return covering && { requestId: covering[0], what: 'grants' };
}

const isPending = (request: AccessRequest, moment: Moment): boolean => request.end === undefined && !isOver(request.reviewBy, moment);

/** Both name each scope once. */
const areSame = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((scope) => b.includes(scope));
