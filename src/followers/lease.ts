import type { Row } from '../core/store-port.js';
import { isObject } from '../records/index.js';
import { readBookmark } from '../records/bookmark.js';

/**
 * Whether somebody else is at it until their lease is over; unless that lies so far ahead that a clock must have gone
 * wrong. A row with a lease is never removed while it may be taken again: a version that comes back would be taken for
 * the one that was held.
 */
export function isLeased(row: Row | undefined, owner: string, now: number, longestMs: number): boolean {
  const leasedUntil = readBookmark(row, 'leasedUntil');
  const isOurs = isObject(row) && row.body['owner'] === owner;
  return !isOurs && now < leasedUntil && leasedUntil <= now + 2 * longestMs;
}
