import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { useSignalEffect } from '@preact/signals';
import type { AccessClient } from '../../../../client.js';
import type { GrantWithStatus } from '../../../../index.js';
import { after, nextOf, second } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { useAt } from '../../frame/use-at.js';
import { useRead } from '../../frame/use-read.js';
import type { PagesRead } from '../history/use-pages.js';
import { usePages } from '../history/use-pages.js';
import { queryOf, type Filters } from './filters.js';

/** The pause before another comparison, while the list itself is read. Milliseconds. */
const PAUSE_MS = 300;

export interface HeldNow extends Omit<PagesRead<GrantWithStatus>, 'remove'> {
  /** How many new grants wait: the list does not move under its reader. */
  readonly news: number;
  /** Removes grants that were ended here. */
  readonly drop: (grantIds: readonly string[]) => void;
}

/** The first grants that are held now, and the next begin of another one: no event says that access has begun. */
async function readFirst(client: Pick<AccessClient, 'listGrants'>, query: ReturnType<typeof queryOf>, signal: AbortSignal) {
  let page = await client.listGrants(query, { signal });
  while (page.items.length === 0 && page.next !== undefined) page = await client.listGrants({ ...query, after: page.next }, { signal });
  const begins: number[] = [];
  for await (const { startsAt } of client.listGrants({ ...query, status: 'scheduled' }, { signal })) begins.push(startsAt);
  return { ...page, nextBegin: nextOf(begins) };
}

/**
 * The grants that are held now, the next end first. What ends leaves the list. What is new waits until `again`; in an empty list, and on
 * a page that shows no action, it comes by itself.
 */
export function useHeld(filters: Filters): HeldNow {
  const { client, readOnly, permits } = useConsole();
  const query = queryOf(filters, permits('patterns'));
  const pages = usePages((place, signal) => client.listGrants({ ...query, after: place }, { signal, people: true }));
  const latest = useRef(pages);
  latest.current = pages;
  const [news, setNews] = useState(0);

  // The first page as it is now, to be compared with what is shown of it.
  const { value: first, again: look } = useRead(
    async (signal) => {
      const { blocks: before } = latest.current;
      return { ...(await readFirst(client, query, signal)), before };
    },
    [],
    ({ type }) => /^(grant\.(issued|activated|expired|revoked)|lock\.)/.test(type),
  );
  useEffect(() => {
    if (first === undefined) return undefined;
    const { blocks, isLoading, remove } = latest.current;
    // The list is newer than the comparison.
    if (isLoading || first.before !== blocks) return after(PAUSE_MS, look);
    const { items, next } = first;
    const shown = new Set(blocks.flatMap((block) => block.items.map(({ id }) => id)));
    const found = new Set(items.map(({ id }) => id));
    const reach = next === undefined ? Infinity : (items.at(-1)?.expiresAt ?? 0);
    remove(({ id, expiresAt }) => expiresAt < reach && !found.has(id));
    setNews(items.filter(({ id }) => !shown.has(id)).length);
    return undefined;
  }, [first]);
  useAt(first?.nextBegin, first, look);

  // The clock ends access without an event. The service is asked too: the clock of the viewer may be wrong.
  useSignalEffect(() => {
    const at = second.value;
    if (at < (latest.current.blocks[0]?.items[0]?.expiresAt ?? Infinity)) return;
    latest.current.remove(({ expiresAt }) => expiresAt <= at);
    look();
  });

  const again = useCallback(() => {
    setNews(0);
    latest.current.again();
  }, []);
  const isEmpty = pages.blocks.length === 0;
  useEffect(() => {
    if (news > 0 && (isEmpty || readOnly)) again();
  }, [news, isEmpty]);

  return {
    ...pages,
    again,
    news,
    drop: useCallback((ids) => {
      latest.current.remove(({ id }) => ids.includes(id));
    }, []),
  };
}
