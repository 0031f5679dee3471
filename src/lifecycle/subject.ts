import { LimitError } from '../core/errors.js';
import { effectiveEnd, makeSubject, type AccessRequest, type Grant, type Subject } from '../records/index.js';
import { hasEnded, hasPassed, isUsable, type GrantUse } from './status.js';
import { nextVersion, type Moment } from './transition.js';

/*
 * Rules about the grants and requests of a subject. Each transition that opens a request or issues a grant writes the subject's
 * row. Of two that counted the same records, the second conflicts and counts again.
 */

/** What an engine allows a subject to have at a time. */
export interface SubjectLimits {
  readonly maxOpenRequests: number;
  readonly maxGrants: number;
  readonly duplicates: 'refuse' | 'return';
}

/** A subject's set, read after its row. */
export interface SubjectContext {
  /** Its row as it was before anything else was read; `undefined`: it has none yet. */
  readonly subject: Subject | undefined;
  /** Its grants that have no recorded end; those too that time has ended. */
  readonly live: readonly GrantUse[];
  /**
   * The requests of these grants, by their id, as far as they have been loaded: they say who asked. A grant whose request
   * is not among them counts against every ask.
   */
  readonly given: ReadonlyMap<string, AccessRequest>;
}

/** For whom is asked, and by whom. */
export type Asked = Pick<AccessRequest, 'subject' | 'requestedBy'>;

/**
 * Whether what one requester asked for a subject counts when another ask for this subject is judged: it counts against
 * the same requester, and what the subject asked for itself counts against every requester. So no other caller can use
 * up a subject's limits, and an ask on its behalf adds nothing beyond a limit to what the subject asked for itself (L44).
 * What two other callers asked for does not count against each other: each requester has the limits for itself.
 */
export const countsAgainst = (asked: Asked, requestedBy: string | undefined): boolean =>
  requestedBy === undefined || requestedBy === asked.requestedBy || requestedBy === asked.subject;

/** The subject's row, to be written by each transition that depends on its grants and requests. */
export function touchSubject(
  id: string,
  subject: Subject | undefined,
  change: Partial<Omit<Subject, 'kind' | 'id' | 'version'>> = {},
): Subject {
  const { unreviewed = [], openedForOthers = [], denied = [] } = subject ?? {};
  return makeSubject({ unreviewed, openedForOthers, denied, ...change, id, version: nextVersion(subject) });
}

/** As many as the scopes of a request: break-glass is open for a whole bundle, however many grants the subject has. */
const BREAK_GLASS_RESERVE = 50;

/** Taken by break-glass, not given as more time for what was. */
const isTaken = (grant: Grant): boolean => grant.breakGlass && grant.extends === undefined;

/**
 * How many grants count against an ask: those without a recorded end, the scheduled ones too. An end that time has
 * brought frees a place once it is recorded; otherwise, windows of a moment could be opened without number.
 *
 * @param taken whether those that break-glass has taken are counted, or the others: each of the two has its own limit
 */
export function countGrants({ live, given }: SubjectContext, asked: Asked, taken: boolean): number {
  const counts = ({ grant }: GrantUse) => isTaken(grant) === taken && countsAgainst(asked, given.get(grant.requestId)?.requestedBy);
  return live.filter((use) => use.grant.end === undefined && counts(use)).length;
}

/** The limit that the grants of a request would go beyond; `undefined`: none. */
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

/** What stands for an ask that is made twice: the open request, or the grants that already give exactly this. */
export type Duplicate = { readonly requestId: string; readonly what: 'request' } | { readonly requestId: string; readonly what: 'grants' };

type Wanted = Asked & Pick<AccessRequest, 'scopes' | 'ttlMs' | 'startsAt' | 'extension'>;

/**
 * Finds what an ask would only repeat: an open request of the same requester for the same subject, scopes, start and
 * extended grant, for at most the asked length; or the live grants of such a request that hold for all of the asked time.
 * An extension repeats only an open request to extend the same grant.
 *
 * @param open requests without a recorded end
 */
export function findDuplicate(
  asked: Wanted,
  open: readonly AccessRequest[],
  { live, given }: Pick<SubjectContext, 'live' | 'given'>,
  moment: Moment,
): Duplicate | undefined {
  const isSame = (request: AccessRequest): boolean =>
    request.requestedBy === asked.requestedBy &&
    request.startsAt === asked.startsAt &&
    request.extension?.grantId === asked.extension?.grantId &&
    request.ttlMs <= asked.ttlMs &&
    areSame(request.scopes, asked.scopes);
  const same = open.find((request) => isPending(request, moment) && isSame(request));
  if (same !== undefined) return { requestId: same.id, what: 'request' };
  if (asked.extension !== undefined) return undefined;
  // What a new grant would last to: the leeway shortens both.
  const from = asked.startsAt ?? moment.now;
  const until = from + asked.ttlMs;
  const scopesThere = (requestId: string): readonly string[] =>
    live.flatMap((use) => {
      const { grant, usage } = use;
      // After its start it must be usable: a grant whose start is not confirmed gives no access.
      const isThere = grant.startsAt <= from && (grant.startsAt <= moment.now ? isUsable(use, moment) : !hasEnded(use, moment));
      return grant.requestId === requestId && isThere && effectiveEnd(grant, usage) >= until ? [grant.scope] : [];
    });
  const covering = [...given.values()].find((request) => isSame(request) && areSame(scopesThere(request.id), asked.scopes));
  return covering && { requestId: covering.id, what: 'grants' };
}

export const isPending = (request: AccessRequest, moment: Moment): boolean =>
  request.end === undefined && !hasPassed(request.reviewBy, moment);

/** Both name each scope once. */
const areSame = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((scope) => b.includes(scope));
