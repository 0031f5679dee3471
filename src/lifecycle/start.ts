import { makeGrant, type Grant } from '../records/index.js';
import { refuseIfSteppedBack } from '../core/time.js';
import { endOne, expireGrant } from './grant.js';
import { endChain, type ExtensionChain } from './extension-chain.js';
import { hasEnded, type GrantUse } from './status.js';
import { APPROVER, entryOf, combine, nextVersion, stamp, noChange, type Moment, type Transition } from './transition.js';

/** Whether the start of a scheduled grant has come and is not on record yet. */
export const isStartDue = ({ grant }: GrantUse, { now }: Pick<Moment, 'now'>): boolean =>
  grant.end === undefined && grant.activatedAt === undefined && grant.startsAt <= now;

/**
 * Puts the start of a scheduled grant on record, or ends the grant where its subject may no longer hold it.
 *
 * @param eligible what the approver says now; `true` where nobody has to be asked
 */
export function activateGrant(held: GrantUse, line: ExtensionChain, eligible: boolean, moment: Moment): Transition<Grant> {
  const { grant } = held;
  if (!isStartDue(held, moment)) return noChange(grant);
  if (hasEnded(held, moment)) return expireGrant(held, moment);
  if (!eligible) {
    const by = { ...moment, actor: APPROVER };
    const ended = endOne(held, { cause: 'ineligible', reason: 'the subject may no longer hold this' }, by);
    return combine(ended.result, [ended, ...endChain(line, by)]);
  }
  if (grant.asksAtStart) refuseIfSteppedBack(moment);
  const at = stamp(moment, grant, held.usage);
  const { subject, scope } = grant;
  const next = makeGrant({ ...grant, version: nextVersion(grant), activatedAt: at });
  return {
    result: next,
    put: [next],
    entries: [entryOf(next, 'grant.activated', at, moment.actor, { activatedAt: at, subject, scope })],
    creates: grant.asksAtStart,
  };
}
