import {
  effectiveStart,
  effectiveEnd,
  idleEnd,
  makeEnd,
  makeUsage,
  makeUse,
  toJson,
  type Grant,
  type Usage,
  type Use,
} from '../records/index.js';
import { refuseIfSteppedBack } from '../core/clock.js';
import { isBase } from '../core/tolerance.js';
import { endWith, endWithUsage } from './grant-end.js';
import { locksAsRead, refuseIfLocked, type LocksContext } from './lock.js';
import { hasEnded, isUsable, type GrantUse, type Instants } from './status.js';
import {
  asRead,
  combine,
  endedAt,
  nextVersion,
  stamp,
  noChange,
  type EntryDraft,
  type Moment,
  type Transition,
  type Writes,
} from './transition.js';

/**
 * A use is recorded when the last recorded use is older than a tenth of the idle time, so that most uses write nothing. So an idle
 * end may come early by up to a tenth of the idle time, never late.
 */
const IDLE_PARTS = 10;

/** A grant whose usage row is known, so that a use can be recorded. */
type Counted = GrantUse & { readonly usage: Usage };

/**
 * Whether a use now must be recorded. The hot path asks this first, so that most uses cost only a read. A use that a wrong clock
 * recorded does not count as the last one, so that the idle time is counted from this use (L47).
 */
export function isTouchDue(grantUse: GrantUse, { now, forEnds }: Instants): grantUse is Counted {
  const { grant, usage } = grantUse;
  if (usage === undefined || grant.idleTtlMs === undefined) return false;
  const last = usage.usedAt ?? usage.startsAt;
  return !isBase(last, forEnds) || now - last > grant.idleTtlMs / IDLE_PARTS;
}

/** Records that a grant with an idle end was used. It changes nothing for a grant that is not usable, or while no record is due. */
export function touchGrant(grantUse: GrantUse, moment: Moment): Transition<void> {
  if (!isUsable(grantUse, moment) || !isTouchDue(grantUse, moment)) return noChange(undefined);
  const { grant, usage } = grantUse;
  const at = stamp(moment, grant, usage);
  const next = makeUsage({ ...usage, version: nextVersion(usage), usedAt: at });
  // To replace a later use ends the access earlier for all processes, so a clock that lies behind the journal must not.
  const creates = at < (usage.usedAt ?? at);
  return { result: undefined, put: [next], entries: [used(grant, next, at, moment.actor)], dependsOn: [asRead(grant)], creates };
}

/** The grant from which a use is taken: of the usable grants with a number of uses, the one that ends first. */
export function grantToConsume(usable: readonly GrantUse[]): GrantUse | undefined {
  return usable
    .filter(({ grant }) => grant.maxUses !== undefined)
    .sort((a, b) => effectiveEnd(a.grant, a.usage) - effectiveEnd(b.grant, b.usage) || (a.grant.id < b.grant.id ? -1 : 1))[0];
}

/**
 * Whether a use that was taken under a key may be repeated (L36). It may while its grant allows. It also may if this use was the
 * last one and ended the grant, and the window is still open. So a lost reply does not turn a use into a refusal.
 */
export function isRepeatable({ usesLeft }: Pick<Use, 'usesLeft'>, grantUse: GrantUse, instants: Instants): boolean {
  return isUsable(grantUse, instants) || (usesLeft === 0 && grantUse.grant.end?.cause === 'used_up' && isWindowOpen(grantUse, instants));
}

/** Whether time alone would let the grant allow. Without its usage row the idle end is unknown, so the window counts as closed. */
const isWindowOpen = ({ grant, usage }: GrantUse, { now, forEnds }: Instants): boolean =>
  usage !== undefined && effectiveStart(grant) <= now && forEnds < Math.min(grant.expiresAt, idleEnd(usage));

/** The grant after a use, and the uses that it has left. */
export interface Consumed {
  readonly grant: Grant;
  readonly usesLeft: number;
}

/** The id of a keyed use, with the requested scope, which may be narrower than the scope of the grant. */
export type KeyOfUse = Pick<Use, 'id' | 'scope'>;

/**
 * Takes a use of a usable grant. The last use ends the grant in the same transition, unless running work holds the use (the
 * function that `withAccess` runs). Then the grant stays open, so that a revoke is recorded and stops that work. In both cases
 * the grant allows no further use.
 *
 * @param locks no lock may be on the use
 * @param isHeld whether running work holds the use; {@link endUsedUp} follows when that work has ended
 */
export function consumeUse(
  grantUse: Counted,
  key: KeyOfUse | undefined,
  locks: LocksContext,
  moment: Moment,
  isHeld = false,
): Transition<Consumed> {
  refuseIfSteppedBack(moment);
  const { grant, usage } = grantUse;
  refuseIfLocked(locks, { ids: [grant.subject], scopes: [grant.scope] }, moment);
  const at = stamp(moment, grant, usage);
  const uses = usage.uses + 1;
  const usesLeft = (grant.maxUses as number) - uses;
  const next = makeUsage({ ...usage, version: nextVersion(usage), usedAt: at, uses });
  const { subject, expiresAt } = grant;
  const use: Use | undefined = key && makeUse({ ...key, version: nextVersion(), subject, grantId: grant.id, at, expiresAt, usesLeft });
  const taken: Writes = {
    put: use === undefined ? [] : [use],
    entries: [used(grant, next, at, moment.actor, use)],
    dependsOn: [locksAsRead(locks)],
    creates: true,
  };
  if (usesLeft > 0 || isHeld) {
    return combine({ grant, usesLeft }, [taken, { put: [next], entries: [], dependsOn: [asRead(grant)] }]);
  }
  const end = makeEnd({
    status: 'expired',
    cause: 'used_up',
    at: Math.min(endedAt(moment, at, grant), expiresAt),
    by: moment.actor,
    reason: undefined,
  } as const);
  const closed = makeUsage({ ...next, endedAt: end.at });
  const ended = endWith(grant, end, at, { usageVersion: closed.version });
  return combine({ grant: ended.result, usesLeft }, [taken, ended, { put: [closed], entries: [] }]);
}

/** Ends a grant whose last use has been taken, once no running work holds that use. A grant that has ended stays unchanged. */
export function endUsedUp(grantUse: GrantUse, moment: Moment): Transition<Grant> {
  const { grant, usage } = grantUse;
  const isUsedUp = usage !== undefined && usage.uses >= (grant.maxUses ?? Infinity);
  if (!isUsedUp || hasEnded(grantUse, moment)) return noChange(grant);
  const at = stamp(moment, grant, usage);
  const end = { status: 'expired', cause: 'used_up', at: Math.min(endedAt(moment, at, grant), grant.expiresAt) } as const;
  return endWithUsage(grantUse, { ...end, by: moment.actor, reason: undefined }, at);
}

/** A grant as the work that holds one of its uses sees it. That use counts as not taken, so that the work may continue. */
export function withOwnUse(grantUse: GrantUse, grantId: string): GrantUse {
  const { grant, usage } = grantUse;
  return usage === undefined || grant.id !== grantId ? grantUse : { grant, usage: makeUsage({ ...usage, uses: usage.uses - 1 }) };
}

/** Whether a grant has a recorded end that its usage row does not have yet, as after a revoke. */
export const isUsageLeft = ({ grant, usage }: GrantUse): boolean =>
  grant.end !== undefined && usage !== undefined && usage.endedAt === undefined;

export function closeUsage({ grant, usage }: GrantUse, moment: Moment): Transition<void> {
  if (usage === undefined || grant.end === undefined) return noChange(undefined);
  const at = stamp(moment, grant, usage);
  const next = makeUsage({ ...usage, version: nextVersion(usage), endedAt: grant.end.at });
  const data = toJson({ usageVersion: next.version, endedAt: next.endedAt });
  const { requestId, id: grantId } = grant;
  return { result: undefined, put: [next], entries: [{ type: 'usage.closed', at, actor: moment.actor, requestId, grantId, data }] };
}

function used(grant: Grant, usage: Usage, at: number, actor: string, use?: Use): EntryDraft {
  const { version: usageVersion, usedAt, uses } = usage;
  const useScope = use?.scope === grant.scope ? undefined : use?.scope;
  const data = toJson({ usageVersion, usedAt, uses, useId: use?.id, useScope });
  return { type: 'grant.used', at, actor, requestId: grant.requestId, grantId: grant.id, data };
}
