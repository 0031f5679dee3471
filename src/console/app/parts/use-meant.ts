import { useEffect, useState } from 'preact/hooks';
import type { FoundPerson } from '../../../client.js';
import { useConsole, type Console } from '../frame/console.js';
import { personNamed } from './person-named.js';

/** The people whom the service finds by a text. None, where it has no search or does not answer. */
async function findPeople({ client, learn }: Pick<Console, 'client' | 'learn'>, text: string, signal?: AbortSignal) {
  if (text.length < 2 || text.length > 64) return [];
  const found: readonly FoundPerson[] = await client.people.search(text, { signal }).catch(() => []);
  learn(Object.fromEntries(found.map((person) => [person.id, person])));
  return found;
}

/** The id that a text means: of the one person who has this name, otherwise the text itself. */
export async function idMeant(console: Pick<Console, 'client' | 'learn' | 'people'>, text: string): Promise<string> {
  if (text === '' || console.people.peek().has(text)) return text;
  return personNamed(text, await findPeople(console, text)) ?? text;
}

/** Whom a text means under which, as an id, nothing was found. */
export interface Meant {
  readonly isLooking: boolean;
  /** Whether the text is the id of the viewer, or of a person whom the service names. */
  readonly isKnown: boolean;
  /** The id of the one person whose name the text is. `undefined`: there is none. */
  readonly id: string | undefined;
}

/** @param text `undefined`: nothing is asked for now */
export function useMeant(text: string | undefined): Meant {
  const console = useConsole();
  const [found, setFound] = useState<{ readonly text: string; readonly id: string | undefined }>();
  const isKnown = text !== undefined && (text === console.caller || console.people.value.has(text));
  const isAsked = text !== undefined && text !== '' && !isKnown;
  useEffect(() => {
    if (!isAsked) return undefined;
    const end = new AbortController();
    void findPeople(console, text, end.signal).then((people) => {
      if (!end.signal.aborted) setFound({ text, id: personNamed(text, people) });
    });
    return () => {
      end.abort();
    };
  }, [text, isAsked]);
  const isFound = isAsked && found?.text === text;
  return { isLooking: isAsked && !isFound, isKnown, id: isFound ? found.id : undefined };
}
