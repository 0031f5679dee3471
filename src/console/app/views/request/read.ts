import type { AccessClient, TimelineEvent } from '../../../../client.js';
import type { InboxItem } from '../../../../index.js';
import { nextOf } from '../../frame/clock.js';
import type { Console } from '../../frame/console.js';
import { names, OLD_BY } from '../../frame/old-by.js';
import type { Query } from '../../frame/read-model.js';
import type { PersonInfo } from '../../frame/types.js';

type Found = Awaited<ReturnType<AccessClient['getRequest']>>;
type Reviewers = Awaited<ReturnType<AccessClient['getReviewers']>>;

/** What the view shows, as the API answered. */
export interface RequestRead {
  readonly found: Found;
  readonly events: readonly TimelineEvent[];
  /** What a pending request waits for. */
  readonly reviewers: Reviewers | undefined;
  /** The request in the inbox of the viewer. `undefined`: the viewer cannot review it now. */
  readonly item: InboxItem | undefined;
  /** What the subject of that request holds. */
  readonly held: NonNullable<Awaited<ReturnType<AccessClient['inbox']>>['holdings']>[number] | undefined;
  /** The next instant at which time changes that inbox, also another request of it. */
  readonly inboxChangesAt: number | undefined;
  readonly people: Readonly<Record<string, PersonInfo>>;
}

const MOST = 1_000;

/** Reads a request with what belongs to it. */
async function readRequest({ client, caller }: Pick<Console, 'caller' | 'client'>, id: string, signal: AbortSignal): Promise<RequestRead> {
  const options = { signal, people: true };
  const [found, timeline] = await Promise.all([client.getRequest(id, options), client.getTimeline(id, options)]);
  const isPending = found.outcome === 'pending';
  const { subject, requestedBy } = found.request;
  // No one reviews an own request, and an inbox costs a question about each request that waits.
  const mayReview = isPending && subject !== caller && requestedBy !== caller;
  const [reviewers, inbox] = await Promise.all([
    isPending ? client.getReviewers(id, options) : undefined,
    mayReview ? client.inbox({ limit: MOST, holdings: true }, options) : undefined,
  ]);
  const people = [found, timeline, reviewers, inbox].map((answer) => answer?.people ?? {});
  return {
    found,
    reviewers,
    events: timeline.events,
    item: inbox?.items.find(({ request }) => request.id === id),
    held: inbox?.holdings?.find((one) => one.subject === subject),
    inboxChangesAt: inbox?.changesAt,
    people: Object.assign({}, ...people) as Readonly<Record<string, PersonInfo>>,
  };
}

/** A request with what belongs to it. The events of others concern it only in an inbox: they may be the same ask. */
export const requestQuery = (console: Pick<Console, 'caller'>, id: string): Query<RequestRead> => ({
  key: `request ${id}`,
  read: (client, signal) => readRequest({ ...console, client }, id, signal),
  isOld: (change, { item, held }) =>
    names([id, ...(item?.twins ?? []), ...(held?.grants ?? []).map((grant) => grant.id)], change) ||
    (item !== undefined && OLD_BY.inbox(change)),
  changesAt: ({ found, reviewers, inboxChangesAt }) => nextOf([found.changesAt, reviewers?.changesAt, inboxChangesAt]),
});

/** One request as the API lists it. */
export const foundQuery = (id: string): Query<Found> => ({
  key: `found ${id}`,
  read: (client, signal) => client.getRequest(id, { signal }),
  isOld: (change) => names([id], change),
  changesAt: ({ changesAt }) => changesAt,
});

/** What a pending request waits for. */
export const reviewersQuery = (id: string): Query<Reviewers> => ({
  key: `reviewers ${id}`,
  read: (client, signal) => client.getReviewers(id, { signal, people: true }),
  isOld: (change) => names([id], change),
  changesAt: ({ changesAt }) => changesAt,
});
