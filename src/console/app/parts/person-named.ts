import type { FoundPerson } from '../../../client.js';

/** A search returns at most so many people: of a full answer, another person of the same name may be missing. */
const MOST_FOUND = 20;

/** A name as a reader sees it: without case, invisible marks, and the width of spaces and letters. */
const seen = (name: string): string =>
  name
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .trim()
    .split(/\s+/u)
    .join(' ')
    .toLowerCase();

/**
 * The id of the one person whose name a text is. `undefined`: no person has it, several have, or the text may be an id. People choose
 * their names, so a name that may be an id must never lead to another person: only a text of several words is a name.
 *
 * @param found what the service finds by that text
 */
export function personNamed(text: string, found: readonly FoundPerson[]): string | undefined {
  if (text.includes(':') || !/\S\s+\S/u.test(text) || found.length >= MOST_FOUND || found.some(({ id }) => id === text)) return undefined;
  const [first, ...others] = found.filter(({ name }) => seen(name) === seen(text));
  return others.length === 0 ? first?.id : undefined;
}
