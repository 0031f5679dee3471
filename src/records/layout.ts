import type { Change, Row } from '../core/store-port.js';
import type { Bookmarks } from '../model/bookmark.js';
import type { EntryType } from '../model/entry-types.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import { BOOKMARKS } from './bookmark.js';
import { isObject, type AnyField, type RecordTable } from './fields.js';
import { MORE } from './kind.js';
import { KINDS } from './kinds.js';

/*
 * What processes of another layout do not read: see `docs/guides/upgrades.md`. The marks of fields and values are in their tables.
 */

/** The kinds of rows and the types of entries that layout 1 lacks, each with the layout that introduced it. */
export const NEW: Readonly<Partial<Record<keyof typeof KINDS | keyof Bookmarks | EntryType, number>>> = {};

const introduced = (name: string): number => (NEW as Readonly<Record<string, number>>)[name] ?? 1;

/** The oldest layout whose processes can read an object, by its table. */
const neededBy = (table: RecordTable, given: JsonObject): number =>
  Math.max(
    1,
    ...Object.entries(table).map(([name, field]) => {
      const value = given[field.as ?? name];
      // Earlier processes keep a silent field, but a value that they know of may be another one.
      return field.silent === undefined
        ? neededByValue(field, value)
        : neededByValue(field.silent, (value as JsonObject | undefined)?.[name]);
    }),
  );

function neededByValue({ since = 1, newValues = {}, variants = [], list, fields = {} }: AnyField, value: JsonValue | undefined): number {
  if (value === undefined) return 1;
  return Math.max(
    since,
    Object.hasOwn(newValues, value as string) ? (newValues[value as string] ?? 1) : 1,
    neededBy(fields, value as JsonObject),
    ...variants.map((variant) => neededByValue(variant, value)),
    ...(list === undefined ? [] : (value as readonly JsonValue[]).map((item) => neededByValue(list, item))),
  );
}

/** The fields of a table that have a mark, at any depth. */
const markedIn = (table: RecordTable): RecordTable =>
  Object.fromEntries(Object.entries(table).filter(([, field]) => field.silent !== undefined || isMarked(field)));

const isMarked = ({ since, newValues, variants = [], list, fields = {} }: AnyField): boolean =>
  since !== undefined || newValues !== undefined || [variants, list ?? [], Object.values(fields)].flat().some(isMarked);

/** The marked fields of each kind that was written: no others are read. */
const marked: Record<string, RecordTable> = {};

/** The oldest layout whose processes can read what a change writes. `undefined`: every layout. */
export function neededLayout({ put, append }: Pick<Change, 'put' | 'append'>): number | undefined {
  const needed = Math.max(
    1,
    ...put.map(({ kind, body }) => Math.max(introduced(kind), neededBy((marked[kind] ??= markedIn(tableOf(kind))), body))),
    ...append.map(({ type }) => introduced(type)),
  );
  return needed === 1 ? undefined : needed;
}

type Tables = Readonly<Record<string, { readonly fields: object } | undefined>>;

/** The table of a kind of rows. A kind that a store has returned may be any text. */
const tableOf = (kind: string): RecordTable =>
  ((KINDS as Tables)[kind]?.fields ?? (BOOKMARKS as Readonly<Record<string, RecordTable>>)[kind] ?? {}) as RecordTable;

/** The silent fields of a row that this version does not know. `undefined`: there are none. */
function unknownIn(row: Row | undefined): JsonObject | undefined {
  const more = isObject(row) && isObject(row.body) ? row.body[MORE] : undefined;
  if (row === undefined || !isObject(more)) return undefined;
  const known = tableOf(row.kind);
  const unknown = Object.entries(more).filter(([name]) => known[name]?.silent === undefined);
  return unknown.length === 0 ? undefined : Object.fromEntries(unknown);
}

/** Whether a row has silent fields that this version does not know. Never throws: a decoder reports a row that cannot be read. */
export function hasMore(row: Row | undefined): boolean {
  try {
    return unknownIn(row) !== undefined;
  } catch {
    return false;
  }
}

/** The row with the unknown silent fields of the row that it replaces. The known ones are those of its record, which may have cleared them. */
export function withMore(row: Row, before: Row | undefined): Row {
  const unknown = unknownIn(before);
  return unknown === undefined ? row : { ...row, body: { ...row.body, [MORE]: { ...unknown, ...(row.body[MORE] as object) } } };
}
