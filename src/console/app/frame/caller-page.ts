import { signal, type Signal } from '@preact/signals';
import type { AccessClient, OwnStatus } from '../../../client.js';
import { announce } from './announce.js';
import { after, deviceNow, elapsed, now } from './clock.js';
import type { Console } from './console.js';
import type { Change } from './types.js';
import { draftsOf } from './drafts.js';
import { subscribe } from './events.js';
import { visiblePerson } from './names.js';
import { withReturn, type PageOptions } from './options.js';
import { ReadModel } from './read-model.js';
import type { Router } from './router.js';
import type { PersonInfo } from './types.js';

/** The answer of `GET /me`, with the viewer's name. */
export type Mine = Awaited<ReturnType<AccessClient['status']>>;

/** The parts of the window that a page uses. */
export type Browser = Pick<Window & typeof globalThis, 'document' | 'location' | 'sessionStorage'>;

/** The page of one caller, with its subscription. */
export interface CallerPage {
  readonly console: Console;
  readonly status: Signal<OwnStatus>;
  /** Ends the subscription, and what the views have registered with `onEnd`. */
  readonly end: () => void;
}

interface PagePorts extends Pick<Console, 'client' | 'options' | 'restart'> {
  /** The actions that the caller may take without a target. */
  readonly permitted: ReadonlySet<string>;
  readonly router: Router;
  readonly browser: Browser;
  readonly onPolling: (isPolling: boolean) => void;
  /** Compares the caller, as `Session.check`. */
  readonly check: () => Promise<void>;
}

/** Pages of one service read at different moments of the second after an instant that they share. Milliseconds. */
const MOST_SPREAD_MS = 800;

/** @param first the caller's status, as read before the page is shown */
export function openPage(first: Mine, ports: PagePorts): CallerPage {
  const status = signal(first);
  const listeners = new Set<(change: Change) => void>();
  const endings: (() => void)[] = [];
  const console = consoleOf(status, ports, listeners, endings);
  console.learn(first.people);
  const unsubscribe = subscribe(ports.client, {
    document: ports.browser.document,
    onPolling: ports.onPolling,
    onHidden: (isHidden) => {
      if (isHidden) console.model.pause();
      // Another person may have signed in while the page was hidden.
      else
        void ports.check().then(() => {
          if (!ports.browser.document.hidden) console.model.resume();
        });
    },
    onEvent: (change) => {
      const tell = () => {
        console.model.take(change);
        for (const listener of listeners) listener(change);
      };
      // A stream may have begun again for another person, so each `ready` compares the caller first. Between two, it is the same person's.
      if (change.type === 'ready' || change.type === 'reset') void ports.check().then(tell);
      else tell();
    },
  });
  const end = () => {
    unsubscribe();
    console.model.end();
    // Views that are still there would read what the next caller may see.
    listeners.clear();
    for (const call of endings) call();
  };
  return { console, status, end };
}

function consoleOf(
  status: Signal<Mine>,
  { client, permitted, options, router, browser, restart }: PagePorts,
  listeners: Set<(change: Change) => void>,
  endings: (() => void)[],
): Console {
  const caller = status.peek().subject;
  const people = peopleOf();
  return {
    client,
    model: new ReadModel({ client, learn: people.learn, now, elapsed, after, spreadMs: Math.random() * MOST_SPREAD_MS }),
    caller,
    options,
    status,
    waiting: signal(),
    ...people,
    announce,
    restart,
    route: router.route,
    href: router.href,
    navigate: router.navigate,
    readOnly: options.readOnly,
    permits: (action) => permitted.has(action),
    drafts: draftsOf(caller, browser.sessionStorage, deviceNow),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onEnd: (listener) => {
      endings.push(listener);
    },
    stepUp: stepUpOf(options, browser.location),
  };
}

function peopleOf(): Pick<Console, 'people' | 'learn'> {
  const people = signal<ReadonlyMap<string, PersonInfo>>(new Map());
  return {
    people,
    learn: (found) => {
      const known = people.peek();
      const news = Object.entries(found ?? {}).flatMap(([id, given]) => {
        const info = given && visiblePerson(given);
        const before = known.get(id);
        return info && (before?.name !== info.name || before.detail !== info.detail) ? [[id, info] as const] : [];
      });
      if (news.length > 0) people.value = new Map([...known, ...news]);
    },
  };
}

function stepUpOf({ stepUpUrl }: PageOptions, location: Location): Console['stepUp'] {
  return ({ acrValues, maxAge }) => {
    if (stepUpUrl === undefined) return false;
    const asked = {
      ...(acrValues !== undefined && { acr_values: acrValues }),
      ...(maxAge !== undefined && { max_age: String(maxAge) }),
    };
    location.assign(withReturn(stepUpUrl, location, asked));
    return true;
  };
}
