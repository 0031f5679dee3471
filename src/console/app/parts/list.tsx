import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { deviceNow } from '../frame/clock.js';
import { useConsole } from '../frame/console.js';
import { t } from '../frame/messages.js';
import { Button } from './button.js';
import { moved } from './quiet.js';

export interface ListProps {
  /** A name for the accessibility tree. */
  readonly label: string;
  readonly children: ComponentChildren;
}

/** A list of rows. When the row with the focus disappears, the focus goes to the next one; without one, to the list. */
export function List({ label, children }: ListProps): JSX.Element {
  const list = useRef<HTMLUListElement>(null);
  const focused = useRef(-1);
  const rows = () => [...(list.current?.children ?? [])] as HTMLElement[];
  useLayoutEffect(() => {
    // The browser gives the focus of an element that it removes to the body, without an event.
    if (focused.current < 0 || (document.activeElement !== document.body && document.activeElement !== null)) return;
    const left = rows();
    const next = left[Math.min(focused.current, left.length - 1)];
    (next ?? list.current)?.focus();
  });
  return (
    <ul
      class="rows"
      ref={list}
      tabIndex={-1}
      aria-label={label}
      onFocusIn={({ target }) => {
        focused.current = rows().findIndex((row) => row.contains(target as Node));
      }}
      onFocusOut={({ relatedTarget }) => {
        if (relatedTarget !== null && !list.current?.contains(relatedTarget as Node)) focused.current = -1;
      }}
    >
      {children}
    </ul>
  );
}

export interface RowProps {
  readonly children: ComponentChildren;
  /** `wait`: something is not sent or not decided yet. `no`: it failed or ends. */
  readonly tone?: 'wait' | 'no' | undefined;
  readonly label?: string | undefined;
  readonly onKeyDown?: ((event: KeyboardEvent) => void) | undefined;
  /** Whether the Tab key reaches the row itself. Default: only its controls, and keys that move the focus. */
  readonly tabbable?: boolean | undefined;
  readonly id?: string | undefined;
}

/** A row of a list. */
export function Row({ children, tone, label, onKeyDown, tabbable = false, id }: RowProps): JSX.Element {
  return (
    <li class={tone === undefined ? 'row' : `row ${tone}`} tabIndex={tabbable ? 0 : -1} aria-label={label} {...{ id, onKeyDown }}>
      {children}
    </li>
  );
}

/** The button for the next page of a list. */
export function More({ onPress }: { readonly onPress: () => unknown }): JSX.Element {
  return (
    <p class="more">
      <Button onPress={onPress}>{t('part.more')}</Button>
    </p>
  );
}

/** The line before which new rows wait: a list never moves under its reader. */
export function NewLine({ count, onShow }: { readonly count: number; readonly onShow: () => void }): JSX.Element | null {
  if (count === 0) return null;
  return (
    <p class="new-line">
      <Button small onPress={onShow}>
        {t('part.new', { count })}
      </Button>
    </p>
  );
}

/** The rows of a list that stands still. */
export interface Still<T> {
  /** What is shown: the rows that were there, in their order, each as it was read last. */
  readonly rows: readonly { readonly key: string; readonly item: T; readonly isGone: boolean }[];
  /** How many new items wait. */
  readonly news: number;
  /** Shows the list as it is now. */
  readonly show: () => void;
}

/**
 * Holds a list still: new items wait until `show`, and items that are gone stay in their places, marked. An empty list cannot move under
 * its reader: it shows new items at once. Either is announced.
 */
export function useStill<T>(items: readonly T[] | undefined, keyOf: (item: T) => string): Still<T> {
  const { announce } = useConsole();
  const [shown, setShown] = useState<ReadonlyMap<string, T>>();
  const latest = new Map((items ?? []).map((item) => [keyOf(item), item]));
  const base = shown?.size ? shown : latest;
  if (items !== undefined && base === latest && (shown === undefined || latest.size > 0)) setShown(latest);
  const news = [...latest.keys()].filter((key) => !base.has(key)).length;

  const wasEmpty = useRef(false);
  useEffect(() => {
    const count = wasEmpty.current ? base.size : news;
    wasEmpty.current = items?.length === 0 && base.size === 0;
    if (count > 0) announce(t('part.new', { count }));
  }, [news, base.size, items === undefined]);

  return {
    rows: [...base].map(([key, item]) => ({ key, item: latest.get(key) ?? item, isGone: items !== undefined && !latest.has(key) })),
    news,
    show: () => {
      moved.at = deviceNow();
      setShown(latest);
    },
  };
}
