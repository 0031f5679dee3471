import type { Row, RowKey } from '../core/store-port.js';
import { isObject } from './fields.js';

/** The key of the row of all open locks of a namespace. `live` always returns that row, so a check needs no second read. */
export const LOCK_ROW = /* @__PURE__ */ Object.freeze({ kind: 'lock', id: 'open' }) satisfies RowKey;

export const isLockRow = (row: Row | undefined): boolean => isObject(row) && row.kind === LOCK_ROW.kind && row.id === LOCK_ROW.id;
