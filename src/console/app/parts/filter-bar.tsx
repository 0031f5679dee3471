import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useConsole } from '../frame/console.js';
import { t } from '../frame/messages.js';
import { Button } from './button.js';
import { PersonInput } from './person-input.js';

export interface Filter {
  /** Its name in the query of the address. */
  readonly name: string;
  readonly label: string;
  /** It takes the id of a person. */
  readonly isPerson?: boolean;
  /** A choice of one of these; `undefined`: any text. The first choice is `''`. */
  readonly choices?: readonly (readonly [value: string, label: string])[] | undefined;
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

function One({ name, label, isPerson = false, choices }: Filter): JSX.Element {
  const [value, set] = useFilter(name);
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return (
    <label>
      {label}
      {choices === undefined ? (
        <PersonInput
          type="search"
          isPerson={isPerson}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
          onChange={({ currentTarget }) => set(currentTarget.value.trim())}
        />
      ) : (
        <select value={value} onChange={({ currentTarget }) => set(currentTarget.value)}>
          {choices.map(([choice, text]) => (
            <option key={choice} value={choice}>
              {text}
            </option>
          ))}
        </select>
      )}
    </label>
  );
}
