import type { Row } from '../core/store-port.js';
import { isBase } from '../core/tolerance.js';
import { isObject } from '../records/index.js';
import { readBookmark } from '../records/bookmark.js';

/**
 * Whether another process has the lease on a row. A lease that a wrong clock wrote does not count (L47). Do not remove a row with a lease while a process may create it again: its versions would start
 * again, and a new version could equal the leased one.
 */
export function isLeased(row: Row | undefined, owner: string, now: number, longestMs: number): boolean {
  const leasedUntil = readBookmark(row, 'leasedUntil');
  const isOurs = isObject(row) && row.body['owner'] === owner;
  return !isOurs && now < leasedUntil && isBase(leasedUntil - longestMs, now);
}
