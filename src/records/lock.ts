import type { Row } from '../core/store-port.js';
import type { EndedLock, Lock, LockEnd, Locks } from '../model/lock.js';
import { locksDueAt } from './derived.js';
import { column, headOf, instant, list, oneOf, optional, pattern, struct, text, where } from './fields.js';
import { frozenList } from './frozen.js';
import { columns, corrupt, kindOf, UNORDERED } from './kind.js';
import { isLockRow } from './lock-row.js';

export function makeLock({ id, subject, scope, by, at, until, completedAt }: Lock): Lock {
  return Object.freeze({ id, subject, scope, by, at, until, completedAt });
}

function makeEndedLock({ id, subject, scope, by, at, until, completedAt, end }: EndedLock): EndedLock {
  const ended = Object.freeze({ status: end.status, at: end.at, by: end.by });
  return Object.freeze({ id, subject, scope, by, at, until, completedAt, end: ended });
}

export function makeLocks({ version, locks, ended }: Omit<Locks, 'kind' | 'id'>): Locks {
  return Object.freeze({
    kind: 'lock',
    id: 'open',
    version,
    locks: frozenList(locks.map(makeLock)),
    ended: frozenList(ended.map(makeEndedLock)),
  });
}

const ofLock = /* @__PURE__ */ (() => ({
  id: text,
  subject: optional(text),
  scope: optional(pattern),
  by: text,
  at: instant,
  until: optional(instant),
  completedAt: optional(instant),
}))();

/** A lock is on a subject or on a scope. */
const isOnOne = ({ subject, scope }: Lock): boolean => (subject === undefined) !== (scope === undefined);

export const lock = /* @__PURE__ */ (() => where(struct<Lock>()(ofLock), isOnOne))();
export const lockEnd = /* @__PURE__ */ (() => struct<LockEnd>()({ status: oneOf('lifted', 'expired'), at: instant, by: text }))();

const locks = /* @__PURE__ */ (() => list(lock))();

export const LOCKS = /* @__PURE__ */ (() =>
  kindOf(
    struct<Locks>()({
      ...headOf('lock'),
      id: column('id', oneOf('open')),
      locks,
      ended: list(where(struct<EndedLock>()({ ...ofLock, end: lockEnd }), isOnOne)),
    }),
    makeLocks,
    (record) => columns(undefined, undefined, record.locks.length > 0, UNORDERED, undefined, undefined, locksDueAt(record)),
  ))();

/** @throws CorruptError */
export const decodeLocks = (row: Row): Locks => LOCKS.decode(row);

/**
 * The open locks of a row, for a check: it needs neither the ended locks nor a record, so its bundle contains no code for them.
 *
 * @throws CorruptError
 */
export function readOpenLocks(row: Row): readonly Lock[] {
  const given = row.body['locks'];
  if (!isLockRow(row) || !locks.is(given)) throw corrupt(row);
  return given as unknown as readonly Lock[];
}
