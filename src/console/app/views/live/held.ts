import { useMemo, useRef, useState } from 'preact/hooks';
import type { GrantWithStatus } from '../../../../index.js';
import { useConsole } from '../../frame/console.js';
import { useNow } from '../../frame/use-now.js';
import { useQuery } from '../../frame/use-query.js';
import { useStill, type StillList } from '../../parts/list.js';
import { useChoice, type Choice } from './choice.js';
import type { Filters } from './filters.js';
import { openAt } from './open.js';
import { heldQuery, type HeldPage } from './read.js';

/** How many more rows one press shows, and the most rows: beyond them, a filter finds more than a longer list. */
const STEP = 200;
export const MOST = 1_000;

export interface HeldNow extends StillList<GrantWithStatus> {
  /** How many grants are held now: never held back. `undefined`: not read yet. */
  readonly count: number | undefined;
  /** Whether there are more than that. */
  readonly hasMore: boolean;
  readonly error: unknown;
  readonly again: () => void;
  /** Shows more rows. `undefined`: all are shown, or the most. */
  readonly more: (() => void) | undefined;
  readonly choice: Choice;
}

const keyOf = ({ id }: GrantWithStatus): string => id;

/** The grants that are held now and those that begin later, the next end first. As long as one is chosen, the list stands still. */
export function useHeld(filters: Filters): HeldNow {
  const { permits } = useConsole();
  const [limit, setLimit] = useState(STEP);
  const { value: read, error, again } = useQuery(heldQuery(filters, limit, permits('patterns')));
  // While more rows are read, those that are shown stay.
  const last = useRef<HeldPage>();
  const value = (last.current = read ?? last.current);
  const [dropped, setDropped] = useState<ReadonlySet<string>>(new Set());
  const at = useNow(value, () => value?.items.map(({ expiresAt }) => expiresAt) ?? []);
  const open = useMemo(() => value && openAt(value.items, at).filter(({ id }) => !dropped.has(id)), [value, at, dropped]);
  const choice = useChoice(open ?? [], dropped);
  const still = useStill(open, keyOf, value?.limit, choice.open.length > 0);
  const hasMore = value?.next !== undefined;
  return {
    ...still,
    choice,
    count: open?.filter(({ status }) => status === 'active').length,
    hasMore,
    error,
    again,
    more: hasMore && limit < MOST ? () => setLimit(limit + STEP) : undefined,
    drop: (ids) => {
      setDropped((before) => new Set([...before, ...ids]));
      still.drop(ids);
      again();
    },
  };
}
