import { StoreError } from './errors.js';
import type { Change } from './store-port.js';

/** The greatest size of a change (L42). */
export const MAX_CHANGE = { rows: 1_000, entries: 1_000, expectations: 2_000, bytes: 4 * 1024 * 1024 } as const;

const utf8 = /* @__PURE__ */ new TextEncoder();

/**
 * Refuses a change that is larger than any store has to take: 1,000 rows (`put` and `remove` together), 1,000 entries, 2,000
 * expectations, or 4 MiB of JSON. A store calls it first, so that every store takes the same changes.
 *
 * @throws StoreError nothing may be applied
 */
export function refuseLargeChange(change: Change): void {
  const { put, remove = [], append, expect } = change;
  refuseAbove('rows', put.length + remove.length, MAX_CHANGE.rows);
  refuseAbove('entries', append.length, MAX_CHANGE.entries);
  refuseAbove('expectations', expect.length, MAX_CHANGE.expectations);
  const text = JSON.stringify(change);
  // A UTF-16 unit is at most three bytes of UTF-8.
  if (text.length > MAX_CHANGE.bytes / 3) refuseAbove('bytes of JSON', utf8.encode(text).length, MAX_CHANGE.bytes);
}

function refuseAbove(what: string, size: number, max: number): void {
  if (size > max) throw new StoreError('commit', `the change has ${size} ${what}, and at most ${max} are taken; nothing was applied`);
}
