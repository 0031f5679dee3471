import type { PersonInfo } from './types.js';

/** Characters that show nothing, or that direct the text beside them: two names that differ by one look the same. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** A text without invisible characters, also at its edges. */
export const visible = (text: string): string => text.replace(INVISIBLE, '').trim();

/** A person as every part of the page shows them. `undefined`: no character of the name is visible. */
export function visiblePerson({ name, detail, ...info }: PersonInfo): PersonInfo | undefined {
  const shown = visible(name);
  return shown === '' ? undefined : { ...info, name: shown, detail: detail === undefined ? undefined : visible(detail) || undefined };
}

/** A name as a reader compares it: without case, invisible characters, and the width of spaces and letters. */
export const folded = (name: string): string => visible(name.normalize('NFKC')).split(/\s+/u).join(' ').toLowerCase();

/** The names that several people of a page have, folded, and the ids of all, by the map of these people. */
const taken = new WeakMap<ReadonlyMap<string, PersonInfo>, ReadonlySet<string>>();

function takenNames(people: ReadonlyMap<string, PersonInfo>): ReadonlySet<string> {
  const known = taken.get(people);
  if (known !== undefined) return known;
  const once = new Set<string>();
  const names = new Set([...people.keys()].map(folded));
  for (const { name } of people.values()) (once.has(folded(name)) ? names : once).add(folded(name));
  taken.set(people, names);
  return names;
}

/** Whether a name alone may mean another person: several have it, or it reads like an id. Then the id is shown beside it. */
export const isAmbiguous = (name: string, people: ReadonlyMap<string, PersonInfo>): boolean =>
  /[:@]/.test(name) || takenNames(people).has(folded(name));
