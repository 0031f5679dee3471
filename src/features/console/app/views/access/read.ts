import { effectiveEnd } from '../../../../../records/derived.js';
import type { AccessClient } from '../../../../client/access-client.js';
import { now } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { useRead, type Read } from '../../frame/use-read.js';

type Answer<Name extends keyof AccessClient> = AccessClient[Name] extends (...args: never[]) => PromiseLike<infer T> ? Awaited<T> : never;

export type Status = Answer<'status'>;
export type Grant = Status['held'][number];
export type Found = Answer<'getRequest'>;
export type Request = Answer<'listRequests'>['items'][number];
export type Waiting = Answer<'getReviewers'>;

/** What the view shows: answers of the API. */
export interface Mine {
  readonly status: Status;
  /** The requests of what is held and scheduled, by id. One that cannot be read is missing. */
  readonly requests: ReadonlyMap<string, Found>;
  readonly pending: readonly Request[];
  /** What each pending request waits for, by id. */
  readonly waiting: ReadonlyMap<string, Waiting>;
  /** Newest first. */
  readonly endedGrants: readonly Grant[];
  readonly endedRequests: readonly Request[];
}

const WEEK_MS = 7 * 86_400_000;
/** The most requests that are read one by one. */
const MOST = 50;

/** The answers by id. Omits a record that was just removed; the list without it is still true. */
async function each<T>(ids: Iterable<string>, read: (id: string) => Promise<T>): Promise<ReadonlyMap<string, T>> {
  const known = [...new Set(ids)].slice(0, MOST);
  const answers = await Promise.allSettled(known.map(read));
  return new Map(
    answers.flatMap((answer, index) => (answer.status === 'fulfilled' ? [[known[index] as string, answer.value] as const] : [])),
  );
}

export function useMine(): Read<Mine> {
  const { client, learn } = useConsole();
  return useRead(async (signal) => {
    const options = { people: true, signal } as const;
    // By the hour: the address of a read, and with it its tag, stays the same for a while.
    const until = Math.ceil(now() / 3_600_000) * 3_600_000;
    const during = { from: until - WEEK_MS, to: until };
    const [status, pending, recent, grants] = await Promise.all([
      client.status(options),
      client.listRequests({ status: 'pending', limit: MOST }, options),
      client.listRequests({ from: during.from, limit: 100 }, options),
      client.listGrants({ during, limit: 100 }, options),
    ]);
    const [requests, waiting] = await Promise.all([
      each(
        [...status.held, ...status.scheduled].map(({ requestId }) => requestId),
        (id) => client.getRequest(id, options),
      ),
      each(
        pending.items.map(({ id }) => id),
        (id) => client.getReviewers(id, options),
      ),
    ]);
    for (const answer of [status, pending, recent, grants, ...requests.values(), ...waiting.values()]) learn(answer.people);
    return {
      status,
      requests,
      pending: pending.items,
      waiting,
      endedGrants: grants.items
        .filter((grant) => grant.status === 'expired' || grant.status === 'revoked')
        .sort((a, b) => effectiveEnd(b) - effectiveEnd(a)),
      // A request that was changed, or that a new one has overtaken, continues as that one.
      endedRequests: recent.items.filter(({ outcome, replacedBy }) => ['denied', 'cancelled', 'expired'].includes(outcome) && !replacedBy),
    };
  });
}
