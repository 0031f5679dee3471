import { makeGrant, type Grant } from '../records/index.js';
import { refuseIfSteppedBack } from '../core/time.js';
import { endOne, expireGrant } from './grant.js';
import { endLine, type Line } from './extension-chain.js';
import { isGone, type Held } from './status.js';
import { APPROVER, entryOf, joined, nextVersion, stamp, unchanged, type Moment, type Step } from './transition.js';

/** Whether the start of a scheduled grant has come and is not on record yet. */
export const isStartDue = ({ grant }: Held, { now }: Pick<Moment, 'now'>): boolean =>
  grant.end === undefined && grant.activatedAt === undefined && grant.startsAt <= now;

/**
 * Puts the start of a scheduled grant on record, or ends the grant where its subject may no longer hold it.
 *
 * @param eligible what the approver says now; `true` where nobody has to be asked
 */
export function activateGrant(held: Held, line: Line, eligible: boolean, moment: Moment): Step<Grant> {
  const { grant } = held;
  if (!isStartDue(held, moment)) return unchanged(grant);
  if (isGone(held, moment)) return expireGrant(held, moment);
  if (!eligible) {
    const by = { ...moment, actor: APPROVER };
    const ended = endOne(held, { cause: 'ineligible', reason: 'the subject may no longer hold this' }, by);
    return joined(ended.result, [ended, ...endLine(line, by)]);
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
