import { quote, show } from '../../core/parse.js';
import type { JsonObject, JsonValue } from '../../model/json.js';
import type { Row } from '../../core/store-port.js';
import { isObject, MORE } from '../../records/index.js';
import { canonicalJson, digestOf } from '../link.js';

/** The row that results from the journal alone. */
export interface Expected {
  readonly row: Row;
  /** The last entry about it. */
  readonly seq: number;
  /** The SHA-256 of a request's metadata, which the journal does not hold. */
  readonly metadataHash: string | undefined;
}

const COLUMNS = ['kind', 'id', 'version', 'subject', 'scope', 'open', 'createdAt', 'from', 'until', 'dueAt', 'sortAt'] as const;

/** The difference between a stored row and the journal, as text. `undefined`: there is none. */
export function differenceOf(row: Row | undefined, expected: Expected | undefined): string | undefined {
  if (expected === undefined) return row === undefined ? undefined : 'is not in the journal';
  if (row === undefined) return `is missing: entry ${expected.seq} wrote version ${expected.row.version}`;
  if (!isObject(row)) return 'is not a row';
  const differences = COLUMNS.flatMap((column) => differing(column, row[column], expected.row[column]));
  if (isObject(row.body)) differences.push(...inBody(row.body, expected));
  else differences.push(`body must be an object, but is ${show(row.body)}`);
  return differences.length === 0 ? undefined : `${differences.join('; ')}; its last entry is ${expected.seq}`;
}

function inBody(body: JsonObject, { row, metadataHash }: Expected): readonly string[] {
  const fields = new Set([...Object.keys(row.body), ...Object.keys(body)]);
  fields.delete('metadata');
  // No entry records a silent field. A decoder refuses any value other than an object.
  const more = own(body, MORE);
  if (more === undefined || isObject(more)) fields.delete(MORE);
  return [
    ...[...fields].flatMap((field) => differing(`body.${field}`, own(body, field), own(row.body, field))),
    ...inMetadata(own(body, 'metadata'), metadataHash),
  ];
}

/** Reads own fields only: `__proto__` counts as a field, and an inherited field does not. */
const own = (body: JsonObject, field: string): JsonValue | undefined => (Object.hasOwn(body, field) ? body[field] : undefined);

/** Compares hashes only: a report must not publish metadata. */
function inMetadata(metadata: JsonValue | undefined, hash: string | undefined): readonly string[] {
  if (metadata === undefined && hash === undefined) return [];
  if (metadata === undefined) return [`body.metadata is missing (journal: SHA-256 ${String(hash)})`];
  if (hash === undefined) return ['body.metadata exists (journal: none)'];
  const is = hashOf(metadata);
  return is === hash ? [] : [`body.metadata has SHA-256 ${is} (journal: ${hash})`];
}

function hashOf(metadata: JsonValue): string {
  try {
    return digestOf(metadata);
  } catch {
    return 'unknown, as it is not JSON';
  }
}

function differing(name: string, is: unknown, should: JsonValue | undefined): readonly string[] {
  return areEqual(is, should) ? [] : [`${name} is ${shown(is)} (journal: ${shown(should)})`];
}

function areEqual(is: unknown, should: JsonValue | undefined): boolean {
  if (typeof should !== 'object') return is === should;
  try {
    return typeof is === 'object' && canonicalJson(is) === canonicalJson(should);
  } catch {
    return false;
  }
}

/** Short enough for a line of a report. */
function shown(value: unknown): string {
  if (!isObject(value)) return show(value);
  try {
    const text = quote(value as unknown as JsonValue);
    return text.length > 200 ? `${text.slice(0, 200)}...` : text;
  } catch {
    return show(value);
  }
}

/** The difference between the copy of a row that `find` or `live` returns and the row of `get`. `undefined`: there is none. */
export function unlike(method: 'find' | 'live', copy: Row | undefined, row: Row | undefined): string | undefined {
  if (copy === undefined || row === undefined) {
    if (copy === row) return undefined;
    if (row !== undefined) return `${method}() does not return it: get() returns version ${show(row.version)}`;
    return `${method}() still returns it at version ${show(copy?.version)}, but must not`;
  }
  if (!isObject(row)) return undefined;
  const differences = COLUMNS.flatMap((column) =>
    copy[column] === row[column] ? [] : [`${column} is ${shown(copy[column])} (get(): ${shown(row[column])})`],
  );
  if (!areEqual(copy.body, row.body)) differences.push('body differs from get()');
  return differences.length === 0 ? undefined : `${method}() returns a different row: ${differences.join('; ')}`;
}
