import type { Activity } from '../model/activity.js';
import type { RequestComment } from '../model/comment.js';
import type { Locks } from '../model/lock.js';
import type { Granted } from '../model/review.js';
import { isBase } from '../core/tolerance.js';
import { escalatesAt, remindsAt } from './quorum.js';
import type { Grant } from '../model/grant.js';
import type { ProvisioningChange } from '../model/provisioning.js';
import type { AccessRequest } from '../model/request.js';
import type { Usage } from '../model/usage.js';

/** The idle end of a grant after its last recorded use. `Infinity`: it has no idle end. */
export function idleEnd({ idleTtlMs, usedAt, startsAt }: Pick<Usage, 'idleTtlMs' | 'usedAt' | 'startsAt'>): number {
  return idleTtlMs === undefined ? Infinity : (usedAt ?? startsAt) + idleTtlMs;
}

/**
 * Whether a grant still needs a confirmation of its start. An activation that a wrong clock recorded counts as none (L47).
 *
 * @param clock `forEnds` of the reading by which the caller judges
 */
export const needsActivation = ({ asksAtStart, activatedAt }: Pick<Grant, 'asksAtStart' | 'activatedAt'>, clock: number): boolean =>
  asksAtStart && (activatedAt === undefined || !isBase(activatedAt, clock));

/** The expected start of a grant. With `asksAtStart`, the recorded activation, or `startsAt` while it needs one (L27). */
export const expectedStart = (grant: Pick<Grant, 'asksAtStart' | 'activatedAt' | 'startsAt'>, clock: number): number =>
  needsActivation(grant, clock) ? grant.startsAt : effectiveStart(grant);

/** The first instant at which a grant was held. With `asksAtStart`, the recorded activation, or never without one (`Infinity`). */
export const effectiveStart = ({ asksAtStart, activatedAt, startsAt }: Pick<Grant, 'asksAtStart' | 'activatedAt' | 'startsAt'>): number =>
  asksAtStart ? (activatedAt ?? Infinity) : startsAt;

/** The id of a comment: its number among the comments of the request, from 1 on. */
export const commentId = (requestId: string, n: number): string => `${requestId}.${n}`;

/** The effective end of a grant: the first instant at which it is no longer held. Only this function computes it. */
export function effectiveEnd({ expiresAt, end }: Pick<Grant, 'expiresAt' | 'end'>, usage?: Usage): number {
  if (end !== undefined) return Math.min(expiresAt, end.at);
  return usage === undefined ? expiresAt : Math.min(expiresAt, idleEnd(usage));
}

/** Whether a grant has a usage row. */
export const hasUsageRow = ({ idleTtlMs, maxUses }: Pick<Grant, 'idleTtlMs' | 'maxUses'>): boolean =>
  idleTtlMs !== undefined || maxUses !== undefined;

/** The access that an approved request gave. For any other request: the access that it asks for. */
export const grantedOf = ({ scopes, ttlMs, end }: Pick<AccessRequest, 'scopes' | 'ttlMs' | 'end'>): Granted =>
  end?.status === 'approved' ? end.granted : { scopes, ttlMs };

/** Whether a break-glass review is pending. */
export const needsReview = ({ afterReview }: Pick<AccessRequest, 'afterReview'>): boolean =>
  afterReview !== undefined && afterReview.breakGlassReview === undefined;

/** Whether the external system may lack a change: the engine still tries it, or it is stuck. */
export const isUnsettled = ({ outcome }: Pick<ProvisioningChange, 'outcome'>): boolean =>
  outcome === undefined || outcome.status === 'stuck';

/*
 * The next instant at which time alone changes a record. `undefined`: never. Each kind has its own function, so that the bundle
 * of a service that only checks contains no other kind.
 */

export function requestDueAt(request: AccessRequest): number | undefined {
  if (request.end !== undefined) {
    return needsReview(request) && request.afterReview?.missedAt === undefined ? request.afterReview?.reviewBy : undefined;
  }
  const { approver, askAgainAt, reviewBy } = request;
  return approver === undefined
    ? Math.min(askAgainAt, reviewBy)
    : Math.min(escalatesAt(request) ?? Infinity, remindsAt(request) ?? Infinity, reviewBy);
}

export function grantDueAt({ end, startsAt, expiresAt, activatedAt, warnAt, warnedAt }: Grant): number | undefined {
  if (end !== undefined) return undefined;
  if (activatedAt === undefined) return startsAt;
  return warnAt[warnedAt.length] ?? expiresAt;
}

export const usageDueAt = (usage: Usage): number | undefined =>
  usage.endedAt === undefined ? Math.min(idleEnd(usage), usage.expiresAt) : undefined;

export const provisioningDueAt = ({ outcome, tryAt }: ProvisioningChange): number | undefined =>
  outcome === undefined ? tryAt : undefined;

/** The first instant at which a grant of the request can start: that of a decision right at the request. Epoch milliseconds. */
export const earliestStart = ({ createdAt, startsAt, extension }: Pick<AccessRequest, 'createdAt' | 'startsAt' | 'extension'>): number =>
  extension === undefined ? (startsAt ?? createdAt) : Math.max(extension.from, createdAt);

/** How long the process that set a lock has to finish it alone. Otherwise every process of a fleet would end the same records. */
const OWN_PASSES_MS = 10_000;

/** A complete lock is due at its `until`. An unfinished one is due soon after it was set: a sweep then ends the access that is left. */
export function locksDueAt({ locks }: Pick<Locks, 'locks'>): number | undefined {
  const due = Math.min(...locks.map(({ at, until = Infinity, completedAt }) => (completedAt === undefined ? at + OWN_PASSES_MS : until)));
  return due === Infinity ? undefined : due;
}

/** The last instant of a record. */
export const lastInstant = (record: Instanced): number => Math.max(0, ...instantsOf(record));

type Instanced = AccessRequest | Grant | Usage | ProvisioningChange | Locks | Activity | RequestComment;

/** The instants that transitions have written to a record. No later transition of the record is stamped before them (L27 L47). */
export function instantsOf(record: Instanced): readonly number[] {
  switch (record.kind) {
    case 'lock': {
      const { locks, ended } = record;
      return [...locks.flatMap(({ at, completedAt = 0 }) => [at, completedAt]), ...ended.map(({ end }) => end.at)];
    }
    case 'provisioning':
      return [record.changedAt];
    case 'activity':
      return [record.lastUsedAt];
    case 'comment':
      return [record.at];
    case 'grant': {
      const { issuedAt, activatedAt = 0, warnedAt, end, successors } = record;
      return [issuedAt, activatedAt, ...warnedAt, end?.at ?? 0, ...successors.map(({ at }) => at)];
    }
    case 'usage':
      return [record.usedAt ?? 0, record.endedAt ?? 0];
    case 'request': {
      const { createdAt, assignedAt = 0, escalatedAt = 0, remindedAt = 0, begunSteps = [], end, afterReview, reviews } = record;
      const after = [remindedAt, end?.at ?? 0, afterReview?.missedAt ?? 0, afterReview?.breakGlassReview?.at ?? 0];
      return [createdAt, assignedAt, escalatedAt, ...begunSteps.map(({ at }) => at), ...after, ...reviews.map(({ at }) => at)];
    }
  }
}
