import { useCallback, useEffect, useRef } from 'preact/hooks';
import { effectiveEnd } from '../../../../internal/page.js';
import type { AccessClient } from '../../../../client.js';
import { after, nextOf, now } from '../../frame/clock.js';
import { useConsole, type Console } from '../../frame/console.js';
import { readStatus } from '../../frame/session.js';
import { useAt } from '../../frame/use-at.js';
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
  /** The ids of all requests to which this belongs. */
  readonly own: ReadonlySet<string>;
  /** Newest first. */
  readonly endedGrants: readonly Grant[];
  readonly endedRequests: readonly Request[];
}

const WEEK_MS = 7 * 86_400_000;
/** The most requests that are read one by one. */
const MOST = 50;
/** New requests that arrive together are looked up together. Milliseconds. */
const GATHER_MS = 1_000;

/** What was read one by one, by the id of the request. An answer to a read that began before an event is not in it afterwards. */
interface Details {
  readonly requests: Map<string, Promise<Found>>;
  readonly waiting: Map<string, Promise<Waiting>>;
}

/** Reads what is not known yet, and forgets what is no longer listed. A record that was just removed is missing; the list is still true. */
async function fill<T>(
  known: Map<string, Promise<T>>,
  listed: readonly string[],
  read: (id: string) => Promise<T>,
): Promise<ReadonlyMap<string, T>> {
  const ids = [...new Set(listed)].slice(0, MOST);
  for (const id of known.keys()) if (!ids.includes(id)) known.delete(id);
  const answers = await Promise.allSettled(
    ids.map(async (id) => {
      const answer = known.get(id) ?? read(id);
      known.set(id, answer);
      try {
        return [id, await answer] as const;
      } catch (error) {
        if (known.get(id) === answer) known.delete(id);
        throw error;
      }
    }),
  );
  return new Map(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])));
}

/** The span of what has ended. By the hour: the address of a read, and with it its tag, stays the same for a while. */
function thisWeek(): { readonly from: number; readonly to: number } {
  const to = Math.ceil(now() / 3_600_000) * 3_600_000;
  return { from: to - WEEK_MS, to };
}

async function readMine({ client, learn }: Console, details: Details, signal: AbortSignal): Promise<Mine> {
  const options = { people: true, signal } as const;
  const during = thisWeek();
  const [status, pending, recent, grants] = await Promise.all([
    readStatus(client, options),
    client.listRequests({ status: 'pending', limit: MOST }, options),
    client.listRequests({ from: during.from, limit: 100 }, options),
    client.listGrants({ during, limit: 100 }, options),
  ]);
  const held = [...status.held, ...status.scheduled].map(({ requestId }) => requestId);
  const [requests, waiting] = await Promise.all([
    fill<Found>(details.requests, held, (id) => client.getRequest(id, options)),
    fill<Waiting>(
      details.waiting,
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
    own: new Set([...held, ...[...pending.items, ...recent.items].map(({ id }) => id), ...grants.items.map(({ requestId }) => requestId)]),
    endedGrants: grants.items
      .filter((grant) => grant.status === 'expired' || grant.status === 'revoked')
      .sort((a, b) => effectiveEnd(b) - effectiveEnd(a)),
    // A request that was changed, or that a new one has overtaken, continues as that one.
    endedRequests: recent.items.filter(({ outcome, replacedBy }) => ['denied', 'cancelled', 'expired'].includes(outcome) && !replacedBy),
  };
}

/**
 * What the viewer holds and asks for. It is read again when time changes it, and after an event of an own request, and then only what
 * that event changes. A viewer may see the events of all requests: one call finds out whether new ones are the viewer's.
 */
export function useMine(): Read<Mine> {
  const console = useConsole();
  const { client, onChange } = console;
  const details = useRef<Details>({ requests: new Map(), waiting: new Map() }).current;
  const forget = (requestId: string) => {
    details.requests.delete(requestId);
    details.waiting.delete(requestId);
  };
  const forgetAll = () => {
    details.requests.clear();
    details.waiting.clear();
  };
  const isOwn = useRef<(requestId: string) => boolean>(() => true);
  const { again, ...read } = useRead(
    (signal) => readMine(console, details, signal),
    [],
    ({ type, requestId }) => {
      if (type.startsWith('lock.')) forgetAll();
      if (requestId === undefined || !isOwn.current(requestId)) return type.startsWith('lock.');
      forget(requestId);
      return true;
    },
  );
  const { value } = read;
  isOwn.current = (requestId) => value?.own.has(requestId) !== false;
  useAt(value && nextOf([value.status.changesAt, ...value.pending.map(({ reviewBy }) => reviewBy)]), value, again);
  const readAll = useCallback(() => {
    forgetAll();
    again();
  }, [again]);

  useEffect(() => {
    const end = new AbortController();
    let isGathering = false;
    const look = async () => {
      isGathering = false;
      const { items } = await client.listRequests({ from: thisWeek().from, limit: 100 }, { signal: end.signal });
      if (!end.signal.aborted && items.some(({ id }) => !isOwn.current(id))) again();
    };
    const stop = onChange(({ type, requestId = '' }) => {
      if (type === 'ready' || type === 'reset') forgetAll();
      if (type !== 'request.created' || isOwn.current(requestId) || isGathering) return;
      isGathering = true;
      // A failure changes nothing: the next event looks again.
      after(GATHER_MS, () => void look().catch(() => undefined));
    });
    return () => {
      end.abort();
      stop();
    };
  }, []);
  return { ...read, again: readAll };
}
