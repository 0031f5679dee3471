import type { InboxItem } from '../../../../../engine/answers.js';
import type { RequestFound } from '../../../../../engine/lists/lookups.js';
import type { AccessClient, RequestReviewers, TimelineEvent } from '../../../../client/access-client.js';
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
export async function readRequest(client: AccessClient, id: string, signal: AbortSignal): Promise<RequestRead> {
  const options = { signal, people: true };
  const [found, timeline] = await Promise.all([client.getRequest(id, options), client.getTimeline(id, options)]);
  const isPending = found.outcome === 'pending';
  const [reviewers, inbox] = isPending
    ? await Promise.all([client.getReviewers(id, options), client.inbox({ limit: MOST }, options)])
    : [undefined, undefined];
  const people = [found, timeline, reviewers, inbox].map((answer) => answer?.people ?? {});
  return {
    found,
    reviewers,
    events: timeline.events,
    item: inbox?.items.find(({ request }) => request.id === id),
    people: Object.assign({}, ...people) as Readonly<Record<string, PersonInfo>>,
  };
}
