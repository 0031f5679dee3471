import type { AccessRequest } from '../records/index.js';
import { needsReview } from '../records/derived.js';
import { missReview } from './break-glass.js';
import { expireGrant, isWarningDue, warnGrant } from './grant.js';
import { expireRequest } from './decision.js';
import { isReminderDue, remind } from './reminder.js';
import { escalate, isEscalationDue } from './steps.js';
import { activateGrant, isStartDue } from './start.js';
import type { LocksContext } from './lock.js';
import { hasEnded, hasPassed, type GrantUse } from './status.js';
import { combine, noChange, noticeTogether, type Moment, type Transition } from './transition.js';
import { closeUsage, isUsageLeft } from './usage.js';

/** A change that time alone has made to a record, and that no entry records yet. Only `ended` ends access. */
export type TimeWork = 'ended' | 'started' | 'warned' | 'closed' | 'expired' | 'escalated' | 'reminded' | 'missed';

/** The change of a grant that must be recorded; `undefined`: time alone has made none. */
export function workOn(use: GrantUse, moment: Moment): TimeWork | undefined {
  const { grant } = use;
  if (grant.end !== undefined) return isUsageLeft(use) ? 'closed' : undefined;
  if (hasEnded(use, moment)) return 'ended';
  // If the approver is asked at the start, time alone does not activate.
  if (isStartDue(use, moment)) return grant.asksAtStart ? undefined : 'started';
  return isWarningDue(use, moment) ? 'warned' : undefined;
}

/** The change of a request that must be recorded; `undefined`: time alone has made none. */
export function workOnRequest(request: AccessRequest, moment: Moment): TimeWork | undefined {
  if (request.end === undefined) {
    if (hasPassed(request.reviewBy, moment)) return 'expired';
    if (isEscalationDue(request, moment)) return 'escalated';
    return isReminderDue(request, moment) ? 'reminded' : undefined;
  }
  const afterReview = needsReview(request) ? request.afterReview : undefined;
  return afterReview !== undefined && afterReview.missedAt === undefined && hasPassed(afterReview.reviewBy, moment) ? 'missed' : undefined;
}

/** A record that time changes: a grant with its usage, or a request. */
export type Timed = GrantUse | AccessRequest;

/**
 * Records the changes of several records in one commit, and skips records that are not due. `result` names the changes.
 *
 * @param locks needed if a start is due; without it, starts are skipped
 */
export function recordTime(records: readonly Timed[], moment: Moment, locks?: LocksContext): Transition<readonly TimeWork[]> {
  const done: TimeWork[] = [];
  const steps: Transition<unknown>[] = [];
  for (const record of records) {
    const work = 'grant' in record ? workOn(record, moment) : workOnRequest(record, moment);
    if (work === undefined) continue;
    const step = 'grant' in record ? grantStep(record, work, moment, locks) : requestStep(record, work, moment);
    // The start of a locked grant is not recorded.
    if (step.put.length === 0) continue;
    done.push(work);
    steps.push(step);
  }
  return noticeTogether(combine(done, steps));
}

function grantStep(use: GrantUse, work: TimeWork, moment: Moment, locks: LocksContext | undefined): Transition<unknown> {
  if (work === 'ended') return expireGrant(use, moment);
  if (work === 'closed') return closeUsage(use, moment);
  if (work !== 'started') return warnGrant(use, moment);
  return locks === undefined ? noChange(undefined) : activateGrant(use, NO_CHAIN, locks, true, moment);
}

function requestStep(request: AccessRequest, work: TimeWork, moment: Moment): Transition<unknown> {
  if (work === 'expired') return expireRequest(request, moment);
  if (work === 'escalated') return escalate(request, moment);
  return work === 'reminded' ? remind(request, moment) : missReview(request, moment);
}

/** A start about which the approver is not asked cannot end the chain. */
const NO_CHAIN = { successors: [], requests: [] };
