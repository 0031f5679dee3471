import {
  effectiveEnd,
  grantedOf,
  idleEnd,
  hasUsageRow,
  makeGrant,
  makeUsage,
  type AccessRequest,
  type Grant,
  type GrantEnd,
  type Usage,
} from '../records/index.js';
import { chainGrantsMet, type ChainContext } from './chain-limits.js';
import { endWith, endWithUsage } from './grant-end.js';
import type { HoldersByRule } from './holders.js';
import { hasEnded, hasPassed, type GrantUse } from './status.js';
import {
  endedAt,
  entryOf,
  combine,
  nextVersion,
  stamp,
  SWEEPER,
  noChange,
  type Moment,
  type Transition,
  type Writes,
} from './transition.js';
import { grantLimitMet, type SubjectContext } from './subject.js';
import { windowOf } from './window.js';

/** A request with its grants. `grants` is `undefined` if the caller must load them. */
export interface RequestWithGrants {
  readonly request: AccessRequest;
  readonly grants: readonly Grant[] | undefined;
}

/**
 * The ids of a request's grants, in order. The number of a grant is the place of its scope in what was requested, so a narrowed
 * request has gaps (L10). While the request is not approved: every id that a grant of it can get.
 */
export function grantIds(request: AccessRequest): readonly string[] {
  const granted = new Set(grantedOf(request).scopes);
  return request.scopes.flatMap((scope, i) => (granted.has(scope) ? [`${request.id}.${i + 1}`] : []));
}

/** The request of a grant, by the grant's id. */
export const requestIdOf = (grantId: string): string => grantId.slice(0, grantId.lastIndexOf('.'));

/** The scope of a grant, by the grant's id. `undefined`: the request can have no grant with this id. */
export const scopeOfGrant = ({ id, scopes }: AccessRequest, grantId: string): string | undefined =>
  scopes.find((_, i) => grantId === `${id}.${i + 1}`);

/** The most scopes of a request, and so the most grants. */
export const MAX_SCOPES = 50;

/** Every id that a grant of this request can have, for use if the request itself is unreadable. */
export const anyGrantIds = (requestId: string): readonly string[] => Array.from({ length: MAX_SCOPES }, (_, i) => `${requestId}.${i + 1}`);

/** The records and limits that issuing grants needs, apart from the request. */
export interface IssueContext extends SubjectContext, ChainContext {
  readonly limits: { readonly maxGrants: number; readonly warnBeforeMs: readonly number[] };
  /** Whether the approver must be asked about eligibility at a scheduled start. */
  readonly asksAtStart: boolean;
  /** The grants that the request extends, in the order in which it names them; `undefined`: that grant no longer exists. */
  readonly origins: readonly (Grant | undefined)[];
  /** The rows of the rules with `maxHolders` in the terms; needed only if the terms have such rules. */
  readonly holders?: HoldersByRule | undefined;
}

/** Why the requested time allows no grant when the request is approved at `at`; `undefined`: it allows one. */
export function reasonOfTime(request: AccessRequest, at: number): string | undefined {
  const { startsAt, expiresAt } = windowOf(request, at);
  const { extension, terms, until, startsAt: asked, createdAt } = request;
  const maxTotalMs = terms?.maxTotalMs ?? Infinity;
  const endBy = terms?.endBy ?? Infinity;
  if (!(startsAt < expiresAt)) return endBy <= startsAt ? 'its rule allows no access at this time' : 'no time is left within its maxTotal';
  // Refused, not cut (L3).
  const { ttlMs } = grantedOf(request);
  if (extension === undefined) {
    if (ttlMs > maxTotalMs) return 'it is longer than the maxTotal of its rule';
    return (asked ?? createdAt) + ttlMs > endBy ? 'it ends after the endBy of its rule' : undefined;
  }
  // An extension with a length is exempt: the length counts from an end that may come later, so `windowOf` cuts it.
  if (until === undefined) return undefined;
  if (until - extension.firstStartsAt > maxTotalMs) return 'it ends after the maxTotal of its rule';
  return until > endBy ? 'it ends after the endBy of its rule' : undefined;
}

/**
 * Why an approved request gives no grant; `undefined`: it gives its grants.
 *
 * @param request with its end, which says what the approval would give
 */
export function reasonNotToIssue(request: AccessRequest, at: number, context: IssueContext): string | undefined {
  const { limits } = context;
  const { subject, requestedBy } = request;
  const ofTime = reasonOfTime(request, at);
  if (ofTime !== undefined) return ofTime;
  return (chainGrantsMet(context) ?? grantLimitMet(limits, { subject, requestedBy, ...grantedOf(request) }, context, false))?.message;
}

/** Issues one grant for each granted scope of an approved request (L10), with its usage row and the new versions of the extended grants. */
export function issueGrants(request: AccessRequest, at: number, by: string, context: IssueContext): Transition<readonly Grant[]> {
  const { id: requestId, subject, terms, extension, afterReview } = request;
  const window = windowOf(request, at);
  const isLater = at < window.startsAt;
  const warnBeforeMs = terms?.warnBeforeMs ?? context.limits.warnBeforeMs;
  const common = {
    subject,
    issuedAt: at,
    ...window,
    firstStartsAt: extension?.firstStartsAt ?? window.startsAt,
    successors: [],
    // Holds for the whole chain: access that began without a review is never extended without one.
    breakGlass: afterReview !== undefined || extension?.breakGlass === true,
    asksAtStart: isLater && context.asksAtStart,
    activatedAt: isLater ? undefined : window.startsAt,
    // Warnings that fall on or before the start become one warning at the start.
    warnAt: [...new Set(warnBeforeMs.map((ms) => Math.max(window.startsAt, window.expiresAt - ms)))],
    idleTtlMs: terms?.idleTtlMs,
    maxUses: terms?.maxUses,
  };
  const ids = grantIds(request);
  const grants = grantedOf(request).scopes.map((scope, i) =>
    makeGrant({
      id: ids[i] as string,
      version: nextVersion(),
      requestId,
      scope,
      extends: extension?.grantIds[request.scopes.indexOf(scope)],
      ...common,
      warnedAt: [],
      end: undefined,
    }),
  );
  const issued: Writes = {
    put: [...grants, ...grants.filter(hasUsageRow).map(newUsage)],
    entries: grants.map((grant) => entryOf(grant, 'grant.issued', at, by, { scope: grant.scope, extends: grant.extends, ...common })),
  };
  const extended = grants.flatMap((grant) => {
    const origin = context.origins.find((one) => one !== undefined && one.id === grant.extends);
    return origin === undefined ? [] : [extendGrant(origin, grant, at, by)];
  });
  return combine(grants, [issued, ...extended]);
}

/** A grant and its usage right after its issue. */
export const freshlyIssued = (grant: Grant): GrantUse => ({ grant, usage: hasUsageRow(grant) ? newUsage(grant) : undefined });

function newUsage({ id, subject, scope, startsAt, expiresAt, idleTtlMs }: Grant): Usage {
  const unused = { usedAt: undefined, uses: 0, endedAt: undefined };
  return makeUsage({ id, version: nextVersion(), subject, scope, startsAt, expiresAt, idleTtlMs, ...unused });
}

/** Writes the row of the extended grant. A concurrent revoke of it then conflicts, and finds the successor when it retries (L12). */
function extendGrant(origin: Grant, successor: Grant, at: number, by: string): Transition<Grant> {
  const successors = [...origin.successors, { grantId: successor.id, at }];
  const next = makeGrant({ ...origin, version: nextVersion(origin), successors });
  return { result: next, put: [next], entries: [entryOf(next, 'grant.extended', at, by, { successors })] };
}

/** Ends a grant early, or records its expiry. Idempotent: a grant with a recorded end stays unchanged. */
export function endOne(
  use: GrantUse,
  { cause, reason }: { readonly cause: Extract<GrantEnd, { status: 'revoked' }>['cause']; readonly reason: string | undefined },
  moment: Moment,
): Transition<Grant> {
  const { grant } = use;
  if (grant.end !== undefined) return noChange(grant);
  if (hasEnded(use, moment)) return expireGrant(use, moment);
  // Without the usage row, which this transition does not write: a use that another clock has stamped later must not delay the end.
  const at = stamp(moment, grant);
  // Leaves the usage row to the sweep. If revoke wrote it, each concurrent use would make revoke conflict. A use depends on
  // the grant's version, so it conflicts instead.
  return endWith(grant, { status: 'revoked', cause, at: endedAt(moment, at, grant), by: moment.actor, reason }, at);
}

/** Records an expiry. The access has ended already, whether or not this ever runs. */
export function expireGrant(use: GrantUse, moment: Moment): Transition<Grant> {
  const { grant, usage } = use;
  const at = stamp(moment, grant, usage);
  const cause = usage !== undefined && idleEnd(usage) < grant.expiresAt ? 'idle' : 'time';
  const ended = Math.min(endedAt(moment, at, grant), effectiveEnd(grant, usage));
  return endWithUsage(use, { status: 'expired', cause, at: ended, by: SWEEPER, reason: undefined }, at);
}

/** Whether a warning of a grant that has not ended must be recorded now. */
export const isWarningDue = ({ grant }: GrantUse, moment: Moment): boolean =>
  grant.activatedAt !== undefined && hasPassed(grant.warnAt[grant.warnedAt.length] ?? Infinity, moment);

/**
 * Records all due warnings in one entry, so that a late sweep causes one message. `beforeMs` says how long before the grant's
 * expiry the last of these warnings was due, in milliseconds.
 */
export function warnGrant({ grant }: GrantUse, moment: Moment): Transition<Grant> {
  const at = stamp(moment, grant);
  const { subject, scope, expiresAt, warnAt } = grant;
  const due = warnAt.filter((instant) => hasPassed(instant, moment));
  const warnedAt = due.map((_, i) => grant.warnedAt[i] ?? at);
  const next = makeGrant({ ...grant, version: nextVersion(grant), warnedAt });
  const beforeMs = expiresAt - (due.at(-1) as number);
  return {
    result: next,
    put: [next],
    entries: [entryOf(next, 'grant.warned', at, SWEEPER, { warnedAt, beforeMs, subject, scope, expiresAt })],
  };
}
