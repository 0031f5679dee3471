import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { FoundPerson } from '../../../client.js';
import { after } from '../frame/clock.js';
import { useConsole, type Console } from '../frame/console.js';
import { t } from '../frame/messages.js';
import { visible, visiblePerson } from '../frame/names.js';
import { Combobox, type ComboboxProps } from './combobox.js';
import { candidatesOf, knownTo, meantBy, obvious, type Candidate } from './person-choice.js';
import { Whole } from './person.js';
import { statusOf } from './problem.js';
import { Text } from './text.js';

/** How long a person pauses before their text is searched. Milliseconds. */
const PAUSE_MS = 300;

/** The services that find no people: known from their first answer. */
const unsearched = new WeakSet<Console['client']>();

const NO_IDS: readonly string[] = [];
const NO_PEOPLE: readonly Candidate[] = [];

/** What the service finds by one text. */
interface Search {
  readonly text: string;
  readonly people: readonly Candidate[];
  readonly isFailed?: boolean;
}

/** What the service finds by a text. An answer to another text than the present one is dropped. */
function useSearch(text: string, maySearch: boolean) {
  const { client, learn } = useConsole();
  const [search, setSearch] = useState<Search>();
  const isSearched = maySearch && !unsearched.has(client);
  const asked = isSearched && text.length >= 2 && text.length <= 64 ? text : '';
  useEffect(() => {
    if (asked === '') return undefined;
    const end = new AbortController();
    const take = (answer: Omit<Search, 'text'>) => {
      if (!end.signal.aborted) setSearch({ text: asked, ...answer });
    };
    const cancel = after(PAUSE_MS, () => {
      client.people.search(asked, { signal: end.signal }).then(
        (found: readonly FoundPerson[]) => {
          const people = found.flatMap(({ id, ...info }) => ({ id, info: visiblePerson(info) }));
          if (!end.signal.aborted) learn(Object.fromEntries(found.map((person) => [person.id, person])));
          take({ people });
        },
        (error: unknown) => {
          // No search at all, or not for this caller.
          if ([403, 404, 501].includes(statusOf(error) ?? 0)) unsearched.add(client);
          take({ people: [], isFailed: true });
        },
      );
    });
    return () => {
      cancel();
      end.abort();
    };
  }, [asked]);
  const answer = search?.text === asked && asked !== '' ? search : undefined;
  return {
    isSearched,
    isSearching: asked !== '' && answer === undefined,
    isFailed: answer?.isFailed === true,
    people: answer?.people ?? NO_PEOPLE,
  };
}

/** Where a field finds people. */
interface Sources {
  /** Whether the viewer may use the field, by {@link Console.permits}: the page searches only then. Otherwise a text is an id. */
  readonly maySearch: boolean;
  /** The ids of the rows of the view: people, agents and runs. */
  readonly ids?: readonly string[] | undefined;
}

export interface PersonInputProps
  extends Sources, Omit<ComboboxProps, 'value' | 'onText' | 'options' | 'obvious' | 'note' | 'onEnter' | 'onLeave'> {
  /** The id of the person who is chosen; `''`: none. */
  readonly value: string;
  /** Called with the id of each choice, and as soon as the text is another one: with `undefined`, unless it is empty or an id. */
  readonly onValue: (id: string | undefined) => void;
  /** Called with the choice by Enter, and when an option is taken. */
  readonly onDone?: ((id: string) => void) | undefined;
  /** Called when the focus leaves: with the choice, or with `undefined` if the text is none. */
  readonly onLeave?: ((id: string | undefined) => void) | undefined;
}

/** Which person a text means. */
function useMeant(typed: string | undefined, { maySearch, ids = NO_IDS }: Sources) {
  const { people } = useConsole();
  const text = typed === undefined ? '' : cleaned(typed);
  const search = useSearch(text, maySearch);
  const known = useMemo(() => knownTo(people.value, ids), [people.value, ids]);
  const candidates = useMemo(() => candidatesOf(text, known, search.people), [text, known, search.people]);
  return {
    text,
    search,
    candidates,
    meant: meantBy(text, candidates, search.isSearched),
    /** Of a text that is not searched yet. `''`: nobody. */
    meantAtOnce: (next: string) => meantBy(next, candidatesOf(next, known, []), search.isSearched),
    isSettled: !search.isSearching && text !== '',
  };
}

/** A text as it is compared and sent. */
const cleaned = (typed: string): string => visible(typed).normalize('NFC');

/** The person who is chosen, and what the text, the keys and the list do to it. */
function usePersonChoice({ value, onValue, onDone, onLeave, ...given }: PersonInputProps) {
  const { announce } = useConsole();
  // What is typed. `undefined`: the value is shown.
  const [typed, setTyped] = useState<string>();
  const [isComposing, setComposing] = useState(false);
  const { text, search, candidates, meant, meantAtOnce, isSettled } = useMeant(isComposing ? undefined : typed, given);

  const last = useRef<string | undefined>(value);
  const emit = (id: string | undefined) => {
    if (last.current === id) return;
    last.current = id;
    onValue(id);
  };
  useEffect(() => {
    // Another value than that of the last call comes from the view.
    if (value === (last.current ?? '')) return;
    last.current = value;
    setTyped(undefined);
  }, [value]);
  // An answer, or a name that is learnt, may change what the same text means.
  useEffect(() => {
    if (typed !== undefined && !isComposing) emit(text === '' ? '' : meant || undefined);
  }, [meant]);
  const only = isSettled ? obvious(text, candidates)?.id : undefined;
  const choose = (id: string) => {
    setTyped(undefined);
    emit(id);
    onDone?.(id);
  };
  // Enter before the answer waits for it, as long as the text stays the same.
  const entered = useRef<string>();
  const enter = () => {
    if (isComposing) return;
    entered.current = isSettled ? undefined : text;
    const id = typed === undefined ? value : (only ?? meant);
    if (id !== '' || text === '') choose(id);
  };
  useEffect(() => {
    if (!isSettled) return;
    announce(t('picker.count', { count: candidates.length }));
    if (entered.current === text) enter();
  }, [isSettled, text, candidates.length]);
  const write = (next: string, composing: boolean) => {
    entered.current = undefined;
    setTyped(next);
    setComposing(composing);
    const now = cleaned(next);
    emit(composing ? undefined : now === '' ? '' : meantAtOnce(now) || undefined);
  };
  const leave = () => {
    entered.current = undefined;
    const isChosen = typed === undefined || text === '' || meant !== '';
    const id = typed === undefined ? value : meant;
    if (isChosen) setTyped(undefined);
    onLeave?.(isChosen ? id : undefined);
  };
  const mayBeId = isSettled && meant !== text && !candidates.some(({ id }) => id === text);
  return { typed, isComposing, text, search, candidates, meant, only, mayBeId, choose, enter, write, leave };
}

/** What the list says about a search. */
function noteOf(text: string, { isSearching, isSearched, isFailed }: ReturnType<typeof useSearch>, count: number): string | undefined {
  if (text === '') return undefined;
  if (isSearching) return t('picker.searching');
  if (!isSearched) return undefined;
  if (isFailed) return t('picker.failed');
  return count === 0 ? t('picker.none') : undefined;
}

/**
 * The input of a person. Its value is an id: of the person who is chosen from the list, or, where the service finds no people, the text.
 * It shows the name; below it are the detail and the id.
 */
export function PersonInput(props: PersonInputProps): JSX.Element {
  const { value, onValue: _v, maySearch: _s, ids: _i, onDone: _d, onLeave: _l, ...input } = props;
  const { people } = useConsole();
  const { typed, isComposing, text, search, candidates, meant, only, mayBeId, choose, enter, write, leave } = usePersonChoice(props);
  const options = candidates.map((one) => ({ key: one.id, children: <Whole {...one} />, take: () => choose(one.id) }));
  const asId = {
    key: `id ${text}`,
    children: <Text k="picker.asId" with={{ id: <code dir="auto">{text}</code> }} />,
    take: () => choose(text),
  };
  const info = people.value.get(value);
  return (
    <Combobox
      maxLength={256}
      {...input}
      class="of-people"
      value={typed ?? info?.name ?? value}
      options={isComposing ? [] : mayBeId ? [...options, asId] : options}
      obvious={only}
      note={noteOf(text, search, candidates.length)}
      onFocus={({ currentTarget }) => typed === undefined && currentTarget.select()}
      onText={write}
      onEnter={enter}
      onLeave={leave}
    >
      {typed === undefined && info !== undefined && value !== '' && (
        <span class="hint chosen">
          {info.detail !== undefined && (
            <>
              <bdi>{info.detail}</bdi> ·{' '}
            </>
          )}
          <code dir="auto">{value}</code>
        </span>
      )}
      {typed !== undefined && text !== '' && meant === '' && <span class="hint chosen">{t('picker.choose')}</span>}
    </Combobox>
  );
}
