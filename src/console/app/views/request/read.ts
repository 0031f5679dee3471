import type { InboxItem, RequestFound } from '../../../../index.js';
import type { RequestReviewers, TimelineEvent } from '../../../../client.js';
import type { Console } from '../../frame/console.js';
import type { PersonInfo } from '../../frame/types.js';

/** What the view shows, as the API answered. */
export interface RequestRead {
  readonly found: RequestFound;
  readonly events: readonly TimelineEvent[];
  /** What a pending request waits for. */
  readonly reviewers: RequestReviewers | undefined;
  /** The request in the inbox of the viewer. `undefined`: the viewer cannot review it now. */
  readonly item: InboxItem | undefined;
  readonly people: Readonly<Record<string, PersonInfo>>;
}

const MOST = 1_000;

/** Reads a request with what belongs to it. */
export async function readRequest(
  { client, caller }: Pick<Console, 'caller' | 'client'>,
  id: string,
  signal: AbortSignal,
): Promise<RequestRead> {
  const options = { signal, people: true };
  const [found, timeline] = await Promise.all([client.getRequest(id, options), client.getTimeline(id, options)]);
  const isPending = found.outcome === 'pending';
  const { subject, requestedBy } = found.request;
  // No one reviews an own request, and an inbox costs a question about each request that waits.
  const mayReview = isPending && subject !== caller && requestedBy !== caller;
  const [reviewers, inbox] = await Promise.all([
    isPending ? client.getReviewers(id, options) : undefined,
    mayReview ? client.inbox({ limit: MOST }, options) : undefined,
  ]);
  const people = [found, timeline, reviewers, inbox].map((answer) => answer?.people ?? {});
  return {
    found,
    reviewers,
    events: timeline.events,
    item: inbox?.items.find(({ request }) => request.id === id),
    people: Object.assign({}, ...people) as Readonly<Record<string, PersonInfo>>,
  };
}
