import { StoreError, type MovedError } from '../../core/errors.js';
import { movedError } from '../../core/namespace-part.js';
import { refuseLayout, type StoredLayout } from '../../core/layout.js';
import type { JsonObject } from '../../model/json.js';
import type { Row } from '../../core/store-port.js';
import type { Anchor, AuditEntry } from '../../records/index.js';
import type { Columns } from './database.js';
import type { Dialect } from './dialect/dialect.js';
import { fromColumn, toColumn } from './order.js';
import { LAYOUTS } from './fragments.js';

/** A row as the list of its columns, in the order of the statements. */
export function rowColumns(row: Row): readonly unknown[] {
  const { kind, id, version, subject, scope, open, createdAt, from, until, dueAt, sortAt, body } = row;
  return [toColumn(kind), toColumn(id), version, subject, scope, open, createdAt, from, until, dueAt, sortAt, JSON.stringify(body)];
}

/** An entry as the list of its columns, in the order of the statements. */
export function entryColumns(entry: AuditEntry, changeId: string): readonly unknown[] {
  const { seq, v, id, type, at, actor, requestId, grantId, data, digest, prevHash, hash } = entry;
  return [seq, changeId, v, id, type, at, actor, requestId, grantId, JSON.stringify(data), digest, prevHash, hash];
}

/** The two numbers, from the column `layout` of an answer. Both are 0 without a row. */
export function layoutOf(columns: Columns | undefined): StoredLayout {
  const both = Number(columns?.['layout'] ?? 0);
  return { version: Math.floor(both / LAYOUTS), readableFrom: both % LAYOUTS };
}

/**
 * Refuses an answer of the wrong server. In data of another layout the columns may have another meaning; during an upgrade, processes of
 * both versions run. A standby may not yet know the last revokes (L41).
 *
 * @param first the first line of the answer; every answer has one
 * @throws LayoutError, StoreError
 */
export function refuseWrongServer(first: Columns | undefined, dialect: Dialect): void {
  refuseLayout(layoutOf(first));
  if (dialect.isStandby(first)) {
    throw new StoreError('read', 'a standby answered (pg_is_in_recovery) and may lack the last revoke: connect db and read to the primary');
  }
}

export const notInByteOrder = (operation: string): StoreError =>
  new StoreError(operation, 'portable tables need a database that compares text byte by byte: create it with the collation C');

/** @throws StoreError */
export function rowOf(columns: Columns): Row {
  return {
    kind: fromColumn(textOf(columns, 'kind')),
    id: fromColumn(textOf(columns, 'id')),
    version: integerOf(columns, 'version'),
    subject: optional(columns, 'subject', textOf),
    scope: optional(columns, 'scope', textOf),
    open: Number(columns['open']) === 1,
    createdAt: integerOf(columns, 'created_at'),
    from: optional(columns, 'from_at', integerOf),
    until: optional(columns, 'until_at', integerOf),
    dueAt: optional(columns, 'due_at', integerOf),
    sortAt: optional(columns, 'sort_at', integerOf),
    body: jsonOf(columns, 'body'),
  };
}

/**
 * The rows of a check, from the JSON text that the statement returns: the subject's rows, then the row of all open locks.
 *
 * @param subject the subject of these rows, which the text does not repeat
 * @throws StoreError
 */
export function liveRowsOf(columns: Columns | undefined, subject: string): readonly Row[] {
  const rows = columns === undefined ? [] : listIn(columns, 'found').map((row) => openRow(row, subject));
  const lock = columns === undefined ? [] : listIn(columns, 'lock');
  return lock.length === 0 ? rows : [...rows, openRow(lock, lock.at(-1) as string | null)];
}

/** A row, from the list that the statement of a check returns: open rows only, without the subject. */
function openRow(row: unknown, subject: string | null): Row {
  const [kind, id, version, scope, createdAt, from, until, dueAt, sortAt, body] = row as readonly unknown[];
  return listedRow([kind, id, version, subject, scope, 1, createdAt, from, until, dueAt, sortAt, body]);
}

/** A row, from the list of its columns in a JSON text. @throws StoreError */
export function listedRow(row: readonly unknown[]): Row {
  const [kind, id, version, subject, scope, open, createdAt, from, until, dueAt, sortAt, body] = row;
  if (typeof kind !== 'string' || typeof id !== 'string' || !Number.isSafeInteger(version)) throw malformed('found', 'rows');
  return {
    kind: fromColumn(kind),
    id: fromColumn(id),
    version: version as number,
    subject: (subject ?? undefined) as string | undefined,
    scope: (scope ?? undefined) as string | undefined,
    open: Number(open) === 1,
    createdAt: createdAt as number,
    from: (from ?? undefined) as number | undefined,
    until: (until ?? undefined) as number | undefined,
    dueAt: (dueAt ?? undefined) as number | undefined,
    sortAt: (sortAt ?? undefined) as number | undefined,
    body: body as JsonObject,
  };
}

/** The JSON list of a column; empty if the column is null. @throws StoreError */
export function listIn(columns: Columns, name: string): readonly unknown[] {
  const found: unknown = columns[name] === null ? [] : jsonOf(columns, name);
  if (!Array.isArray(found)) throw malformed(name, 'a list');
  return found;
}

/** @throws StoreError */
export function entryOf(columns: Columns, namespace: string): AuditEntry {
  return {
    v: integerOf(columns, 'v') as AuditEntry['v'],
    namespace,
    id: textOf(columns, 'id'),
    type: textOf(columns, 'type') as AuditEntry['type'],
    at: integerOf(columns, 'at'),
    actor: textOf(columns, 'actor'),
    requestId: optional(columns, 'request_id', textOf),
    grantId: optional(columns, 'grant_id', textOf),
    data: jsonOf(columns, 'data'),
    digest: textOf(columns, 'digest'),
    seq: integerOf(columns, 'seq'),
    prevHash: textOf(columns, 'prev_hash'),
    hash: textOf(columns, 'hash'),
  };
}

/** @throws StoreError */
export function anchorOf(columns: Columns, seq: string, hash: string): Anchor {
  return { seq: integerOf(columns, seq), hash: textOf(columns, hash) };
}

/** The refusal of a namespace whose head has a mark, in the column `moved`. @throws StoreError */
export function movedIn(columns: Columns, namespace: string): MovedError | undefined {
  const mark = optional(columns, 'moved', textOf);
  return mark === undefined ? undefined : movedError(namespace, mark);
}

/** `pg` returns BIGINT as a string, and SQLite may return a bigint. Compared as text, '9' would be greater than '10'. */
export function integerOf(columns: Columns, name: string): number {
  const value = columns[name];
  const number = typeof value === 'string' || typeof value === 'bigint' ? Number(value) : value;
  if (!Number.isSafeInteger(number) || value === '') throw malformed(name, 'a whole number');
  return number as number;
}

export function textOf(columns: Columns, name: string): string {
  const value = columns[name];
  if (typeof value !== 'string') throw malformed(name, 'text');
  return value;
}

function jsonOf(columns: Columns, name: string): JsonObject {
  const text = textOf(columns, name);
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    throw malformed(name, 'JSON');
  }
}

function optional<T>(columns: Columns, name: string, read: (columns: Columns, name: string) => T): T | undefined {
  return columns[name] === null ? undefined : read(columns, name);
}

/**
 * The error for a column that is missing or has the wrong type, for example because a plugin renamed it. Such a column must
 * not count as an absent value.
 */
const malformed = (name: string, rule: string) => new StoreError('read', `column ${name} must hold ${rule}`);
