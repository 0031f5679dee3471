import { type AccessClient, createClient } from '../../../client.js';

/** What a call of the page may find out about its caller or its connection. */
export interface Findings {
  /** 401: the caller is signed out. */
  readonly onSignedOut: () => void;
  /** 412: another person has signed in since the page was loaded. */
  readonly onCallerChanged: () => void;
  /** Whether an answer arrived. */
  readonly onAnswer: (arrived: boolean) => void;
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
    fetch: async (url, init) => {
      try {
        // A call that writes outlives the page: a decision is sent while its page is being closed.
        const response = await fetch(url, { ...init, keepalive: init.method === 'POST' });
        onAnswer(true);
        // A person whose sign-in is too weak or too old for one call is signed in.
        const isStepUp = response.headers.get('www-authenticate')?.includes('insufficient_user_authentication');
        if (response.status === 401 && !isStepUp) onSignedOut();
        if (response.status === 412) onCallerChanged();
        return response;
      } catch (error) {
        if (!init.signal?.aborted) onAnswer(false);
        throw error;
      }
    },
  });
}
