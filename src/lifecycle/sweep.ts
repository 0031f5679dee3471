import type { AccessRequest } from '../records/index.js';
import { needsReview } from '../records/derived.js';
import { missReview } from './break-glass.js';
import { expireGrant, isWarningDue, warnGrant } from './grant.js';
import { expireRequest } from './decision.js';
import { escalate, isEscalationDue } from './review.js';
import { activateGrant, isStartDue } from './start.js';
import { hasEnded, hasPassed, type GrantUse } from './status.js';
import { combine, type Moment, type Transition } from './transition.js';
import { closeUsage, isUsageLeft } from './usage.js';

/** What time alone has made of a record, and no entry says yet. `ended` is the only one that takes something away. */
export type TimeWork = 'ended' | 'started' | 'warned' | 'closed' | 'expired' | 'escalated' | 'missed';

/** What there is to record about a grant; `undefined`: nothing that time alone can say. */
export function workOn(held: GrantUse, moment: Moment): TimeWork | undefined {
  const { grant } = held;
  if (grant.end !== undefined) return isUsageLeft(held) ? 'closed' : undefined;
  if (hasEnded(held, moment)) return 'ended';
  // Where the approver is asked at the start, it isn't for time alone to say.
  if (isStartDue(held, moment)) return grant.asksAtStart ? undefined : 'started';
  return isWarningDue(held, moment) ? 'warned' : undefined;
}

/** What there is to record about a request. */
export function workOnRequest(request: AccessRequest, moment: Moment): TimeWork | undefined {
  if (request.end === undefined) {
    if (hasPassed(request.reviewBy, moment)) return 'expired';
    return isEscalationDue(request, moment) ? 'escalated' : undefined;
  }
  const afterReview = needsReview(request) ? request.afterReview : undefined;
  return afterReview !== undefined && afterReview.missedAt === undefined && hasPassed(afterReview.reviewBy, moment) ? 'missed' : undefined;
}

/** Whatever time changes: a grant with how it has been used, or a request. */
export type Timed = GrantUse | AccessRequest;

/** Records a chunk in one step; `result` is what was done. What isn't due (any more) is left alone. */
export function recordTime(records: readonly Timed[], moment: Moment): Transition<readonly TimeWork[]> {
  const done: TimeWork[] = [];
  const steps: Transition<unknown>[] = [];
  for (const record of records) {
    const work = 'grant' in record ? workOn(record, moment) : workOnRequest(record, moment);
    if (work === undefined) continue;
    done.push(work);
    steps.push('grant' in record ? grantStep(record, work, moment) : requestStep(record, work, moment));
  }
  return combine(done, steps);
}

function grantStep(held: GrantUse, work: TimeWork, moment: Moment): Transition<unknown> {
  if (work === 'ended') return expireGrant(held, moment);
  if (work === 'closed') return closeUsage(held, moment);
  return work === 'started' ? activateGrant(held, NO_LINE, true, moment) : warnGrant(held, moment);
}

function requestStep(request: AccessRequest, work: TimeWork, moment: Moment): Transition<unknown> {
  if (work === 'expired') return expireRequest(request, moment);
  return work === 'escalated' ? escalate(request, moment) : missReview(request, moment);
}

/** A start that nobody is asked about takes nothing with it. */
const NO_LINE = { successors: [], requests: [] };
