import { type AccessClient, createClient } from '../../../client.js';
import { elapsed } from './clock.js';

/** What a call of the page may find out about its caller or its connection. */
export interface Findings {
  /** 401: the caller is signed out. */
  readonly onSignedOut: () => void;
  /** 412: another person has signed in since the page was loaded. */
  readonly onCallerChanged: () => void;
  /** Whether an answer arrived. */
  readonly onAnswer: (arrived: boolean) => void;
}

type Send = (url: string, init: RequestInit) => Promise<Response>;

/** Names are outside the tag of an answer: after this time it is read whole, in the round of each minute. Milliseconds. */
const NAMES_MS = 59_000;
/** The most addresses that are remembered. Beyond that, all are forgotten, and so read whole. */
const MOST = 100;

/** Calls that read an answer whole, without its tag, once a minute. @param ticks milliseconds, by a clock that no one sets */
export function withNames(send: Send, ticks: () => number): Send {
  const readAt = new Map<string, number>();
  return async (url, init) => {
    const now = ticks();
    const isDue = init.method === 'GET' && now - (readAt.get(url) ?? -Infinity) >= NAMES_MS;
    // A tag that matches nothing.
    const response = await send(url, isDue ? { ...init, headers: { ...(init.headers as object), 'if-none-match': '"-"' } } : init);
    if (isDue && response.ok) {
      if (readAt.size >= MOST) readAt.clear();
      readAt.set(url, now);
    }
    return response;
  };
}

/** The longest pause before the client repeats a read by itself. Seconds. */
const MOST_WAIT = 2;

/** A service that is down is said at once: while the client waited, the page would say that no answer came. The page reads again. */
function withoutWait(response: Response): Response {
  const { status, body } = response;
  if (status !== 503 || !(Number(response.headers.get('retry-after')) > MOST_WAIT)) return response;
  const headers = new Headers(response.headers);
  headers.delete('retry-after');
  return new Response(body, { status, headers });
}

/**
 * The client of the page.
 *
 * @param caller the person whose name the page shows: a call is refused for any other one. `undefined`: not known yet
 */
export function clientOf(baseUrl: string, caller: string | undefined, { onSignedOut, onCallerChanged, onAnswer }: Findings): AccessClient {
  return createClient({
    baseUrl,
    caller,
    // Also a read names the caller: a hidden page, which hears no event, shows no number of another person.
    headers: caller === undefined ? {} : { 'jit-caller': encodeURIComponent(caller) },
    fetch: withNames(async (url, init) => {
      try {
        // A call that writes outlives the page: a decision is sent while its page is being closed.
        const response = await fetch(url, { ...init, keepalive: init.method === 'POST' });
        onAnswer(true);
        // A person whose sign-in is too weak or too old for one call is signed in.
        const isStepUp = response.headers.get('www-authenticate')?.includes('insufficient_user_authentication');
        if (response.status === 401 && !isStepUp) onSignedOut();
        if (response.status === 412) onCallerChanged();
        return init.method === 'GET' ? withoutWait(response) : response;
      } catch (error) {
        if (!init.signal?.aborted) onAnswer(false);
        throw error;
      }
    }, elapsed),
  });
}
