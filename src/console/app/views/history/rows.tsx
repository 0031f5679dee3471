import { Component, createRef, type ComponentType, type JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Block, Blocks } from './blocks.js';

/** How far outside of the window rows are drawn, so that scrolling meets no empty place. */
const MARGIN = '1200px 0px';

const callbacks = new WeakMap<Element, (isNear: boolean) => void>();
let observer: IntersectionObserver | undefined;

/** Calls when an element comes near the window, and when it leaves. @returns what ends it */
function watchNearness(element: Element, call: (isNear: boolean) => void): () => void {
  observer ??= new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting } of changes) callbacks.get(target)?.(isIntersecting);
    },
    { rootMargin: MARGIN },
  );
  callbacks.set(element, call);
  observer.observe(element);
  return () => {
    callbacks.delete(element);
    observer?.unobserve(element);
  };
}

interface BlockProps<T> {
  readonly block: Block<T>;
  readonly row: ComponentType<{ readonly item: T }>;
  readonly keyOf: (item: T) => string;
}

/** Some rows of a long list: only its height, while it is far from the window. */
class DrawnBlock<T> extends Component<BlockProps<T>, { readonly isNear: boolean }> {
  override state = { isNear: this.props.block.items.length < 8 };
  readonly #element = createRef<HTMLDivElement>();
  #stop: (() => void) | undefined;
  #height: number | undefined;
  // What is printed is whole.
  readonly #draw = () => {
    this.setState({ isNear: true });
  };

  override componentDidMount(): void {
    const element = this.#element.current;
    if (element === null) return;
    this.#stop = watchNearness(element, (isNear) => {
      // The focus stays where it is, however far the page is scrolled.
      if (!isNear && element.contains(document.activeElement)) return;
      if (!isNear && this.state.isNear) this.#height = element.offsetHeight;
      this.setState({ isNear });
    });
    addEventListener('beforeprint', this.#draw);
  }

  override componentWillUnmount(): void {
    this.#stop?.();
    removeEventListener('beforeprint', this.#draw);
  }

  override shouldComponentUpdate(next: BlockProps<T>, { isNear }: { readonly isNear: boolean }): boolean {
    return next.block !== this.props.block || next.row !== this.props.row || isNear !== this.state.isNear;
  }

  override render(): JSX.Element {
    const { block, row: Row, keyOf } = this.props;
    const { isNear } = this.state;
    return (
      <div
        ref={this.#element}
        role="presentation"
        class="rows-block"
        style={{ height: isNear ? '' : `${this.#height ?? block.items.length * 56}px` }}
      >
        {isNear && block.items.map((item) => <Row key={keyOf(item)} item={item} />)}
      </div>
    );
  }
}

export interface RowsProps<T> {
  readonly label: string;
  readonly blocks: Blocks<T>;
  /** Draws one item as an element with the role `listitem`. */
  readonly row: ComponentType<{ readonly item: T }>;
  readonly keyOf: (item: T) => string;
}

/** A list of any length. Only the rows near the window are drawn. When the row with the focus disappears, the next one gets it. */
export function Rows<T>({ label, blocks, row, keyOf }: RowsProps<T>): JSX.Element {
  const list = useRef<HTMLDivElement>(null);
  const focused = useRef(-1);
  const rows = () => [...(list.current?.querySelectorAll<HTMLElement>('[role=listitem]') ?? [])];
  useLayoutEffect(() => {
    if (focused.current < 0 || (document.activeElement !== document.body && document.activeElement !== null)) return;
    const left = rows();
    const next = left[Math.min(focused.current, left.length - 1)];
    (next?.querySelector<HTMLElement>('button') ?? next ?? list.current)?.focus();
  });
  return (
    <div
      class="rows"
      role="list"
      aria-label={label}
      tabIndex={-1}
      ref={list}
      onFocusIn={({ target }) => {
        focused.current = rows().findIndex((one) => one.contains(target as Node));
      }}
      onFocusOut={({ relatedTarget }) => {
        // A dialog that a row has opened may end that row.
        const to = relatedTarget as Element | null;
        if (to !== null && !list.current?.contains(to) && to.closest('dialog') === null) focused.current = -1;
      }}
    >
      {blocks.map((block) => (
        <DrawnBlock key={block.id} block={block} row={row as ComponentType<{ readonly item: unknown }>} keyOf={keyOf as never} />
      ))}
    </div>
  );
}

/** Calls when the end of a list comes near the window: the next page is read before its reader arrives. */
export function ReadMore({ more }: { readonly more: () => void }): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  useEffect(
    () =>
      element.current === null
        ? undefined
        : watchNearness(element.current, (isNear) => {
            if (isNear) more();
          }),
    [more],
  );
  return <div ref={element} aria-hidden="true" />;
}
