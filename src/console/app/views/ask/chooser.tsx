import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Requestable } from '../../../../explain.js';
import { isPattern } from '../../../../index.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { useRead } from '../../frame/use-read.js';
import { Empty } from '../../parts/empty.js';
import { Field } from '../../parts/field.js';
import { More } from '../../parts/list.js';
import { Scope } from '../../parts/scope.js';
import { askedBefore, found, grouped, itemOf } from './choices.js';
import { Facts } from './facts.js';

/** How many items are shown at a time. */
const SHOWN = 50;
/** How many of the viewer's own requests say what is asked for again. */
const RECENT = 50;

export interface ChooserProps {
  readonly items: readonly Requestable[];
  readonly isComplete: boolean;
}

/** The list of what may be asked for, searched by words. Each item is a link to its form. */
export function Chooser({ items, isComplete }: ChooserProps): JSX.Element {
  const { href, navigate } = useConsole();
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => list.current?.querySelector('input')?.focus(), []);
  const [search, setSearch] = useState('');
  const [shown, setShown] = useState(SHOWN);
  const matching = found(items, search);
  const text = search.trim();
  const other = isPattern(text) && itemOf(items, text) === undefined ? text : undefined;
  const hrefOf = (scope: string) => href('ask', undefined, { scope });
  const before = useRequestsBefore();
  const groups =
    text === ''
      ? [{ name: t('ask.before'), items: askedBefore(items, before) }, ...grouped(matching.slice(0, shown))]
      : [{ name: t('ask.items'), items: matching.slice(0, shown) }];
  const open = () => {
    const [first, ...rest] = matching;
    const scope = itemOf(items, text) !== undefined ? text : first !== undefined && rest.length === 0 ? first.scope : other;
    if (scope !== undefined) navigate(hrefOf(scope));
  };
  return (
    <div class="page" ref={list} onKeyDown={(event) => moveBy(event, list.current)}>
      <SearchForm
        value={search}
        onValue={(value) => {
          setSearch(value);
          setShown(SHOWN);
        }}
        onOpen={open}
      />
      <p class="quiet ask-found" role="status">
        {text !== '' && t('ask.found', { count: matching.length })}
      </p>
      {other !== undefined && (
        <p class="ask-other">
          <a class="button" href={hrefOf(other)}>
            {t('ask.try', { scope: other })}
          </a>
        </p>
      )}
      {matching.length === 0 && other === undefined && <Empty text={t(items.length === 0 ? 'ask.empty' : 'ask.none')} />}
      {groups.map(({ name = t('ask.any'), items: of }) => (
        <Group key={name} name={name} items={of} hrefOf={hrefOf} />
      ))}
      {matching.length > shown && <More onPress={() => setShown(shown + SHOWN)} />}
      {!isComplete && <p class="quiet">{t('ask.incomplete')}</p>}
    </div>
  );
}

/** The viewer's own requests, which say what is asked for again. */
function useRequestsBefore() {
  const { client } = useConsole();
  const { value } = useRead(
    (signal) => client.listRequests({ limit: RECENT }, { signal }),
    [],
    () => false,
  );
  return value?.items ?? [];
}

interface GroupProps {
  readonly name: string;
  readonly items: readonly Requestable[];
  readonly hrefOf: (scope: string) => string;
}

function Group({ name, items, hrefOf }: GroupProps): JSX.Element | null {
  if (items.length === 0) return null;
  return (
    <section class="section">
      <h2>
        <bdi>{name}</bdi>
      </h2>
      <ul class="ask-items" aria-label={name}>
        {items.map((item) => (
          <Item key={`${item.scope} ${item.rule ?? ''}`} item={item} href={hrefOf(item.scope)} />
        ))}
      </ul>
    </section>
  );
}

/** The arrows move between the search and the items, and Enter opens the item with the focus. */
function moveBy(event: KeyboardEvent, list: HTMLElement | null): void {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (step === 0 || list === null || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const stops = [...list.querySelectorAll<HTMLElement>('input, a')];
  const next = stops[stops.indexOf(document.activeElement as HTMLElement) + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

interface SearchFormProps {
  readonly value: string;
  readonly onValue: (value: string) => void;
  /** Opens the item that the search names. */
  readonly onOpen: () => void;
}

function SearchForm({ value, onValue, onOpen }: SearchFormProps): JSX.Element {
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onOpen();
      }}
    >
      <Field label={t('ask.search')} hint={t('ask.search.hint')}>
        {({ required: _, ...control }) => (
          <input
            type="search"
            dir="auto"
            autocomplete="off"
            {...control}
            value={value}
            onInput={({ currentTarget }) => onValue(currentTarget.value)}
          />
        )}
      </Field>
    </form>
  );
}

function Item({ item, href }: { readonly item: Requestable; readonly href: string }): JSX.Element {
  return (
    <li>
      <a class="ask-item" href={href}>
        <Named {...item} />
        {item.description !== undefined && (
          <span class="quiet ask-about">
            <bdi>{item.description}</bdi>
          </span>
        )}
        <Facts choice={item} />
      </a>
    </li>
  );
}

/** The title of a scope, and the scope. */
export function Named({ scope, title }: Pick<Requestable, 'scope'> & { readonly title?: string | undefined }): JSX.Element {
  return (
    <span class="ask-named">
      {title !== undefined && (
        <strong class="ask-name">
          <bdi>{title}</bdi>
        </strong>
      )}
      <Scope scope={scope} />
    </span>
  );
}
