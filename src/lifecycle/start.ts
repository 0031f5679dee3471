import { makeGrant, needsActivation, type Grant } from '../records/index.js';
import { refuseIfSteppedBack } from '../core/clock.js';
import { endOne, expireGrant } from './grant.js';
import { endChain, type ExtensionChain } from './extension-chain.js';
import { lockOn, locksAsRead, type LocksContext } from './lock.js';
import { hasEnded, type GrantUse, type Instants } from './status.js';
import { APPROVER, entryOf, combine, nextVersion, stamp, noChange, type Moment, type Transition } from './transition.js';

/** Whether the start of a scheduled grant has come and is not recorded yet. The one that a wrong clock had confirmed does not count. */
export const isStartDue = ({ grant }: GrantUse, { now, forEnds }: Instants): boolean =>
  grant.end === undefined && grant.startsAt <= now && (grant.activatedAt === undefined || needsActivation(grant, forEnds));

/**
 * Records the start of a scheduled grant, or ends the grant and its chain if its subject may no longer hold it.
 *
 * @param locks while a lock is on the grant, nothing is recorded: the passes of the lock end the grant
 * @param eligible the approver's answer; `true` if the approver is not asked
 */
export function activateGrant(
  use: GrantUse,
  chain: ExtensionChain,
  locks: LocksContext,
  eligible: boolean,
  moment: Moment,
): Transition<Grant> {
  const { grant } = use;
  if (!isStartDue(use, moment)) return noChange(grant);
  if (hasEnded(use, moment)) return expireGrant(use, moment);
  if (!eligible) {
    const by = { ...moment, actor: APPROVER };
    const ended = endOne(use, { cause: 'ineligible', reason: 'the subject is no longer eligible' }, by);
    return combine(ended.result, [ended, ...endChain(chain, by)]);
  }
  if (lockOn(locks, { ids: [grant.subject], scopes: [grant.scope] }, moment.now) !== undefined) return noChange(grant);
  if (grant.asksAtStart) refuseIfSteppedBack(moment);
  const at = stamp(moment, grant, use.usage);
  const { subject, scope } = grant;
  const next = makeGrant({ ...grant, version: nextVersion(grant), activatedAt: at });
  return {
    result: next,
    put: [next],
    entries: [entryOf(next, 'grant.activated', at, moment.actor, { activatedAt: at, subject, scope })],
    dependsOn: [locksAsRead(locks)],
    creates: grant.asksAtStart,
  };
}
