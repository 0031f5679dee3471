import { invalid, readCount } from '../../core/parse.js';
import type { JsonObject } from '../../model/json.js';
import type { Row, RowKey } from '../../core/store-port.js';
import { isInstant } from '../../core/instant.js';
import { COLUMN, decodeOptional, decodeText, encodeOptional, encodeText } from './text.js';

/**
 * The field of a row in the hash `rows`. The lines of the index that begin with `due` or `live` end with it. Injective,
 * because encoded texts contain no separator.
 */
export const fieldOf = ({ kind, id }: RowKey): string => encodeText(kind) + COLUMN + encodeText(id);

/** The field of the hash `live` that lists the live rows of a subject on a scope. A check starts from it. */
export const liveFieldOf = (subject: string, scope: string | undefined): string => encodeOptional(subject) + COLUMN + encodeOptional(scope);

/** The number of columns of a stored row, with its body. */
export const COLUMNS = 12;

/**
 * A row as stored in Redis: its columns in a fixed order, which the scripts read, and its body as JSON.
 *
 * Refuses, before anything is sent, every value that could make a script fail in the middle of its writes.
 */
export function encodeRow(row: Row): string {
  return [
    encodeText(row.kind),
    encodeText(row.id),
    String(readCount('version', row.version, 1)),
    row.open ? '1' : '0',
    encodeOptional(row.subject),
    encodeOptional(row.scope),
    encodeInstant('from', row.from),
    encodeInstant('until', row.until),
    encodeInstant('dueAt', row.dueAt),
    String(instantOf('createdAt', row.createdAt)),
    encodeInstant('sortAt', row.sortAt),
    encodeJson('body', row.body),
  ].join(COLUMN);
}

/** Requires epoch milliseconds: the index orders instants by their digits. */
function instantOf(column: string, at: number): number {
  if (!isInstant(at)) throw invalid(column, 'an instant in epoch milliseconds', at);
  return at;
}

const encodeInstant = (column: string, at: number | undefined): string => (at === undefined ? '' : String(instantOf(column, at)));

/** JSON escapes control characters and lone surrogates, so the text contains no separator and is valid in UTF-8. */
export function encodeJson(name: string, value: unknown): string {
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) throw invalid(name, 'JSON', value);
  return json;
}

/**
 * Decodes a row into a new object. A text that another program wrote also becomes a row, with `NaN` columns or an empty
 * body. The codec of records then refuses that row alone, and the rest of the page stays readable.
 */
export function decodeRow(text: string): Row {
  const [kind = '', id = '', version, open, subject = '', scope = '', from, until, dueAt, createdAt, sortAt, body] = text.split(COLUMN);
  return {
    kind: decodeText(kind),
    id: decodeText(id),
    version: Number(version),
    subject: decodeOptional(subject),
    scope: decodeOptional(scope),
    open: open === '1',
    createdAt: Number(createdAt),
    from: decodeInstant(from),
    until: decodeInstant(until),
    dueAt: decodeInstant(dueAt),
    sortAt: decodeInstant(sortAt),
    body: decodeBody(body),
  };
}

const decodeInstant = (text: string | undefined): number | undefined => (text === '' ? undefined : Number(text));

function decodeBody(json: string | undefined): JsonObject {
  try {
    return JSON.parse(json as string) as JsonObject;
  } catch {
    // No valid record has an empty body, so the codec refuses this row.
    return {};
  }
}
