import type { Row } from '../core/store-port.js';
import { isObject } from '../records/index.js';
import { readBookmark } from '../records/bookmark.js';

/**
 * Whether another process has the lease on a row. A lease that ends further ahead than any process could write it comes from a
 * wrong clock, and does not count. Do not remove a row with a lease while a process may create it again: its versions would start
 * again, and a new version could equal the leased one.
 */
export function isLeased(row: Row | undefined, owner: string, now: number, longestMs: number): boolean {
  const leasedUntil = readBookmark(row, 'leasedUntil');
  const isOurs = isObject(row) && row.body['owner'] === owner;
  return !isOurs && now < leasedUntil && leasedUntil <= now + 2 * longestMs;
}
