import type { ComponentChildren, HTMLAttributes, JSX, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { deviceNow, elapsed, second } from '../frame/clock.js';
import { useConsole } from '../frame/console.js';
import { t } from '../frame/messages.js';
import { Button } from './button.js';
import { moved } from './quiet.js';
import { Still, STILL_MS, type StillRows } from './still.js';

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

/** A list that stands still, and the element around its rows. */
export interface StillList<T> extends StillRows<T> {
  /** Shows the list as it is now. */
  readonly show: () => void;
  /** Removes rows that the viewer has ended. */
  readonly drop: (keys: readonly string[]) => void;
  /** For the element around the rows: while the pointer, the focus or a selection is in it, the list stands still. */
  readonly around: { readonly ref: RefObject<HTMLDivElement> } & HTMLAttributes<HTMLDivElement>;
}

/**
 * Holds a list still under its reader: see {@link Still}. It moves when the viewer asks, or ten seconds after the last touch. What is new
 * is announced.
 *
 * @param items `undefined`: not read yet. What was read before stays
 * @param limit how many rows were asked for. More of them only follow, so they are shown at once
 * @param isChosen whether the viewer has chosen rows: then it stands still until they have not
 */
export function useStill<T>(items: readonly T[] | undefined, keyOf: (item: T) => string, limit = 0, isChosen = false): StillList<T> {
  const { announce } = useConsole();
  const list = useMemo(() => ({ still: new Still(keyOf), read: undefined as readonly T[] | undefined, limit, tick: 0 }), []);
  const { around, isHeld } = useTouch();
  const shown = useRef<StillRows<T>>({ rows: [], news: 0 });
  if (items !== undefined && (list.read !== items || waits(shown.current))) {
    const before = shown.current.rows;
    shown.current = list.still.take(items, (isChosen || isHeld()) && list.limit === limit);
    Object.assign(list, { read: items, limit });
    if (before.length > 0 && keysOf(before) !== keysOf(shown.current.rows)) moved.at = deviceNow();
  }
  // While something waits, the part is drawn again each second, and finds out whether the list may move.
  if (waits(shown.current)) list.tick = second.value;
  const { rows, news } = shown.current;

  const wasEmpty = useRef(false);
  useEffect(() => {
    const count = wasEmpty.current ? rows.length : news;
    wasEmpty.current = items?.length === 0 && rows.length === 0;
    if (count > 0) announce(t('part.new', { count }));
  }, [news, rows.length, items === undefined]);

  const [, draw] = useState(0);
  const move = (to: StillRows<T>) => {
    moved.at = deviceNow();
    shown.current = to;
    draw((count) => count + 1);
  };
  return { rows, news, around, show: () => move(list.still.show()), drop: (keys) => move(list.still.drop(keys)) };
}

const waits = ({ rows, news }: StillRows<unknown>): boolean => news > 0 || rows.some(({ isGone }) => isGone);

const keysOf = (rows: StillRows<unknown>['rows']): string => JSON.stringify(rows.map(({ key }) => key));

/** Whether the viewer is at an element now, or was within ten seconds. */
function useTouch(): { readonly around: StillList<never>['around']; readonly isHeld: () => boolean } {
  const ref = useRef<HTMLDivElement>(null);
  const touch = useRef({ isOver: false, at: -Infinity });
  const touched = (isOver?: boolean) => () => {
    touch.current = { isOver: isOver ?? touch.current.isOver, at: elapsed() };
  };
  const around = {
    ref,
    // A finger does not rest over the page.
    onPointerMove: ({ pointerType }: PointerEvent) => touched(pointerType !== 'touch')(),
    onPointerLeave: touched(false),
    onPointerDown: touched(),
    onKeyDown: touched(),
    onFocusOut: touched(),
  };
  const isHeld = () => {
    const element = ref.current;
    if (element === null) return false;
    const selection = document.getSelection();
    const isSelected = selection !== null && !selection.isCollapsed && selection.containsNode(element, true);
    return touch.current.isOver || isSelected || element.contains(document.activeElement) || elapsed() - touch.current.at < STILL_MS;
  };
  return { around, isHeld };
}
