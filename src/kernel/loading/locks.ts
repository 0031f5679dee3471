import type { LocksContext } from '../../lifecycle/lock.js';
import { isJitError } from '../../core/errors.js';
import type { Row } from '../../core/store-port.js';
import { decodeLocks, LOCK_ROW, type Locks } from '../../records/index.js';
import { lockOverlaps, type DecodeAll } from '../settings/enforcement.js';
import type { Kernel } from '../kernel.js';
import type { LedgerReads } from '../ledger/ledger-reads.js';

/** The row of locks. `undefined`: the namespace has had no lock yet. @throws CorruptError, StoreError */
export async function readLocks({ ledger }: Pick<Kernel, 'ledger'>): Promise<Locks | undefined> {
  const row = await ledger.row(LOCK_ROW.kind, LOCK_ROW.id);
  return row && decodeLocks(row);
}

/** The locks, for a rule that creates access. @throws CorruptError, StoreError: nothing is created while the locks are unreadable */
export async function loadLocks(kernel: Kernel): Promise<LocksContext> {
  return { row: await readLocks(kernel), overlaps: lockOverlaps(kernel.settings.scopes) };
}

/** {@link loadLocks} for work that continues without them. `undefined`: they are unreadable, which the engine reports, and deny (L30). */
export async function loadReadableLocks(kernel: Kernel, during: string): Promise<LocksContext | undefined> {
  try {
    return await loadLocks(kernel);
  } catch (error) {
    if (!isJitError(error) || error.code !== 'ERR_JIT_CORRUPT') throw error;
    kernel.settings.onError(error, during);
    return undefined;
  }
}

/** The locks in a row that was read. @throws CorruptError */
export const locksIn = ({ settings }: Kernel, row: Row | undefined): LocksContext => ({
  row: row && decodeLocks(row),
  overlaps: lockOverlaps(settings.scopes),
});

/** The ids of the open locks: only the journal has their reasons, so a purge keeps their entries. `undefined`: the locks are unreadable. */
export async function openLockIds(ledger: LedgerReads, decodeAll: DecodeAll): Promise<ReadonlySet<unknown> | undefined> {
  const row = await ledger.row(LOCK_ROW.kind, LOCK_ROW.id);
  if (row === undefined) return new Set();
  const [locks] = decodeAll([row], decodeLocks);
  return locks && new Set(locks.locks.map(({ id }) => id));
}
