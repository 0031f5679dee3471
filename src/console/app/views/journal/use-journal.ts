import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { AccessClient, JournalPage, Named } from '../../../../client.js';
import type { Anchor, AuditEntry } from '../../../../index.js';
import { useConsole } from '../../frame/console.js';
import { after } from '../../frame/clock.js';

/** How many entries are read at a time. */
export const PAGE = 40;

type Reader = Pick<AccessClient, 'journal'>;

/** Where the page of entries before an entry begins: the number of the entry in front of it. */
export const startOf = (before: number, oldest: number): number => Math.max(oldest - 1, before - 1 - PAGE);

interface State {
  /** The newest first. */
  readonly entries: readonly AuditEntry[];
  readonly head: Anchor | undefined;
  /** The number of the oldest entry that is left. */
  readonly oldest: number;
  readonly error: unknown;
  readonly isLoading: boolean;
}

export interface JournalRead extends State {
  /** The entries since the first read. They wait until `again`, except while the list is empty: nothing can move under its reader. */
  readonly news: number;
  readonly older: () => Promise<void>;
  readonly again: () => void;
}

const NOTHING: State = { entries: [], head: undefined, oldest: 1, error: undefined, isLoading: true };

/** The newest entries, and the first of the journal: the API reads forwards, so the head says where the newest begin. */
export async function readNewest(client: Reader, signal: AbortSignal): Promise<Named<Pick<State, 'entries' | 'head' | 'oldest'>>> {
  const first: JournalPage = await client.journal({ limit: 1 }, { signal });
  const oldest = first.items[0]?.seq ?? first.head.seq + 1;
  const begin = startOf(first.head.seq + 1, oldest);
  return { ...(await readFrom(client, begin, 1_000, signal)), oldest };
}

/** Up to `limit` entries, the newest first. A page of large entries is short, and the entries after it would be missing. */
async function readFrom(client: Reader, begin: number, limit: number, signal?: AbortSignal) {
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

/** The entries before those that are shown. `undefined`: there are none. */
async function readOlder(client: Reader, { entries, oldest }: State) {
  const before = entries.at(-1)?.seq;
  if (before === undefined || before <= oldest) return undefined;
  const begin = startOf(before, oldest);
  return readFrom(client, begin, before - 1 - begin);
}

export function useJournal(): JournalRead {
  const { client, learn, onChange } = useConsole();
  const [state, setState] = useState(NOTHING);
  const [head, setHead] = useState(0);
  const [round, setRound] = useState(0);
  const latest = useRef(state);
  latest.current = state;

  useEffect(() => {
    const end = new AbortController();
    const { signal } = end;
    setState((before) => ({ ...before, isLoading: true, error: undefined }));
    readNewest(client, signal).then(
      ({ people, ...read }) => {
        if (signal.aborted) return;
        learn(people);
        setHead(read.head?.seq ?? 0);
        setState({ ...read, error: undefined, isLoading: false });
      },
      (error: unknown) => {
        if (!signal.aborted) setState((before) => ({ ...before, error, isLoading: false }));
      },
    );
    let cancel: (() => void) | undefined;
    const look = async () => setHead((await client.journal({ after: latest.current.head?.seq ?? 0, limit: 1 }, { signal })).head.seq);
    const stop = onChange(() => {
      cancel?.();
      cancel = after(1_000, () => void look().catch(() => undefined));
    });
    return () => {
      end.abort();
      cancel?.();
      stop();
    };
  }, [round]);

  const news = Math.max(0, head - (state.head?.seq ?? head));
  const isBehind = news > 0 && state.entries.length === 0;
  useEffect(() => {
    if (isBehind) setRound((count) => count + 1);
  }, [isBehind]);

  return {
    ...state,
    news,
    older: useCallback(async () => {
      try {
        const read = await readOlder(client, latest.current);
        if (read === undefined) return;
        learn(read.people);
        setState((now) => ({ ...now, entries: [...now.entries, ...read.entries], error: undefined }));
      } catch (error) {
        setState((now) => ({ ...now, error }));
      }
    }, []),
    again: useCallback(() => {
      setRound((count) => count + 1);
    }, []),
  };
}
