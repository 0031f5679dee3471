import { signal, type Signal } from '@preact/signals';
import type { AccessClient } from '../../../client.js';
import { clientOf, type Findings } from './api.js';
import { openPage, type Browser, type CallerPage, type Mine } from './caller-page.js';
import { after, deviceNow, readServiceClock } from './clock.js';
import type { Console } from './console.js';
import type { PageOptions } from './options.js';
import type { Router } from './router.js';
import { mayPass, RETRY_MS } from './read-model.js';

/** Who the page belongs to. `checking`: restored by the browser, so it shows nothing until the API has named its caller. */
export type SessionState =
  | { readonly name: 'starting' | 'signedOut' | 'checking' }
  | { readonly name: 'failed'; readonly error: unknown }
  | { readonly name: 'ready'; readonly console: Console };

export interface Session {
  readonly state: Signal<SessionState>;
  /** Whether the last call got an answer. */
  readonly isOnline: Signal<boolean>;
  /** Whether the page reads every 15 seconds, because no events arrive. */
  readonly isPolling: Signal<boolean>;
  /** Whether the menu may lack views, because the service could not say which ones the caller may open. */
  readonly isMenuShort: Signal<boolean>;
  /**
   * Reads the caller, and continues or starts again.
   *
   * @param readsAll whether the views read again, too. Default: `false`
   */
  readonly check: (readsAll?: boolean) => Promise<void>;
}

/** What the functions of one session share. */
interface Held extends Session {
  readonly options: PageOptions;
  readonly router: Router;
  readonly browser: Browser;
  readonly baseUrl: string;
  page: CallerPage | undefined;
  cancelRetry(): void;
}

/** The one caller of a page. Another caller gets another page, without the state and the drafts of the first. */
export function createSession(options: PageOptions, base: string, router: Router, window: Window): Session {
  const { document, location, sessionStorage } = window as Window & typeof globalThis;
  const held: Held = {
    options,
    router,
    browser: { document, location, sessionStorage },
    baseUrl: String(new URL(options.api, new URL(base, location.href))),
    state: signal<SessionState>({ name: 'starting' }),
    isOnline: signal(true),
    isPolling: signal(false),
    isMenuShort: signal(false),
    page: undefined,
    cancelRetry: () => undefined,
    check: (readsAll = false) => check(held, anonymous, readsAll),
  };
  const anonymous = clientOf(held.baseUrl, undefined, findingsOf(held));
  checkOnReturn(held, window);
  const { state, isOnline, isPolling, isMenuShort } = held;
  return { state, isOnline, isPolling, isMenuShort, check: held.check };
}

function restart({ page, state, browser: { location } }: Held): void {
  page?.end();
  page?.console.drafts.clear();
  state.value = { name: 'starting' };
  // Another document: nothing in memory survives. `reload` would let a browser restore fields.
  location.replace(location.pathname + location.search);
}

function findingsOf(held: Held): Findings {
  return {
    onSignedOut: () => (held.state.value = { name: 'signedOut' }),
    onCallerChanged: () => {
      restart(held);
    },
    onAnswer: (arrived) => (held.isOnline.value = arrived),
  };
}

/** Reads what the caller holds, and the clock of the service with it. */
export async function readStatus(client: AccessClient, options: { readonly signal?: AbortSignal } = {}): Promise<Mine> {
  const sentAt = deviceNow();
  const status = await client.status({ ...options, people: true });
  readServiceClock(status.at, sentAt, deviceNow());
  return status;
}

async function check(held: Held, anonymous: AccessClient, readsAll: boolean): Promise<void> {
  const { state } = held;
  try {
    const status = await readStatus(held.page?.console.client ?? anonymous);
    if (held.page === undefined) {
      await begin(held, status);
      return;
    }
    if (status.subject !== held.page.console.caller) {
      restart(held);
      return;
    }
    held.page.status.value = status;
    const { model } = held.page.console;
    // The clock of the service has been read, and with it the next instant at which time changes an answer.
    if (readsAll) model.refresh();
    else model.plan();
    if (state.peek().name !== 'ready') state.value = { name: 'ready', console: held.page.console };
  } catch (error) {
    // A page that was restored stays covered, and one that is shown keeps what it shows: it says that nothing is answered.
    const { name } = state.peek();
    if (name !== 'starting' && name !== 'failed' && name !== 'checking') return;
    state.value = { name: 'failed', error };
    held.cancelRetry();
    if (mayPass(error)) held.cancelRetry = after(RETRY_MS, () => void held.check());
  }
}

async function begin(held: Held, first: Mine): Promise<void> {
  const caller = first.subject;
  const client = clientOf(held.baseUrl, caller, findingsOf(held));
  const permitted = await permittedBy(client, held);
  if (held.page !== undefined) {
    // Another check was faster. A second page of the same caller would have a second stream, and decisions that no one sees.
    if (held.page.console.caller !== caller) restart(held);
    return;
  }
  held.page = openPage(first, {
    client,
    permitted,
    options: held.options,
    router: held.router,
    browser: held.browser,
    onPolling: (polling) => (held.isPolling.value = polling),
    check: held.check,
    restart: () => {
      restart(held);
    },
  });
  held.state.value = { name: 'ready', console: held.page.console };
}

/** Checks the caller whenever the page or its connection comes back. */
function checkOnReturn({ state, isOnline, check }: Held, window: Window): void {
  window.addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    // Restored from the back-forward cache: the person may be another one.
    state.value = { name: 'checking' };
    void check();
  });
  window.addEventListener('focus', () => void check(true));
  window.addEventListener('online', () => void check());
  window.addEventListener('offline', () => (isOnline.value = false));
}

/**
 * The actions that `may` permits without a target, `patterns` if lists take one, and `breakGlass`, unless the rules give the caller nothing
 * in an emergency. A failure only shortens the menu, and the page says so. It hides no way to emergency access: the list is read when it
 * opens.
 */
async function permittedBy(client: AccessClient, { isMenuShort }: Held): Promise<ReadonlySet<string>> {
  try {
    const { actions, patterns, breakGlass = true } = await client.views();
    return new Set([...actions, ...(patterns ? ['patterns'] : []), ...(breakGlass ? ['breakGlass'] : [])]);
  } catch {
    isMenuShort.value = true;
    return new Set(['breakGlass']);
  }
}
