import type { Row, RowKey } from '../core/store-port.js';
import { isObject } from './shape.js';

/** The one row that holds all open locks of a namespace. `live` returns it with every answer, so a check needs no question more. */
export const LOCK_ROW = /* @__PURE__ */ Object.freeze({ kind: 'lock', id: 'open' }) satisfies RowKey;

export const isLockRow = (row: Row | undefined): boolean => isObject(row) && row.kind === LOCK_ROW.kind && row.id === LOCK_ROW.id;

/** Whether the locks of a namespace are among the rows of a check. A loop: a check that made a closure would be slower. */
export function hasLockRow(rows: readonly Row[]): boolean {
  for (const row of rows) if (isObject(row) && row.kind === LOCK_ROW.kind) return true;
  return false;
}
