import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { GrantWithStatus } from '../../../../index.js';
import { after, now } from '../../frame/clock.js';
import { useConsole, type Console } from '../../frame/console.js';
import { allPages } from './all-pages.js';
import { blocksOf, type Blocks } from './blocks.js';
import { isPart, readHolders, type ScopeTopic } from './question.js';

/** The most grants that are listed. The sentence counts all, and the file has all. */
export const MOST_LISTED = 1_000;

/** What has been read of those who could use a scope at an instant. */
export interface Holders {
  readonly at: number;
  /** `whole`: the last page was read. `full`: there are more than one answer has. */
  readonly phase: 'reading' | 'whole' | 'stopped' | 'full' | 'failed';
  readonly error: unknown;
  /** The newest grants, at most {@link MOST_LISTED}. */
  readonly blocks: Blocks<GrantWithStatus>;
  readonly grants: number;
  readonly people: number;
  /** Whether a grant allows only a part of what is asked about. */
  readonly hasParts: boolean;
  /** When the first page was asked for, by the clock of the service. `undefined`: there is no answer yet. */
  readonly readAt: number | undefined;
}

export interface HoldersRead {
  readonly holders: Holders;
  readonly stop: () => void;
  /** Continues after a stop or a failure. */
  readonly more: () => void;
  /** Reads all pages again. */
  readonly again: () => void;
}

/** How long a slider rests before its instant is asked for. Milliseconds. */
const REST_MS = 200;

interface HoldersPorts extends Pick<Console, 'client' | 'learn'> {
  readonly topic: ScopeTopic;
  readonly at: number;
  readonly show: (holders: Holders) => void;
}

/** The pages of one instant. */
function holdersAt({ client, learn, topic, at, show }: HoldersPorts) {
  let end = new AbortController();
  let place: string | undefined;
  let read = nothing(at);
  const people = new Set<string>();
  const set = (next: Partial<Holders>) => {
    show((read = { ...read, ...next }));
  };
  const run = async () => {
    end = new AbortController();
    const { signal } = end;
    // An instant of the future has no answer: the clock of the service may be a moment behind. A read that continues keeps its instant.
    const instant = read.readAt === undefined ? Math.min(at, Math.floor(now()) - 1_000) : read.at;
    set({ phase: 'reading', error: undefined, readAt: read.readAt ?? now(), at: instant });
    const page = (after: string | undefined) => readHolders(client, topic, instant, after, signal);
    try {
      for await (const { items, next, people: named } of allPages(page, signal, place, read.grants)) {
        const listed = items.slice(0, Math.max(0, MOST_LISTED - read.grants));
        if (listed.length > 0) learn(named);
        for (const { subject } of items) people.add(subject);
        place = next;
        set({
          blocks: [...read.blocks, ...blocksOf(listed, read.grants)],
          grants: read.grants + items.length,
          people: people.size,
          hasParts: read.hasParts || items.some(({ scope }) => isPart(topic, scope)),
        });
      }
      if (!signal.aborted) set({ phase: place === undefined ? 'whole' : 'full' });
    } catch (error) {
      if (!signal.aborted) set({ phase: 'failed', error });
    }
  };
  return {
    run,
    end: () => {
      end.abort();
    },
    stop: () => {
      end.abort();
      set({ phase: 'stopped' });
    },
  };
}

/** Reads who could use a scope at an instant, to the last page. @param topic `undefined`: nothing is asked for */
export function useHolders(topic: ScopeTopic | undefined, at: number): HoldersRead {
  const { client, learn } = useConsole();
  const [holders, setHolders] = useState<Holders>(() => nothing(at));
  const [round, setRound] = useState(0);
  const isFirst = useRef(true);
  const control = useRef<ReturnType<typeof holdersAt>>();

  useEffect(() => {
    if (topic === undefined) return undefined;
    const pages = holdersAt({ client, learn, topic, at, show: setHolders });
    control.current = pages;
    setHolders(nothing(at));
    const cancel = after(isFirst.current ? 0 : REST_MS, () => void pages.run());
    isFirst.current = false;
    return () => {
      cancel();
      pages.end();
    };
  }, [JSON.stringify(topic), at, round]);

  return {
    holders,
    stop: useCallback(() => control.current?.stop(), []),
    more: useCallback(() => void control.current?.run(), []),
    again: useCallback(() => {
      setRound((count) => count + 1);
    }, []),
  };
}

const nothing = (at: number): Holders => ({
  at,
  phase: 'reading',
  error: undefined,
  blocks: [],
  grants: 0,
  people: 0,
  hasParts: false,
  readAt: undefined,
});
