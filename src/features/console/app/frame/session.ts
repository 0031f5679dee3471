import { signal, type Signal } from '@preact/signals';
import type { AccessClient, OwnStatus } from '../../../client/access-client.js';
import { announce } from './announce.js';
import { clientOf } from './api.js';
import { after, deviceNow, readServiceClock } from './clock.js';
import type { Change, Console } from './console.js';
import { draftsOf } from './drafts.js';
import { subscribe } from './events.js';
import { withReturn, type PageOptions } from './options.js';
import type { Router } from './router.js';
import type { PersonInfo } from './types.js';
import { mayPass, RETRY_MS } from './use-read.js';

/** Who the page belongs to. `checking`: restored by the browser, so it shows nothing until the API has named its caller. */
export type SessionState =
  | { readonly name: 'starting' | 'signedOut' | 'checking' }
  | { readonly name: 'failed'; readonly error: unknown }
  | { readonly name: 'ready'; readonly console: Console };

/** The answer of `GET /me`, with the viewer's name. */
type Mine = Awaited<ReturnType<AccessClient['status']>>;

export interface Session {
  readonly state: Signal<SessionState>;
  /** Whether the last call got an answer. */
  readonly isOnline: Signal<boolean>;
  /** Whether the page reads every 15 seconds, because no events arrive. */
  readonly isPolling: Signal<boolean>;
  /** Reads the caller, and continues or starts again. */
  check(): Promise<void>;
}

/** The one caller of a page. Another caller gets another page, without the state and the drafts of the first. */
export function createSession(options: PageOptions, base: string, router: Router, window: Window): Session {
  const { document, location, sessionStorage } = window as Window & typeof globalThis;
  const state = signal<SessionState>({ name: 'starting' });
  const isOnline = signal(true);
  const isPolling = signal(false);
  const baseUrl = String(new URL(options.api, new URL(base, location.href)));
  let current: { readonly console: Console; readonly status: Signal<OwnStatus>; end(): void } | undefined;

  const restart = () => {
    current?.end();
    current?.console.drafts.clear();
    state.value = { name: 'starting' };
    // Another document: nothing in memory survives. `reload` would let a browser restore fields.
    location.replace(location.pathname + location.search);
  };
  const findings = {
    onSignedOut: () => (state.value = { name: 'signedOut' }),
    onCallerChanged: restart,
    onAnswer: (arrived: boolean) => (isOnline.value = arrived),
  };
  const anonymous = clientOf(baseUrl, undefined, findings);

  const readStatus = async (client: AccessClient): Promise<Mine> => {
    const sentAt = deviceNow();
    const status = await client.status({ people: true });
    readServiceClock(status.at, sentAt, deviceNow());
    return status;
  };

  const begin = async (first: Mine): Promise<void> => {
    const caller = first.subject;
    const client = clientOf(baseUrl, caller, findings);
    const permitted = await permittedBy(client);
    if (current !== undefined) {
      // Another check was faster. A second page of the same caller would have a second stream, and decisions that no one sees.
      if (current.console.caller !== caller) restart();
      return;
    }
    const status = signal(first);
    const people = signal<ReadonlyMap<string, PersonInfo>>(new Map());
    const listeners = new Set<(change: Change) => void>();
    const endings: (() => void)[] = [];
    const console: Console = {
      client,
      caller,
      options,
      status,
      people,
      announce,
      restart,
      route: router.route,
      href: router.href,
      navigate: router.navigate,
      readOnly: options.readOnly,
      permits: (action) => permitted.has(action),
      drafts: draftsOf(caller, sessionStorage, deviceNow),
      learn: (found) => {
        const known = people.peek();
        const news = Object.entries(found ?? {}).flatMap(([id, info]) =>
          info && known.get(id)?.name !== info.name ? [[id, info] as const] : [],
        );
        if (news.length > 0) people.value = new Map([...known, ...news]);
      },
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      onEnd: (listener) => {
        endings.push(listener);
      },
      stepUp: ({ acrValues, maxAge }) => {
        if (options.stepUpUrl === undefined) return false;
        const asked = {
          ...(acrValues !== undefined && { acr_values: acrValues }),
          ...(maxAge !== undefined && { max_age: String(maxAge) }),
        };
        location.assign(withReturn(options.stepUpUrl, location, asked));
        return true;
      },
    };
    console.learn(first.people);
    const unsubscribe = subscribe(client, {
      document,
      onPolling: (polling) => (isPolling.value = polling),
      onEvent: (change) => {
        const tell = () => {
          for (const listener of listeners) listener(change);
        };
        // A stream may have begun again for another person, so each `ready` compares the caller first. Between two, it is the same person's.
        if (change.type === 'ready' || change.type === 'reset') void check().then(tell);
        else tell();
      },
    });
    const end = () => {
      unsubscribe();
      // Views that are still there would read what the next caller may see.
      listeners.clear();
      for (const call of endings) call();
    };
    current = { console, status, end };
    state.value = { name: 'ready', console };
  };

  let cancelRetry = (): void => undefined;
  const check = async (): Promise<void> => {
    try {
      const status = await readStatus(current?.console.client ?? anonymous);
      if (current === undefined) {
        await begin(status);
        return;
      }
      if (status.subject !== current.console.caller) {
        restart();
        return;
      }
      current.status.value = status;
      if (state.peek().name !== 'ready') state.value = { name: 'ready', console: current.console };
    } catch (error) {
      // A page that was restored stays covered, and one that is shown keeps what it shows: it says that nothing is answered.
      const { name } = state.peek();
      if (name !== 'starting' && name !== 'failed' && name !== 'checking') return;
      state.value = { name: 'failed', error };
      cancelRetry();
      if (mayPass(error)) cancelRetry = after(RETRY_MS, () => void check());
    }
  };

  window.addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    // Restored from the back-forward cache: the person may be another one.
    state.value = { name: 'checking' };
    void check();
  });
  window.addEventListener('focus', () => void check());
  window.addEventListener('online', () => void check());
  window.addEventListener('offline', () => (isOnline.value = false));
  return { state, isOnline, isPolling, check };
}

/** The actions that `may` permits without a target. A failure only shortens the menu. */
async function permittedBy(client: AccessClient): Promise<ReadonlySet<string>> {
  try {
    return new Set((await client.views()).actions);
  } catch {
    return new Set();
  }
}
