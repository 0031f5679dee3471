import { DeniedError } from '../errors.js';
import { toJson, type AccessRequest, type Grant, type GrantEnd } from '../records.js';
import { isOver } from './status.js';
import { entryOf, nextVersion, stamp, SWEEPER, unchanged, type Moment, type Step } from './step.js';

/** A request with its grants; `grants` is `undefined` where they have to be loaded. */
export interface Settled {
  readonly request: AccessRequest;
  readonly grants: readonly Grant[] | undefined;
}

export const grantIds = (request: AccessRequest): readonly string[] => request.scopes.map((_, i) => `${request.id}.${i + 1}`);

/** One grant for each scope of an approved request (L10). The window starts at the decision (L4). */
export function issueGrants(request: AccessRequest, at: number, by: string): Step<readonly Grant[]> {
  const ids = grantIds(request);
  const grants = request.scopes.map((scope, i): Grant =>
    Object.freeze({
      kind: 'grant',
      id: ids[i] as string,
      version: nextVersion(undefined),
      requestId: request.id,
      subject: request.subject,
      scope,
      issuedAt: at,
      startsAt: at,
      expiresAt: at + request.ttlMs,
      end: undefined,
    }),
  );
  const entries = grants.map((grant) => {
    const { subject, scope, issuedAt, startsAt, expiresAt } = grant;
    return entryOf(grant, 'grant.issued', at, by, { subject, scope, issuedAt, startsAt, expiresAt });
  });
  return { result: grants, put: grants, entries };
}

/**
 * Ends a grant early. Twice is fine and recorded once. A grant that time has ended already gets that end on record,
 * so that after this step no process denies for its clock's sake alone.
 */
export function endGrant(
  grant: Grant,
  { cause, reason }: { readonly cause: 'revoked' | 'released'; readonly reason: string | undefined },
  moment: Moment,
): Step<Grant> {
  if (cause === 'released' && moment.actor !== grant.subject) {
    throw new DeniedError(`only ${grant.subject} may release grant ${grant.id}`, moment.actor, undefined);
  }
  if (grant.end !== undefined) return unchanged(grant);
  if (isOver(grant.expiresAt, moment)) return expireGrant(grant, moment);
  const at = stamp(grant, moment);
  return endWith(grant, 'grant.revoked', { status: 'revoked', cause, at, by: moment.actor, reason }, at);
}

/** Records what time has ended. Access had ended before, whether or not this ever runs. */
export function expireGrant(grant: Grant, moment: Moment): Step<Grant> {
  const at = stamp(grant, moment);
  const end: GrantEnd = { status: 'expired', cause: 'time', at: Math.min(at, grant.expiresAt), by: SWEEPER, reason: undefined };
  return endWith(grant, 'grant.expired', end, at);
}

function endWith(grant: Grant, type: 'grant.revoked' | 'grant.expired', end: GrantEnd, at: number): Step<Grant> {
  const next: Grant = Object.freeze({
    kind: grant.kind,
    id: grant.id,
    version: nextVersion(grant),
    requestId: grant.requestId,
    subject: grant.subject,
    scope: grant.scope,
    issuedAt: grant.issuedAt,
    startsAt: grant.startsAt,
    expiresAt: grant.expiresAt,
    end: Object.freeze(end),
  });
  return { result: next, put: [next], entries: [entryOf(next, type, at, end.by, { end: toJson(end) })] };
}
