import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { now } from '../../frame/clock.js';
import { useConsole, type Console } from '../../frame/console.js';
import type { PersonInfo } from '../../frame/types.js';
import { blocksOf, type Blocks } from './blocks.js';

/** A page of the API: its items, and the place of the next one. */
export interface AnyPage<T> {
  readonly items: readonly T[];
  readonly next?: string | undefined;
  readonly people?: Readonly<Record<string, PersonInfo | undefined>> | undefined;
  /** The next instant at which time changes an item. */
  readonly changesAt?: number | undefined;
}

interface State<T> {
  /** The items so far. */
  readonly blocks: Blocks<T>;
  /** Whether there is more to read. */
  readonly hasMore: boolean;
  readonly isLoading: boolean;
  /** The error of the last read. `undefined`: it succeeded, or has not ended. */
  readonly error: unknown;
  /** When the first page was asked for, by the clock of the service. `undefined`: there is no answer yet. */
  readonly readAt: number | undefined;
  /** The first instant at which time changes what was read. `undefined`: none does. */
  readonly changesAt: number | undefined;
}

/** What has been read of a long list. */
export interface PagesRead<T> extends State<T> {
  /** Reads the next page, or the same one after its failure. */
  readonly more: () => void;
  /** Begins again with the first page. What was read stays until its answer. */
  readonly again: () => void;
}

const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

type ReadPage<T> = (after: string | undefined, signal: AbortSignal) => PromiseLike<AnyPage<T>>;
type Show<T> = (change: (before: State<T>) => State<T>) => void;

const NOTHING = { blocks: [], hasMore: false, isLoading: true, error: undefined, readAt: undefined, changesAt: undefined };

/** The pages of one round. @returns what reads the next one, or the same one after its failure */
function pagesFrom<T>(read: () => ReadPage<T>, signal: AbortSignal, learn: Console['learn'], show: Show<T>): () => Promise<void> {
  let place: string | undefined;
  let pages = 0;
  let isRunning = false;
  const readAt = now();
  return async () => {
    if (isRunning || (pages > 0 && place === undefined)) return;
    isRunning = true;
    show((before) => ({ ...before, isLoading: true, error: undefined }));
    try {
      let page: AnyPage<T>;
      do page = await read()(place, signal);
      while (page.items.length === 0 && (place = page.next) !== undefined);
      if (signal.aborted) return;
      learn(page.people);
      place = page.next;
      const added = blocksOf(page.items, pages);
      const isFirst = pages++ === 0;
      const hasMore = place !== undefined;
      show((before) => ({
        blocks: isFirst ? added : [...before.blocks, ...added],
        hasMore,
        isLoading: false,
        error: undefined,
        readAt,
        changesAt: earlier(isFirst ? undefined : before.changesAt, page.changesAt),
      }));
    } catch (error) {
      if (!signal.aborted) show((before) => ({ ...before, isLoading: false, error }));
    } finally {
      isRunning = false;
    }
  };
}

/**
 * Reads a long list page by page, the first at once. A part with another list needs another `key`. An empty page may have a next one: it
 * is read at once.
 *
 * @param read gets the place of the page, and a signal that aborts when its answer is no longer wanted
 * @param key begins again when it changes. What was read stays until the answer
 */
export function usePages<T>(read: ReadPage<T>, key?: unknown): PagesRead<T> {
  const { learn } = useConsole();
  const [state, setState] = useState<State<T>>(NOTHING);
  const [round, setRound] = useState(0);
  const latest = useRef(read);
  latest.current = read;
  const run = useRef<() => Promise<void>>(() => Promise.resolve());

  useEffect(() => {
    const end = new AbortController();
    run.current = pagesFrom(() => latest.current, end.signal, learn, setState);
    void run.current();
    return () => {
      end.abort();
    };
  }, [round, key]);

  return {
    ...state,
    more: useCallback(() => void run.current(), []),
    again: useCallback(() => {
      setRound((count) => count + 1);
    }, []),
  };
}
