import { CorruptError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import type { Row } from '../../ports.js';
import { dueAt, heldUntil, isOwed, isUnsettled } from '../derived.js';
import { isCount, isObject, isText } from '../shape.js';
import type { StoredRecord } from '../types.js';

type Columns = Pick<Row, 'subject' | 'scope' | 'open' | 'from' | 'until' | 'dueAt'>;

/** What the columns of a record must be. */
export function columnsOf(record: StoredRecord): Columns {
  const due = dueAt(record);
  switch (record.kind) {
    case 'request':
      // One that owes its review is not done with.
      return columns(record.subject, undefined, record.end === undefined || isOwed(record), undefined, undefined, due);
    case 'grant': {
      const { subject, scope, end, startsAt } = record;
      // A grant that ended before its start was never held: an empty window, not one that runs backwards.
      return columns(subject, scope, end === undefined, startsAt, Math.max(startsAt, heldUntil(record)), due);
    }
    case 'usage': {
      const { subject, scope, endedAt, startsAt, expiresAt } = record;
      return columns(subject, scope, endedAt === undefined, startsAt, Math.max(startsAt, Math.min(expiresAt, endedAt ?? expiresAt)), due);
    }
    case 'use':
      return columns(record.subject, record.scope, false, undefined, record.expiresAt, due);
    case 'reuse':
      return columns(record.subject, undefined, false, undefined, undefined, due);
    case 'effect':
      // A stuck one is not done with.
      return columns(record.subject, record.scope, isUnsettled(record), undefined, undefined, due);
    case 'subject':
      return columns(record.id, undefined, record.unreviewed.length > 0, undefined, undefined, due);
  }
}

const columns = (
  subject: string,
  scope: string | undefined,
  open: boolean,
  from: number | undefined,
  until: number | undefined,
  due: number | undefined,
): Columns => ({ subject, scope, open, from, until, dueAt: due });

/** Plain JSON of an object's defined fields. */
export function toJson(fields: object): JsonObject {
  return JSON.parse(JSON.stringify(fields)) as JsonObject;
}

/** The body of a row, if the row has one and names itself. @throws CorruptError */
export function bodyOf<T extends StoredRecord>(row: Row, kind: T['kind']): Partial<T> {
  if (!isObject(row)) throw new CorruptError('row', String(row), 'is no row at all');
  const body: unknown = row.body;
  if (row.kind !== kind || !isText(row.id) || !isCount(row.version) || !isText(row.subject) || !isObject(body)) throw corrupt(row);
  return body;
}

/** The record, if the columns are what it makes of them. @throws CorruptError */
export function confirmed<T extends StoredRecord>(row: Row, record: T): T {
  const is = columnsOf(record);
  const agrees =
    row.subject === is.subject &&
    row.scope === is.scope &&
    row.open === is.open &&
    row.from === is.from &&
    row.until === is.until &&
    row.dueAt === is.dueAt;
  if (!agrees) throw corrupt(row);
  return record;
}

export const corrupt = (row: Row): CorruptError =>
  new CorruptError(String(row.kind), String(row.id), 'is not a row that this version writes');
