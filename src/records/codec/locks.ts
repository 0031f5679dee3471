import type { JsonObject } from '../../model/json.js';
import type { Row } from '../../core/store-port.js';
import { isPattern } from '../../core/scope.js';
import { isInstant } from '../../core/instant.js';
import { locksDueAt } from '../derived.js';
import { isLockRow } from '../lock-row.js';
import { makeLocks } from '../make.js';
import { isCount, isText, listOf, oneOf, optional, shape, type Check } from '../shape.js';
import type { Lock, Locks } from '../../model/lock.js';
import { columns, confirmed, corrupt, toJson, UNORDERED, type Columns } from './columns.js';

export const locksColumns = (locks: Locks): Columns =>
  columns(undefined, undefined, locks.locks.length > 0, UNORDERED, undefined, undefined, locksDueAt(locks));

export function locksBody({ locks, ended }: Locks): JsonObject {
  return toJson({ locks, ended });
}

/** Whether an open lock has its fields, and either a subject or a scope. An ended lock also has its end. */
const isLock = (more: Readonly<Record<string, Check>> = {}): Check => {
  const hasFields = shape({
    id: isText,
    subject: optional(isText),
    scope: optional(isPattern),
    by: isText,
    at: isInstant,
    until: optional(isInstant),
    completedAt: optional(isInstant),
    ...more,
  });
  return (lock) => hasFields(lock) && ((lock as Lock).subject === undefined) !== ((lock as Lock).scope === undefined);
};

const areLocks = /* @__PURE__ */ (() => listOf(isLock()))();

/**
 * The open locks of a row, for a check: it needs neither the ended locks nor a record, so its bundle contains no code for them.
 *
 * @throws CorruptError
 */
export function readOpenLocks(row: Row): readonly Lock[] {
  const { locks } = row.body as unknown as Pick<Locks, 'locks'>;
  if (!isLockRow(row) || !areLocks(locks)) throw corrupt(row);
  return locks;
}

const isLocksBody = /* @__PURE__ */ (() =>
  shape({
    locks: areLocks,
    ended: listOf(isLock({ end: shape({ status: oneOf('lifted', 'expired'), at: isInstant, by: isText }) })),
  }))();

/** @throws CorruptError */
export function decodeLocks(row: Row): Locks {
  if (!isLockRow(row) || !isCount(row.version) || !isLocksBody(row.body)) throw corrupt(row);
  const locks = makeLocks({ ...(row.body as unknown as Pick<Locks, 'locks' | 'ended'>), version: row.version });
  return confirmed(row, locks, locksColumns(locks));
}
