import type { ComponentProps, JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { after } from '../frame/clock.js';
import { useConsole } from '../frame/console.js';

/** How long a person pauses before their text is searched. Milliseconds. */
const PAUSE_MS = 300;

interface PersonInputProps extends ComponentProps<'input'> {
  readonly value: string;
  /** Default: `true`. `false`: the field takes no person now. */
  readonly isPerson?: boolean;
}

/**
 * The input of an id. It suggests the people of this page, and those whom the service finds by name.
 * A service without a search takes the id as it is written.
 */
export function PersonInput({ value, isPerson = true, ...input }: PersonInputProps): JSX.Element {
  const { client, learn, people } = useConsole();
  const list = useId();
  const text = isPerson ? value.trim() : '';
  // What an address has filled in is not searched.
  const opened = useRef(text);
  useEffect(() => {
    if (text === opened.current || text.length < 2 || text.length > 64 || people.peek().has(text)) return undefined;
    return after(PAUSE_MS, () => {
      client.people.search(text).then(
        (found) => learn(Object.fromEntries(found.map((person) => [person.id, person]))),
        () => undefined,
      );
    });
  }, [text]);
  return (
    <>
      <input
        type="text"
        dir="auto"
        autocomplete="off"
        // The longest id, or the longest ticket.
        maxLength={isPerson ? 256 : 4_096}
        {...input}
        value={value}
        list={isPerson ? list : undefined}
      />
      {isPerson && (
        <datalist id={list}>
          {[...people.value].map(([id, { name }]) => (
            <option key={id} value={id} label={name} />
          ))}
        </datalist>
      )}
    </>
  );
}
