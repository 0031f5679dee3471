import type { RequestFound } from '../../engine/lists/lookups.js';
import type { GrantWithStatus, RequestWithStatus } from '../../engine/with-status.js';
import type { RequestComment } from '../../records/index.js';

/** One event of a timeline. Its `type` is that of the entry in the journal. */
export interface TimelineEvent {
  /** Epoch milliseconds. */
  readonly at: number;
  /** The type of the entry in the journal, such as `request.created`. */
  readonly type: string;
  /** The actor, if the record names one. */
  readonly by?: string | undefined;
  /** The grant that the event is about. Absent: none. */
  readonly grantId?: string | undefined;
  /** The scope of that grant. Absent: none. */
  readonly scope?: string | undefined;
  /** The verdict of a review. Absent: none. */
  readonly verdict?: string | undefined;
  /** Why the request or the grant ended. Absent: none. */
  readonly cause?: string | undefined;
  /** The reason or the text of a comment, in the words of its author. */
  readonly text?: string | undefined;
}

/** What happened to a request and its grants, the oldest first, as their records say: it reads no journal. */
export function timelineOf({ request, grants, comments }: RequestFound): readonly TimelineEvent[] {
  const events = [...eventsOfRequest(request), ...comments.map(eventOfComment), ...grants.flatMap(eventsOfGrant)];
  // The sort is stable: events at one instant stay in the order of the lifecycle.
  return events.sort((a, b) => a.at - b.at);
}

function eventsOfRequest(request: RequestWithStatus): readonly TimelineEvent[] {
  const { reviews, end, afterReview, begunSteps = [], remindedAt, escalatedAt, assignedAt } = request;
  const given = afterReview?.breakGlassReview;
  return [
    { at: request.createdAt, type: 'request.created', by: request.requestedBy, text: request.justification },
    ...moment(assignedAt, 'request.assigned', request.approver),
    ...begunSteps.map(({ at }) => ({ at, type: 'request.stepped' })),
    ...moment(escalatedAt, 'request.escalated'),
    ...moment(remindedAt, 'request.reminded'),
    ...reviews.map(({ at, reviewer, verdict, reason }) => ({ at, type: 'request.reviewed', by: reviewer, verdict, text: reason })),
    ...(end === undefined ? [] : [{ at: end.at, type: `request.${end.status}`, by: end.by, cause: end.cause, text: end.reason }]),
    ...moment(afterReview?.missedAt, 'breakGlass.overdue'),
    ...(given === undefined
      ? []
      : [{ at: given.at, type: 'breakGlass.reviewed', by: given.by, verdict: given.verdict, text: given.reason }]),
  ];
}

const moment = (at: number | undefined, type: string, by?: string): readonly TimelineEvent[] =>
  at === undefined ? [] : [{ at, type, by }];

const eventOfComment = ({ at, by, text }: RequestComment): TimelineEvent => ({ at, type: 'request.commented', by, text });

function eventsOfGrant({
  id: grantId,
  scope,
  issuedAt,
  activatedAt,
  startsAt,
  end,
  asksAtStart,
}: GrantWithStatus): readonly TimelineEvent[] {
  const events: TimelineEvent[] = [{ at: issuedAt, type: 'grant.issued', grantId, scope }];
  if (asksAtStart && activatedAt !== undefined)
    events.push({ at: Math.max(activatedAt, startsAt), type: 'grant.activated', grantId, scope });
  if (end !== undefined)
    events.push({ at: end.at, type: `grant.${end.status}`, by: end.by, cause: end.cause, text: end.reason, grantId, scope });
  return events;
}
