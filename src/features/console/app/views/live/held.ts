import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { GrantWithStatus } from '../../../../../engine/with-status.js';
import { after, minute, now } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import type { PagesRead } from '../history/use-pages.js';
import { usePages } from '../history/use-pages.js';
import { queryOf, type Filters } from './filters.js';

/** Changes of one commit arrive together. Milliseconds. */
const GATHER_MS = 300;

export interface HeldNow extends Omit<PagesRead<GrantWithStatus>, 'remove'> {
  /** How many new grants wait: the list does not move under its reader. */
  readonly news: number;
  /** Removes grants that were ended here. */
  readonly drop: (grantIds: readonly string[]) => void;
}

/**
 * The grants that are held now, the next end first. What ends leaves the list. What is new waits until `again`; on a page that shows no
 * action it comes by itself.
 */
export function useHeld(filters: Filters): HeldNow {
  const { client, onChange, readOnly } = useConsole();
  const query = queryOf(filters);
  const pages = usePages((place, signal) => client.listGrants({ ...query, after: place }, { signal, people: true }));
  const [news, setNews] = useState(0);
  const latest = useRef(pages);
  latest.current = pages;

  const again = useCallback(() => {
    setNews(0);
    latest.current.again();
  }, []);

  useEffect(() => {
    const end = new AbortController();
    // Compares the first page with what is shown of it.
    const compare = async () => {
      const { items, next } = await client.listGrants(query, { signal: end.signal });
      const shown = new Set(latest.current.blocks.flatMap((block) => block.items.map(({ id }) => id)));
      const found = new Set(items.map(({ id }) => id));
      const reach = next === undefined ? Infinity : (items.at(-1)?.expiresAt ?? 0);
      latest.current.remove(({ id, expiresAt }) => expiresAt < reach && !found.has(id));
      const count = items.filter(({ id }) => !shown.has(id)).length;
      if (count > 0 && readOnly) again();
      else setNews(count);
    };
    let cancel: (() => void) | undefined;
    const stop = onChange(({ type }) => {
      if (!/^(ready|reset|grant\.(issued|activated|expired|revoked)|lock\.)/.test(type)) return;
      cancel?.();
      // A failure changes nothing: the next change compares again.
      cancel = after(GATHER_MS, () => void compare().catch(() => undefined));
    });
    return () => {
      end.abort();
      cancel?.();
      stop();
    };
  }, []);

  // Time ends access without an event.
  const at = minute.value;
  useEffect(() => {
    pages.remove(({ expiresAt }) => expiresAt <= now());
  }, [at]);

  return {
    ...pages,
    again,
    news,
    drop: useCallback((ids) => {
      latest.current.remove(({ id }) => ids.includes(id));
    }, []),
  };
}
