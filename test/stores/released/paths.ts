import type { StoredShape } from '../../records/stored-shape.js';
import type { Row } from '../../../src/store.js';

/** The place of a field in a row: a column, or a path in the body. */
const placeOf = (path: string, words: string): readonly string[] => {
  const column = /; column (\w+)/.exec(words)?.[1];
  if (column !== undefined) return [column];
  const as = /; as (\w+)/.exec(words)?.[1];
  const parts = (as === undefined ? path : path.replace(/^\w+/, as)).split(/[.]|(?=\[\])|(?==)/);
  return ['body', ...(words.includes('; silent') ? ['more'] : []), ...parts];
};

function hasAt(value: unknown, [part, ...rest]: readonly string[]): boolean {
  if (part === undefined) return value !== undefined;
  if (typeof value !== 'object' || value === null) return false;
  if (part === '[]') return Array.isArray(value) && value.some((item) => hasAt(item, rest));
  // A variant is named by a field that has its name.
  if (part.startsWith('=')) return Object.values(value).includes(part.slice(1)) && hasAt(value, rest);
  return hasAt((value as Readonly<Record<string, unknown>>)[part], rest);
}

/** Every field of a shape, as `kind.path`, with whether a row has it. */
export function fieldsOf({ kinds, bookmarks }: StoredShape): readonly { readonly field: string; readonly isIn: (row: Row) => boolean }[] {
  return Object.entries({ ...kinds, ...bookmarks }).flatMap(([kind, fields]) =>
    Object.entries(fields).map(([path, words]) => {
      const place = placeOf(path, fields[/^\w+/.exec(path)?.[0] ?? ''] ?? words);
      return { field: `${kind}.${path}`, isIn: (row: Row) => row.kind === kind && hasAt(row, place) };
    }),
  );
}
