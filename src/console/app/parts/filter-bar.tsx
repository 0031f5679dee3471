import type { JSX } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { useConsole } from '../frame/console.js';
import { t } from '../frame/messages.js';
import { Button } from './button.js';
import { PersonInput, type PersonInputProps } from './person-input.js';
import { ScopeInput } from './scope-input.js';

export interface Filter {
  /** Its name in the query of the address. */
  readonly name: string;
  readonly label: string;
  /** It takes a person. */
  readonly person?: Pick<PersonInputProps, 'maySearch' | 'ids'> | undefined;
  /** It takes a scope, and means everything below it too. The scopes of the rows. */
  readonly scopes?: readonly string[] | undefined;
  /** A choice of one of these; `undefined`: any text. The first choice is `''`. */
  readonly choices?: readonly (readonly [value: string, label: string])[] | undefined;
  /** More choices, in groups with a name. */
  readonly groups?: readonly (readonly [label: string, choices: NonNullable<Filter['choices']>])[] | undefined;
  /** It takes a day. */
  readonly isDay?: boolean | undefined;
}

/** The value of a filter: a part of the address, so that a person can send what they see. */
function useFilter(name: string): readonly [value: string, set: (value: string) => void] {
  const { route, navigate, href } = useConsole();
  const { view, id, query } = route.value ?? { view: 'access' as const, id: undefined, query: new URLSearchParams() };
  const set = (value: string) => {
    const next = { ...Object.fromEntries(query), [name]: value };
    navigate(href(view, id, next), { replace: true });
  };
  return [query.get(name) ?? '', set];
}

/** Filters that live in the address. */
export function FilterBar({ filters }: { readonly filters: readonly Filter[] }): JSX.Element {
  const { route, navigate, href } = useConsole();
  const isSet = filters.some(({ name }) => route.value?.query.get(name));
  const clear = () => {
    const names = new Set(filters.map(({ name }) => name));
    const rest = [...(route.value?.query ?? [])].filter(([name]) => !names.has(name));
    if (route.value) navigate(href(route.value.view, route.value.id, Object.fromEntries(rest)), { replace: true });
  };
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      {filters.map((filter) => (
        <One key={filter.name} {...filter} />
      ))}
      {isSet && (
        <Button small kind="quiet" onPress={clear}>
          {t('part.clear')}
        </Button>
      )}
    </form>
  );
}

function One(filter: Filter): JSX.Element {
  const { name, label, person, scopes, choices, isDay } = filter;
  const [value, set] = useFilter(name);
  const [text, setText] = useState(value);
  const [round, setRound] = useState(0);
  useEffect(() => setText(value), [value]);
  const id = useId();
  const apply = (next: string) => {
    if (next !== value) set(next);
  };
  return (
    <div class="filter">
      <label htmlFor={id}>{label}</label>
      {person !== undefined ? (
        <PersonInput
          key={round}
          {...{ id, value, ...person }}
          onValue={() => undefined}
          onDone={apply}
          // A text that is no choice does not stay: the list is not filtered by it.
          onLeave={(choice) => (choice === undefined ? setRound(round + 1) : apply(choice))}
        />
      ) : scopes !== undefined ? (
        <ScopeInput {...{ id, scopes }} isQuestion value={text} onValue={setText} onDone={apply} onLeave={apply} />
      ) : choices !== undefined ? (
        <Choice {...{ id, value, set, filter }} />
      ) : isDay === true ? (
        <input {...{ id, value }} type="date" onChange={({ currentTarget }) => apply(currentTarget.value)} />
      ) : (
        <input
          {...{ id }}
          type="search"
          dir="auto"
          autocomplete="off"
          maxLength={4_096}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
          onChange={({ currentTarget }) => apply(currentTarget.value.trim())}
        />
      )}
    </div>
  );
}

interface ChoiceProps {
  readonly id: string;
  readonly value: string;
  readonly set: (value: string) => void;
  readonly filter: Filter;
}

function Choice({ id, value, set, filter: { choices = [], groups = [] } }: ChoiceProps): JSX.Element {
  const options = (of: NonNullable<Filter['choices']>) =>
    of.map(([choice, text]) => (
      <option key={choice} value={choice}>
        {text}
      </option>
    ));
  return (
    <select {...{ id, value }} onChange={({ currentTarget }) => set(currentTarget.value)}>
      {options(choices)}
      {groups.map(([label, of]) => (
        <optgroup key={label} label={label}>
          {options(of)}
        </optgroup>
      ))}
    </select>
  );
}
