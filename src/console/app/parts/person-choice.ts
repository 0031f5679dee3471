import { folded, visible } from '../frame/names.js';
import type { PersonInfo } from '../frame/types.js';

/** A person, an agent or a run that a text may mean. */
export interface Candidate {
  readonly id: string;
  readonly info?: PersonInfo | undefined;
}

/** The most candidates that are shown. */
const MOST = 20;

/** The people, agents and runs of a page: those with a name, and the ids of its rows. */
export const knownTo = (people: ReadonlyMap<string, PersonInfo>, ids: readonly string[]): readonly Candidate[] =>
  [...new Set([...ids, ...people.keys()])].map((id) => ({ id, info: people.get(id) }));

/**
 * Whom a text may mean: the person whose id it is first, then those whose name it is, then all whom the service finds by it, and those
 * of the page whose id or name has its words.
 *
 * @param found what the service finds by this very text
 */
export function candidatesOf(text: string, known: readonly Candidate[], found: readonly Candidate[]): readonly Candidate[] {
  const [id, name] = [visible(text), folded(text)];
  const words = name.split(' ');
  const listed = new Set(found.map((one) => one.id));
  const matching = known.filter((one) => {
    const read = `${folded(one.id)} ${folded(one.info?.name ?? '')}`;
    return !listed.has(one.id) && words.every((word) => read.includes(word));
  });
  const rank = (one: Candidate) => (one.id === id ? 0 : folded(one.info?.name ?? '') === name ? 1 : 2);
  return [...found, ...matching].sort((a, b) => rank(a) - rank(b)).slice(0, MOST);
}

/** Whether a text is the name of a person with another id. People choose their names, also one that is the id of another person. */
const isOthersName = (text: string, candidates: readonly Candidate[]): boolean =>
  candidates.some(({ id, info }) => info !== undefined && id !== visible(text) && folded(info.name) === folded(text));

/**
 * The id that a text means as it is written; `''`: none, so that a person must be chosen.
 *
 * @param isSearched whether the service finds people. Without a search, a text is an id
 */
export function meantBy(text: string, candidates: readonly Candidate[], isSearched: boolean): string {
  const id = visible(text);
  if (isOthersName(text, candidates)) return '';
  return !isSearched || candidates.some((one) => one.id === id) ? id : '';
}

/**
 * The candidate that Enter takes without an arrow key: the one whose id is the text, or the only one. `undefined`: none; so it is if a
 * text that may be an id is the name of another person.
 */
export function obvious(text: string, candidates: readonly Candidate[]): Candidate | undefined {
  const [first, ...others] = candidates;
  const id = visible(text);
  const isName = isOthersName(text, candidates);
  if (first?.id === id) return isName ? undefined : first;
  return others.length > 0 || (isName && !/\s/u.test(id)) ? undefined : first;
}
