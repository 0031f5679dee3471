import type { ClockReading } from '../core/clock.js';
import {
  alternativesOf,
  escalatesAt,
  presentStep,
  presentSteps,
  type AccessRequest,
  type Alternative,
  type BegunStep,
  type Quorum,
  type QuorumStep,
} from '../records/index.js';
import { amend } from './decision.js';
import type { CompletedSteps } from './quorum.js';
import { entryOf, stamp, SWEEPER, type EntryDraft, type Moment, type Transition } from './transition.js';

/*
 * What begins while a request waits for its quorum: the next step, once all approvals of a step are there, and the right of other
 * groups to stand in, once their time has passed.
 */

/** The steps that begin because all steps before them are complete: the next one of each alternative. */
export const begunBy = (request: AccessRequest, completed: readonly CompletedSteps[], at: number): readonly BegunStep[] =>
  completed.flatMap(({ steps, isMet }, alternative) => {
    const present = presentStep(request, alternative);
    return !isMet && steps > present ? [{ alternative, step: present + 1, at }] : [];
  });

/** The groups of the steps that begin, so that a reader of this entry knows whom to notify. */
export function steppedEntry(request: AccessRequest, quorum: Quorum, begun: readonly BegunStep[], at: number, actor: string): EntryDraft {
  const alternatives = alternativesOf(quorum);
  const groups = begun.flatMap(({ alternative, step }) => ((alternatives[alternative] as Alternative).steps[step] as QuorumStep).groups);
  return entryOf(request, 'request.stepped', at, actor, { begunSteps: request.begunSteps, groups });
}

/** Whether an escalation has begun and is not recorded yet. */
export const isEscalationDue = (request: AccessRequest, { now }: ClockReading): boolean =>
  request.end === undefined && (escalatesAt(request) ?? Infinity) <= now;

/** Records that other groups may stand in, so that they can be notified. Their right began by time, recorded or not. */
export function escalate(request: AccessRequest, moment: Moment): Transition<AccessRequest> {
  const escalatedAt = stamp(moment, request);
  const next = amend(request, { escalatedAt });
  const due = presentSteps(request).flatMap((step) => step.due);
  const begun = due.filter(({ at }) => (request.escalatedAt ?? 0) < at && at <= escalatedAt);
  const groups = [...new Set(begun.map(({ group }) => group))];
  return { result: next, put: [next], entries: [entryOf(next, 'request.escalated', escalatedAt, SWEEPER, { escalatedAt, groups })] };
}
