import { DeniedError } from '../errors.js';
import { makeEnd, makeGrant, type AccessRequest, type Grant, type GrantEnd } from '../records.js';
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
  const { id: requestId, subject } = request;
  const ids = grantIds(request);
  const window = { issuedAt: at, startsAt: at, expiresAt: at + request.ttlMs };
  const grants = request.scopes.map((scope, i) =>
    makeGrant({ id: ids[i] as string, version: nextVersion(), requestId, subject, scope, ...window, end: undefined }),
  );
  const entries = grants.map((grant) => entryOf(grant, 'grant.issued', at, by, { subject, scope: grant.scope, ...window }));
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
  const by = moment.actor;
  if (cause === 'released' && by !== grant.subject) {
    throw new DeniedError(`only its subject may release grant ${grant.id}`, by, undefined);
  }
  if (grant.end !== undefined) return unchanged(grant);
  if (isOver(grant.expiresAt, moment)) return expireGrant(grant, moment);
  const at = stamp(grant, moment);
  return endWith(grant, { status: 'revoked', cause, at, by, reason }, at);
}

/** Records what time has ended. Access had ended before, whether or not this ever runs. */
export function expireGrant(grant: Grant, moment: Moment): Step<Grant> {
  const at = stamp(grant, moment);
  return endWith(grant, { status: 'expired', cause: 'time', at: Math.min(at, grant.expiresAt), by: SWEEPER, reason: undefined }, at);
}

function endWith(grant: Grant, ending: GrantEnd, at: number): Step<Grant> {
  const end = makeEnd(ending);
  const next = makeGrant({ ...grant, version: nextVersion(grant), end });
  return { result: next, put: [next], entries: [entryOf(next, `grant.${end.status}`, at, end.by, { end })] };
}
