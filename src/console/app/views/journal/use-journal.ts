import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { AccessClient, JournalPage, Named } from '../../../../client.js';
import type { Anchor, AuditEntry } from '../../../../index.js';
import { useConsole } from '../../frame/console.js';
import { after } from '../../frame/clock.js';
import { useRetry } from '../../frame/use-retry.js';
import { Finder, isFiltered, type Filters } from './filters.js';

/** How many entries are shown at a time. */
export const PAGE = 40;
/** How many are read at a time where only some fit: the API filters none. */
const MANY = 500;

type Reader = Pick<AccessClient, 'journal'>;

/** Where the page of entries before an entry begins: the number of the entry in front of it. */
export const startOf = (before: number, oldest: number, size = PAGE): number => Math.max(oldest - 1, before - 1 - size);

/** The newest entries, and the first of the journal: the API reads forwards, so the head says where the newest begin. */
export async function readNewest(client: Reader, signal: AbortSignal, size = PAGE) {
  const first: JournalPage = await client.journal({ limit: 1 }, { signal });
  const oldest = first.items[0]?.seq ?? first.head.seq + 1;
  const begin = startOf(first.head.seq + 1, oldest, size);
  return { ...(await readFrom(client, begin, 1_000, signal)), oldest };
}

/** Up to `limit` entries, the newest first. A page of large entries is short, and the entries after it would be missing. */
async function readFrom(client: Reader, begin: number, limit: number, signal: AbortSignal) {
  const entries: AuditEntry[] = [];
  let people: Named<unknown>['people'] = {};
  for (let next: string | number | undefined = begin; ;) {
    const page: Named<JournalPage> = await client.journal({ after: next, limit: limit - entries.length }, { signal, people: true });
    entries.push(...page.items);
    people = { ...people, ...page.people };
    next = page.next;
    if (next === undefined || entries.length >= limit) return { entries: entries.reverse(), head: page.head, people };
  }
}

/** What was read of the journal, from its end. */
export interface Search {
  readonly head: Anchor | undefined;
  /** The entries that fit, the newest first. */
  readonly entries: readonly AuditEntry[];
  /** How many entries were read. */
  readonly read: number;
  /** Whether no older entry can fit. */
  readonly isWhole: boolean;
}

interface Place {
  readonly finder: Finder;
  readonly size: number;
  /** The number of the oldest entry that was read, and of the oldest that is left. `undefined`: none was read. */
  before?: number;
  oldest: number;
  head: Anchor | undefined;
}

export const beginSearch = (filters: Filters): Place => {
  const size = isFiltered(filters) ? MANY : PAGE;
  return { finder: new Finder(filters), size, oldest: 1, head: undefined };
};

/** Reads back from where a search is, until a page of further entries fits. @param onPart called after each part, with what was found */
export async function continueSearch(
  client: Reader,
  place: Place,
  signal: AbortSignal,
  onPart: (search: Search, people: Named<unknown>['people']) => void,
): Promise<void> {
  const { finder, size } = place;
  const goal = finder.found.length + PAGE;
  for (;;) {
    const { before } = place;
    const begin = startOf(before ?? 0, place.oldest, size);
    const part = before === undefined ? await readNewest(client, signal, size) : await readFrom(client, begin, before - 1 - begin, signal);
    if (signal.aborted) return;
    if ('oldest' in part) Object.assign(place, { oldest: part.oldest, head: part.head });
    place.before = part.entries.at(-1)?.seq ?? place.oldest;
    finder.take(part.entries);
    const isWhole = place.before <= place.oldest || finder.isDone;
    onPart({ head: place.head, entries: finder.found, read: finder.read, isWhole }, part.people);
    if (isWhole || (finder.isSettled && finder.found.length >= goal)) return;
  }
}

interface State extends Search {
  /** The question that it answers. */
  readonly of: string;
  readonly error: unknown;
  readonly isReading: boolean;
}

export interface JournalRead extends Omit<State, 'of'> {
  /** The entries since the first read. They wait until `again`, except while nothing is selected and the list is empty. */
  readonly news: number;
  /** Reads more. */
  readonly older: () => Promise<void>;
  readonly stop: () => void;
  readonly again: () => void;
}

const NOTHING: State = { of: '', entries: [], head: undefined, read: 0, isWhole: false, error: undefined, isReading: true };

export function useJournal(filters: Filters): JournalRead {
  const { client, learn } = useConsole();
  const [held, setState] = useState(NOTHING);
  const [round, setRound] = useState(0);
  const running = useRef<AbortController>();
  const key = JSON.stringify([filters, round]);
  // The first frame of another question shows no answer of the last one.
  const state = held.of === key ? held : { ...NOTHING, head: held.head };
  const place = useRef<Place>();

  const run = async (at: Place) => {
    const end = (running.current = new AbortController());
    const { signal } = end;
    const set = (more: Partial<State>) => {
      if (running.current === end) setState((before) => ({ ...before, ...more }));
    };
    set({ isReading: true, error: undefined });
    try {
      await continueSearch(client, at, signal, (search, people) => {
        learn(people);
        set(search);
      });
    } catch (error) {
      if (!signal.aborted) set({ error });
    }
    set({ isReading: false });
  };
  useEffect(() => {
    place.current = beginSearch(filters);
    setState(({ head }) => ({ ...NOTHING, of: key, head }));
    void run(place.current);
    return () => {
      running.current?.abort();
      running.current = undefined;
    };
  }, [key]);

  const again = useCallback(() => setRound((count) => count + 1), []);
  const news = useNews(state.head?.seq);
  const isBehind = news > 0 && state.entries.length === 0 && !isFiltered(filters) && !state.isReading;
  useEffect(() => {
    if (isBehind) again();
  }, [isBehind]);

  const older = async () => place.current && run(place.current);
  useRetry(state.error, () => void older());
  return { ...state, news, older, stop: () => running.current?.abort(), again };
}

/** How many entries the journal has after one. */
function useNews(seq: number | undefined): number {
  const { client, onChange } = useConsole();
  const [head, setHead] = useState(0);
  const latest = useRef(0);
  latest.current = seq ?? 0;
  useEffect(() => {
    const end = new AbortController();
    const { signal } = end;
    let cancel: (() => void) | undefined;
    const look = async () => setHead((await client.journal({ after: latest.current, limit: 1 }, { signal })).head.seq);
    const stop = onChange(() => {
      cancel?.();
      cancel = after(1_000, () => void look().catch(() => undefined));
    });
    return () => {
      end.abort();
      cancel?.();
      stop();
    };
  }, []);
  return seq === undefined ? 0 : Math.max(0, head - seq);
}
