import type { AccessClient } from '../../../../client.js';
import { effectiveEnd } from '../../../../internal/page.js';
import { nextOf, now } from '../../frame/clock.js';
import type { Change } from '../../frame/types.js';
import type { Before, Query } from '../../frame/read-model.js';
import { readStatus } from '../../frame/session.js';
import type { PersonInfo } from '../../frame/types.js';

type Answer<Name extends keyof AccessClient> = AccessClient[Name] extends (...args: never[]) => PromiseLike<infer T> ? Awaited<T> : never;

export type Status = Answer<'status'>;
export type Grant = Status['held'][number];
export type Found = Answer<'getRequest'>;
export type Request = Answer<'listRequests'>['items'][number];
export type Waiting = Answer<'getReviewers'>;

/** What the view shows: answers of the API. */
export interface Mine {
  readonly status: Status;
  readonly pending: readonly Request[];
  /** The requests since the hour a week ago. */
  readonly recent: readonly Request[];
  /** The grants that were held since then. */
  readonly grants: readonly Grant[];
  /** The requests of what is held and scheduled, by id. One that cannot be read is missing. */
  readonly requests: ReadonlyMap<string, Request>;
  /** What each pending request waits for, by id. */
  readonly waiting: ReadonlyMap<string, Waiting>;
  /** The end of the hour of this answer. Epoch milliseconds. */
  readonly hourEnd: number;
  readonly people: Readonly<Record<string, PersonInfo | undefined>>;
}

const WEEK_MS = 7 * 86_400_000;
const HOUR_MS = 3_600_000;
/** The most requests that are read one by one. */
const MOST = 50;

/** Whether an event may have changed what is shown. An event does not say whose new request it names: the list does. */
const isOld = ({ type, requestId = '' }: Change, answer: Mine): boolean =>
  type.startsWith('lock.') || type === 'request.created' || isOwn(answer, requestId);

const isOwn = ({ requests, pending, recent, grants }: Mine, id: string): boolean =>
  requests.has(id) || [...pending, ...recent].some((request) => request.id === id) || grants.some(({ requestId }) => requestId === id);

/** Reads each listed record that is not known yet. A record that was just removed is missing; the list is still true. */
async function fill<T>(
  known: ReadonlyMap<string, T>,
  listed: readonly string[],
  read: (id: string) => PromiseLike<T>,
): Promise<ReadonlyMap<string, T>> {
  const ids = [...new Set(listed)].slice(0, MOST);
  const answers = await Promise.allSettled(ids.map(async (id) => [id, known.get(id) ?? (await read(id))] as const));
  return new Map(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])));
}

async function readMine(client: AccessClient, signal: AbortSignal, before: Before<Mine> | undefined): Promise<Mine> {
  const options = { people: true, signal } as const;
  // By the hour: the address of a read, and with it its tag, stays the same for a while.
  const hourEnd = Math.ceil((now() + 1) / HOUR_MS) * HOUR_MS;
  const during = { from: hourEnd - WEEK_MS, to: hourEnd };
  const recent = client.listRequests({ from: during.from, limit: 100 }, options);
  if (
    before !== undefined &&
    before.changes.every(({ type, requestId = '' }) => !type.startsWith('lock.') && !isOwn(before.answer, requestId))
  ) {
    // Requests were created: of others, if the list has no new one.
    const { items } = await recent;
    if (items.every(({ id }) => isOwn(before.answer, id))) return before.answer;
  }
  const [status, pending, grants, { items, people }] = await Promise.all([
    readStatus(client, options),
    client.listRequests({ status: 'pending', limit: MOST }, options),
    client.listGrants({ during, limit: 100 }, options),
    recent,
  ]);
  const changed = new Set(before?.changes.map(({ requestId }) => requestId));
  const kept = <T>(known: ReadonlyMap<string, T> = new Map<string, T>()) => [...known].filter(([id]) => !changed.has(id));
  const listed = [...items, ...pending.items].map((request) => [request.id, request] as const);
  const [requests, waiting] = await Promise.all([
    fill<Request>(
      new Map([...kept(before?.answer.requests), ...listed]),
      [...status.held, ...status.scheduled].map(({ requestId }) => requestId),
      async (id) => {
        const { request, outcome } = await client.getRequest(id, options);
        return { ...request, outcome };
      },
    ),
    fill<Waiting>(
      new Map(kept(before?.answer.waiting)),
      pending.items.map(({ id }) => id),
      (id) => client.getReviewers(id, options),
    ),
  ]);
  const named = [status, pending, grants, { people }, ...waiting.values()];
  return {
    status,
    pending: pending.items,
    recent: items,
    grants: grants.items,
    requests,
    waiting,
    hourEnd,
    people: Object.assign({}, ...named.map((answer) => answer.people)) as Mine['people'],
  };
}

/**
 * What the viewer holds and asks for. After an event of others one call finds out whether they are the viewer's; after an own one it
 * reads four lists, and one by one only what the event names.
 */
export const mineQuery: Query<Mine> = {
  key: 'mine',
  read: readMine,
  isOld,
  changesAt: ({ status, pending, waiting, hourEnd }) =>
    nextOf([
      status.changesAt,
      hourEnd,
      ...pending.map(({ reviewBy }) => reviewBy),
      ...[...waiting.values()].map(({ changesAt }) => changesAt),
    ]),
};

/** What of an answer is so at an instant. */
export interface MineNow {
  readonly held: readonly Grant[];
  readonly scheduled: readonly Grant[];
  readonly pending: readonly Request[];
  /** The latest end first. */
  readonly endedGrants: readonly Grant[];
  readonly endedRequests: readonly Request[];
}

/** What of it is so at an instant: also while the service does not answer, access that has ended is not shown as held. */
export function mineAt({ status, pending, recent, grants }: Mine, at: number): MineNow {
  const open = new Map(status.windows.map((window) => [window.grantId, window]));
  const all = [...status.held, ...status.scheduled];
  const held = all.filter(({ id }) => {
    const window = open.get(id);
    return window !== undefined && window.startsAt <= at && at < window.endsAt;
  });
  const scheduled = status.scheduled.filter((grant) => !held.includes(grant) && at < grant.expiresAt);
  const ended = all.filter((grant) => !held.includes(grant) && !scheduled.includes(grant));
  const known = new Set(ended.map(({ id }) => id));
  const [waits, overdue] = [pending.filter(({ reviewBy }) => at < reviewBy), pending.filter(({ reviewBy }) => reviewBy <= at)];
  const late = new Set(overdue.map(({ id }) => id));
  return {
    held,
    scheduled,
    pending: waits,
    endedGrants: [
      ...ended,
      ...grants.filter((grant) => !known.has(grant.id) && (grant.status === 'expired' || grant.status === 'revoked')),
    ].sort((a, b) => effectiveEnd(b) - effectiveEnd(a)),
    // A request that was changed, or that a new one has overtaken, continues as that one.
    endedRequests: [
      ...overdue.map((request) => ({ ...request, outcome: 'expired' as const })),
      ...recent.filter(
        ({ id, outcome, replacedBy }) => !late.has(id) && ['denied', 'cancelled', 'expired'].includes(outcome) && !replacedBy,
      ),
    ],
  };
}

/** The instants at which {@link mineAt} changes. Epoch milliseconds. */
export const instantsOf = ({ status: { windows }, pending }: Mine): readonly number[] => [
  ...windows.flatMap(({ startsAt, endsAt }) => [startsAt, endsAt]),
  ...pending.map(({ reviewBy }) => reviewBy),
];
