import { useContext, useLayoutEffect } from 'preact/hooks';
import type { InboxItem } from '../../../index.js';
import { ConsoleContext, useConsole } from './console.js';
import { t } from './messages.js';
import { noteWaiting } from './notice.js';
import { names } from './old-by.js';
import type { PageOptions } from './options.js';
import { statusOf, type Query, type Read } from './read-model.js';
import type { Waiting } from './types.js';

interface Counted {
  readonly items: readonly Pick<InboxItem, 'request'>[];
  readonly next?: string | undefined;
  readonly changesAt?: number | undefined;
}

/** More than these are counted as at least so many. */
const MOST = 50;

/** The requests that are counted, without names and holdings. The events of others cost no call: what is new is counted within a minute. */
export const waitingQuery: Query<Counted> = {
  key: 'waiting',
  read: (client, signal) => client.inbox({ limit: MOST }, { signal }),
  isOld: (change, { items }) =>
    names(
      items.map(({ request }) => request.id),
      change,
    ),
  changesAt: ({ changesAt }) => changesAt,
  whileHidden: true,
};

/** The number that an inbox, or the error of its read, gives. `undefined`: it leaves the number as it is. */
export function waitingIn({ value, error }: Pick<Read<Counted>, 'value' | 'error'>): Waiting | undefined {
  if ([403, 404].includes(statusOf(error) ?? 0)) return null;
  return value && { count: value.items.length, isMore: value.next !== undefined };
}

/** Counts an inbox that was read. */
export function useCounted(read: Pick<Read<Counted>, 'value' | 'error'>): void {
  const console = useConsole();
  useLayoutEffect(() => {
    const next = waitingIn(read);
    if (next !== undefined) console.waiting.value = next;
    if (read.value)
      noteWaiting(
        console,
        read.value.items.map(({ request }) => request.id),
      );
  }, [read.value, read.error]);
}

/** The number as a text: `3`, or `50+`. `undefined`: none waits. */
export function waitingText(waiting: Waiting | undefined): string | undefined {
  if (!waiting || waiting.count === 0) return undefined;
  return waiting.isMore ? t('frame.atLeast', { count: waiting.count }) : String(waiting.count);
}

/** Names the document after a view, with the number of waiting reviews. */
export function useTitle(title: string, options: PageOptions): void {
  const waiting = waitingText(useContext(ConsoleContext)?.waiting.value);
  // With the text of the view, and not a frame later.
  useLayoutEffect(() => {
    const named = `${title} · ${options.title}`;
    document.title = waiting === undefined ? named : t('frame.waiting', { count: waiting, title: named });
  }, [title, waiting]);
}
