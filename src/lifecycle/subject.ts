import { LimitError } from '../core/errors.js';
import { effectiveEnd, grantedOf, makeSubject, type AccessRequest, type Grant, type Subject } from '../records/index.js';
import { differencesFrom } from './ask.js';
import type { LocksContext } from './lock.js';
import { hasEnded, hasPassed, isUsable, type GrantUse } from './status.js';
import { nextVersion, type Moment } from './transition.js';

/*
 * Rules about the grants and requests of a subject. They also hold for concurrent transitions: each transition that opens a
 * request or issues a grant writes the subject's row. If two transitions have counted the same records, the commit of the second
 * one conflicts, and it counts again.
 */

/** The limits on the requests and grants of a subject at a time. */
export interface SubjectLimits {
  readonly maxOpenRequests: number;
  readonly maxGrants: number;
  readonly duplicates: 'refuse' | 'return';
}

/** A subject's row and its grants. The grants are read after the row: a grant issued in between makes the commit conflict. */
export interface SubjectContext {
  /** The subject's row, read before anything else; `undefined`: it has none yet. */
  readonly subject: Subject | undefined;
  /** The subject's grants without a recorded end, also those that time has ended. */
  readonly live: readonly GrantUse[];
  /**
   * The requests of these grants, by request id, as far as they have been loaded. They name the requester. A grant whose request
   * has not been loaded counts against every requester.
   */
  readonly given: ReadonlyMap<string, AccessRequest>;
  /** The locks of the namespace. */
  readonly locks: LocksContext;
}

/** The ids by which {@link countsAgainst} decides. */
export type Asked = Pick<AccessRequest, 'subject' | 'requestedBy'>;

/**
 * Whether an earlier request for a subject counts when a new request for this subject is judged. It counts if the same requester
 * made it, or if the subject made it itself. So no other caller can use up a subject's limits. A request on the subject's behalf
 * stays within the limit together with the subject's own requests (L44). The requests of two other callers do not count against
 * each other: each requester has the limits for itself.
 *
 * @param requestedBy the requester of the earlier request; `undefined`: not known, so the request counts
 */
export const countsAgainst = (asked: Asked, requestedBy: string | undefined): boolean =>
  requestedBy === undefined || requestedBy === asked.requestedBy || requestedBy === asked.subject;

/**
 * The next version of the subject's row. Each transition that depends on the subject's grants and requests writes it, so that
 * concurrent ones conflict.
 */
export function touchSubject(
  id: string,
  subject: Subject | undefined,
  change: Partial<Omit<Subject, 'kind' | 'id' | 'version'>> = {},
): Subject {
  const { unreviewed = [], openedForOthers = [], denied = [] } = subject ?? {};
  return makeSubject({ unreviewed, openedForOthers, denied, ...change, id, version: nextVersion(subject) });
}

/**
 * The most break-glass grants at a time. They do not count against `maxGrants`, so other grants cannot block break-glass. The
 * number equals the most scopes of a request, so that one whole request fits.
 */
const BREAK_GLASS_RESERVE = 50;

/** Whether break-glass issued the grant. An extension of break-glass access is not counted as such. */
const isTaken = (grant: Grant): boolean => grant.breakGlass && grant.extends === undefined;

/**
 * How many grants count against a request: those without a recorded end, scheduled ones included. An expiry frees a place only
 * once it is recorded. Otherwise a subject could open any number of very short windows.
 *
 * @param taken true: counts the grants that break-glass issued; false: the others. Each of the two has its own limit
 */
export function countGrants({ live, given }: SubjectContext, asked: Asked, taken: boolean): number {
  const counts = ({ grant }: GrantUse) => isTaken(grant) === taken && countsAgainst(asked, given.get(grant.requestId)?.requestedBy);
  return live.filter((use) => use.grant.end === undefined && counts(use)).length;
}

/** The limit that the grants of a request would exceed; `undefined`: none. */
export function grantLimitMet(
  { maxGrants }: Pick<SubjectLimits, 'maxGrants'>,
  asked: Asked & Pick<AccessRequest, 'scopes'>,
  context: SubjectContext,
  isBreakGlass: boolean,
): LimitError | undefined {
  const grants = countGrants(context, asked, isBreakGlass) + asked.scopes.length;
  if (!isBreakGlass) return grants > maxGrants ? new LimitError('maxGrants', maxGrants, grants) : undefined;
  if (grants <= BREAK_GLASS_RESERVE) return undefined;
  const message = `${asked.subject} may have ${BREAK_GLASS_RESERVE} break-glass grants at a time; got ${grants}`;
  return new LimitError('breakGlassGrants', BREAK_GLASS_RESERVE, grants, message);
}

/** What a repeated request duplicates: the open request, or the request whose grants already give this access. */
export type Duplicate = { readonly requestId: string; readonly what: 'request' } | { readonly requestId: string; readonly what: 'grants' };

/** The error of an ask that only repeats another request, if the limit refuses that. */
export function duplicateRefused({ requestId, what }: Duplicate): LimitError {
  const state = what === 'request' ? 'is open' : 'gives this already';
  return new LimitError('duplicates', 1, 2, `limits.duplicates refuses the same ask twice: request ${requestId} ${state}`);
}

type Wanted = Asked &
  Pick<
    AccessRequest,
    'agent' | 'operator' | 'scopes' | 'ttlMs' | 'until' | 'startsAt' | 'extension' | 'justification' | 'ticket' | 'metadata'
  >;

/**
 * Finds the earlier request that a new request would only repeat: an open request, or else one whose grants give the requested
 * access for all of the requested time. An extension repeats only an open request, never grants.
 *
 * @param open requests without a recorded end
 */
export function findDuplicate(
  asked: Wanted,
  open: readonly AccessRequest[],
  { live, given }: Pick<SubjectContext, 'live' | 'given'>,
  moment: Moment,
): Duplicate | undefined {
  const same = open.find((request) => isPending(request, moment) && repeatsOpen(asked, request));
  if (same !== undefined) return { requestId: same.id, what: 'request' };
  if (asked.extension !== undefined) return undefined;
  // The window of a grant issued now. `leewayMs` moves the ends of this grant and of earlier grants alike, so it is ignored.
  const from = asked.startsAt ?? moment.now;
  const until = asked.until ?? from + asked.ttlMs;
  const [longest] = [...given.values()]
    .filter((request) => isGiving(asked, request))
    .map(({ id }) => ({ id, until: heldUntil(asked.scopes, id, live, from, moment) }))
    .filter((held) => held.until >= until)
    .sort((a, b) => b.until - a.until || (a.id < b.id ? -1 : 1));
  return longest && { requestId: longest.id, what: 'grants' };
}

/**
 * Whether an ask repeats an open request: the same requester, scopes, start and extended grants. Both have a length, or both have
 * an end, and that of the open one is not later, so that its approval never gives more time than this caller asked for.
 */
const repeatsOpen = (asked: Wanted, request: AccessRequest): boolean =>
  request.requestedBy === asked.requestedBy &&
  request.startsAt === asked.startsAt &&
  areSame(request.extension?.grantIds ?? [], asked.extension?.grantIds ?? []) &&
  (request.until === undefined) === (asked.until === undefined) &&
  (request.until === undefined ? request.ttlMs <= asked.ttlMs : request.until <= (asked.until as number)) &&
  areSame(request.scopes, asked.scopes);

/**
 * Whether a request gave exactly the requested scopes to the same caller, for the reasons that the ask gives. A reason that the ask
 * omits does not count. The time does not count either: the grants have it.
 */
const isGiving = (asked: Wanted, request: AccessRequest): boolean =>
  request.requestedBy === asked.requestedBy &&
  request.agent === asked.agent &&
  request.operator === asked.operator &&
  areSame(grantedOf(request).scopes, asked.scopes) &&
  differencesFrom(asked, request).every((field) => field === 'ttl' || field === 'until' || asked[field] === undefined);

/**
 * The first end of a request's grants. Each of them must have begun by `from`, and be usable now if its start has come: a grant whose
 * start is not confirmed gives no access. Break-glass grants and counted uses answer no other ask.
 *
 * @returns `-Infinity` if a scope has no such grant
 */
function heldUntil(scopes: readonly string[], requestId: string, live: readonly GrantUse[], from: number, moment: Moment): number {
  const held = live.filter((use) => {
    const { grant } = use;
    return (
      grant.requestId === requestId &&
      !grant.breakGlass &&
      grant.maxUses === undefined &&
      grant.startsAt <= from &&
      (grant.startsAt <= moment.now ? isUsable(use, moment) : !hasEnded(use, moment))
    );
  });
  const isHeld = areSame(
    held.map(({ grant }) => grant.scope),
    scopes,
  );
  return isHeld ? Math.min(...held.map(({ grant, usage }) => effectiveEnd(grant, usage))) : -Infinity;
}

export const isPending = (request: AccessRequest, moment: Moment): boolean =>
  request.end === undefined && !hasPassed(request.reviewBy, moment);

/** Each of the two lists names a scope or a grant only once. */
const areSame = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((scope) => b.includes(scope));
