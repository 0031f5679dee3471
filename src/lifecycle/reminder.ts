import type { ClockReading } from '../core/clock.js';
import { askedGroups, remindsAt, type AccessRequest } from '../records/index.js';
import { amend } from './decision.js';
import { entryOf, stamp, SWEEPER, type Moment, type Transition } from './transition.js';

/**
 * Whether the reviewers of a request must be reminded now. Judged at `now`, like an escalation: a clock that steps back repeats no
 * reminder, because the next one lies after the last recorded instant. The caller checks the deadline first.
 */
export const isReminderDue = (request: AccessRequest, { now }: ClockReading): boolean =>
  request.end === undefined && (remindsAt(request) ?? Infinity) <= now;

/** Records one reminder for all intervals that have passed since the last one. It changes no right, no deadline and no review. */
export function remind(request: AccessRequest, moment: Moment): Transition<AccessRequest> {
  const remindedAt = stamp(moment, request);
  const reminded = { reminders: (request.reminders ?? 0) + 1, remindedAt };
  const next = amend(request, reminded);
  const groups = askedGroups(request, remindedAt);
  return { result: next, put: [next], entries: [entryOf(next, 'request.reminded', remindedAt, SWEEPER, { ...reminded, groups })] };
}
