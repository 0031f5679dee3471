import { invalid, readCount } from '../../core/parse.js';
import type { JsonObject } from '../../core/json.js';
import type { Row, RowKey } from '../../core/store-port.js';
import { isInstant } from '../../core/instant.js';
import { COLUMN, decodeOptional, decodeText, encodeOptional, encodeText } from './text.js';

/** The field of a row in the hash of rows, and the end of its line in the index. Injective: a text has no separator in it. */
export const fieldOf = ({ kind, id }: RowKey): string => encodeText(kind) + COLUMN + encodeText(id);

/** The field that names the live rows of a subject on a scope: where a check begins. */
export const liveFieldOf = (subject: string, scope: string | undefined): string => encodeOptional(subject) + COLUMN + encodeOptional(scope);

/** How many columns a row has. */
export const COLUMNS = 12;

/**
 * A row as it lies in Redis: its columns in a fixed order, for the scripts to read, then its body as JSON.
 *
 * Whatever a script would stumble over in the middle of its writes is refused here, before anything is sent.
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

/** Rows hold epoch milliseconds only. */
function instantOf(column: string, at: number): number {
  if (!isInstant(at)) throw invalid(column, 'an instant in epoch milliseconds', at);
  return at;
}

const encodeInstant = (column: string, at: number | undefined): string => (at === undefined ? '' : String(instantOf(column, at)));

/** JSON escapes control characters and lone surrogates, so that no separator is in it and UTF-8 can carry it. */
export function encodeJson(name: string, value: unknown): string {
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) throw invalid(name, 'JSON', value);
  return json;
}

/**
 * The row, sharing nothing with any other. What somebody else has written there becomes a row too, with columns that
 * are no numbers or an empty body: the core's codec refuses that row, and no page is lost for it.
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
    // No record of any kind has an empty body.
    return {};
  }
}
