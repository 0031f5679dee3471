import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Requestable } from '../../../../explain.js';
import { isPattern } from '../../../../index.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Empty } from '../../parts/empty.js';
import { Field } from '../../parts/field.js';
import { More } from '../../parts/list.js';
import { Scope } from '../../parts/scope.js';
import { found, itemOf } from './choices.js';
import { Facts } from './facts.js';

/** How many items are shown at a time. */
const SHOWN = 50;

export interface ChooserProps {
  readonly items: readonly Requestable[];
  readonly isComplete: boolean;
}

/** The list of what may be asked for, searched by words. Each item is a link to its form. */
export function Chooser({ items, isComplete }: ChooserProps): JSX.Element {
  const { href, navigate } = useConsole();
  const [search, setSearch] = useState('');
  const [shown, setShown] = useState(SHOWN);
  const matching = found(items, search);
  const text = search.trim();
  const other = isPattern(text) && itemOf(items, text) === undefined ? text : undefined;
  const hrefOf = (scope: string) => href('ask', undefined, { scope });
  const open = () => {
    const [first, ...rest] = matching;
    const scope = itemOf(items, text) !== undefined ? text : first !== undefined && rest.length === 0 ? first.scope : other;
    if (scope !== undefined) navigate(hrefOf(scope));
  };
  return (
    <>
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
      <ul class="ask-items" aria-label={t('ask.items')}>
        {matching.slice(0, shown).map((item) => (
          <Item key={`${item.scope} ${item.rule ?? ''}`} item={item} href={hrefOf(item.scope)} />
        ))}
      </ul>
      {matching.length > shown && <More onPress={() => setShown(shown + SHOWN)} />}
      {!isComplete && <p class="quiet">{t('ask.incomplete')}</p>}
    </>
  );
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
