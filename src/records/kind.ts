import { CorruptError } from '../core/errors.js';
import type { Row } from '../core/store-port.js';
import type { JsonObject } from '../model/json.js';
import type { StoredRecord } from '../model/record.js';
import { isObject, isStruct, type AnyField, type Field, type Fields, type Table } from './fields.js';

/*
 * The strict codec between rows and records. The body does not repeat a column, except `expiresAt`: the column `until` becomes
 * the effective end.
 *
 * Decoding derives every column again and compares. So a row that was edited outside, written by a newer version, or cut short
 * is malformed. A malformed row gives no access (L30).
 */

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

/** The declaration of a kind of record. */
export interface Kind<T> {
  readonly fields: Fields<T>;
  /** The one literal of the kind: it freezes a record with these fields. */
  readonly make: (fields: T) => T;
  readonly columnsOf: (record: T) => Columns;
  /** @throws CorruptError if this version does not write such a row */
  readonly decode: (row: Row) => T;
  /** The fields to store, if some follow from others. */
  readonly stored?: (record: T) => object;
}

export const fieldsOf = <T>({ fields }: Field<T>): Fields<T> => fields as unknown as Fields<T>;

/** Whether a body omits this value of the field: `false` of a flag, and an empty list. */
const isOmitted = ({ sparse, list, is }: AnyField, value: unknown): boolean =>
  sparse === true && (list === undefined ? value === false && is(true) : Array.isArray(value) && value.length === 0);

/**
 * The field of a body that holds the silent fields: those that change no answer and no rule. An earlier version does not read them, and
 * every write keeps those that it does not know. A field at any other place makes the row malformed.
 */
export const MORE = 'more';

/** A check of a row by the table of its kind. It returns the body, which was read once. `undefined`: the row is malformed. */
export function rowCheck<T extends StoredRecord>({ fields = {} }: Field<T>): (row: Row) => JsonObject | undefined {
  const all = Object.entries(fields);
  const inColumns = all.flatMap(([, { column, is }]) => (column === undefined ? [] : [{ column, is }]));
  const inBody = all.flatMap(([name, field]) => (field.column === undefined ? [[field.as ?? name, field] as const] : []));
  const isBody = isStruct([...inBody, [MORE, { is: isObject, optional: true }]]);
  return (row) => {
    const body = isObject(row) ? row.body : undefined;
    return isBody(body) && inColumns.every(({ column, is }) => is(row[column])) ? body : undefined;
  };
}

/** @param isSound whether the fields of a record, each of which has passed its check, agree with each other */
export function kindOf<T extends StoredRecord>(
  table: Field<T>,
  make: (fields: T) => T,
  columnsOf: (record: T) => Columns,
  isSound: (record: T) => boolean = () => true,
): Kind<T> {
  const fields = fieldsOf(table);
  const soundBody = rowCheck(table);
  const inColumns = Object.entries(fields as Table).flatMap(([name, { column }]) =>
    column === undefined ? [] : [[name, column] as const],
  );
  const decode = (row: Row): T => {
    const body = soundBody(row);
    if (body === undefined) throw corrupt(row);
    const given: Record<string, unknown> = { ...body };
    for (const [name, column] of inColumns) given[name] = row[column];
    if (!isSound(given as unknown as T)) throw corrupt(row);
    const record = make(given as unknown as T);
    return confirmed(row, record, columnsOf(record));
  };
  return { fields, make, columnsOf, decode };
}

/** The row of a record. The body has the fields without a column, under their names there. */
export function encodeAs<T extends StoredRecord>({ fields, columnsOf, stored = (record) => record }: Kind<T>, record: T): Row {
  const { kind, id, version } = record;
  const given = stored(record) as Readonly<Record<string, unknown>>;
  const body: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) {
    const field = (fields as Table)[name] as AnyField;
    const value = given[name];
    if (field.column === undefined && !isOmitted(field, value)) body[field.as ?? name] = value;
  }
  return { kind, id, version, ...columnsOf(record), body: toJson(body) };
}

/** Plain JSON of an object's defined fields. */
export const toJson = (fields: object): JsonObject => jsonOf(fields) as JsonObject;

/** What `JSON.parse(JSON.stringify(value))` gives, in a fifth of the time. */
function jsonOf(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => jsonOf(item) ?? null);
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const item = (value as Readonly<Record<string, unknown>>)[name];
    // An assignment to `__proto__` makes no field.
    if (name === '__proto__') return JSON.parse(JSON.stringify(value));
    if (item !== undefined) copy[name] = jsonOf(item);
  }
  return copy;
}

/** Returns the record of a row. @param is the columns that the record requires @throws CorruptError if the row has others */
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
