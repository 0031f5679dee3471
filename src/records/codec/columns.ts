import { CorruptError } from '../../core/errors.js';
import type { JsonObject } from '../../model/json.js';
import type { Row } from '../../core/store-port.js';
import { isCount, isObject, isText } from '../shape.js';
import type { StoredRecord } from '../../model/types.js';

/** The fields of a row that a store compares and orders by. They follow from the record. */
export type Columns = Pick<Row, 'subject' | 'scope' | 'open' | 'createdAt' | 'from' | 'until' | 'dueAt' | 'sortAt'>;

/** Builds the columns of every kind by one literal, so that they share one hidden class. */
export const columns = (
  subject: string | undefined,
  scope: string | undefined,
  open: boolean,
  createdAt: number,
  from?: number,
  until?: number,
  dueAt?: number,
  sortAt?: number,
): Columns => ({ subject, scope, open, createdAt, from, until, dueAt, sortAt });

/** The `createdAt` of a kind whose rows no list orders by time, such as a usage or a subject. */
export const UNORDERED = 0;

/** Plain JSON of an object's defined fields. */
export function toJson(fields: object): JsonObject {
  return JSON.parse(JSON.stringify(fields)) as JsonObject;
}

/** The body of a row of this kind. @throws CorruptError where the row has no body, id, version or subject, or another kind */
export function bodyOf<T extends StoredRecord>(row: Row, kind: T['kind']): Partial<T> {
  if (!isObject(row) || row.kind !== kind || !isText(row.id) || !isCount(row.version) || !isText(row.subject) || !isObject(row.body)) {
    throw corrupt(row);
  }
  return row.body as Partial<T>;
}

/** Returns the record of a row. @param is the columns that the record requires @throws CorruptError where the row has others */
export function confirmed<T extends StoredRecord>(row: Row, record: T, is: Columns): T {
  const agrees =
    row.subject === is.subject &&
    row.scope === is.scope &&
    row.open === is.open &&
    row.createdAt === is.createdAt &&
    row.from === is.from &&
    row.until === is.until &&
    row.dueAt === is.dueAt &&
    row.sortAt === is.sortAt;
  if (!agrees) throw corrupt(row);
  return record;
}

/** The error of a row that cannot be decoded, or of another value that a store has returned in its place. */
export const corrupt = (row: Row): CorruptError =>
  isObject(row)
    ? new CorruptError(String(row.kind), String(row.id), 'is not a row that this version writes')
    : new CorruptError('row', String(row), 'is not a row');
