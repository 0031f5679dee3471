import { StoreError } from './errors.js';
import type { Change } from './store-port.js';
import { toUtf8 } from './utf8.js';

/** The greatest size of a change (L42). */
export const MAX_CHANGE = { rows: 1_000, entries: 1_000, expectations: 2_000, bytes: 4_194_304 } as const;

/**
 * Refuses a change that exceeds the greatest size that a store must accept: 1,000 rows (`put` and `remove` together), 1,000 entries,
 * 2,000 expectations, or 4 MiB of JSON. A store calls this first, so that every store accepts the same changes.
 *
 * @throws StoreError `ERR_JIT_STORE`; the store must then apply nothing
 */
export function refuseLargeChange(change: Change): void {
  const problem = sizeProblem(change);
  if (problem !== undefined) throw new StoreError('commit', `the change has ${problem} are taken; nothing was applied`);
}

/** The part of a change that exceeds the greatest size, in words; `undefined`: the change fits. */
export function sizeProblem(change: Change): string | undefined {
  const { put, remove = [], append, expect } = change;
  const counted =
    beyond('rows', put.length + remove.length, MAX_CHANGE.rows) ??
    beyond('entries', append.length, MAX_CHANGE.entries) ??
    beyond('expectations', expect.length, MAX_CHANGE.expectations);
  if (counted !== undefined) return counted;
  if (boundOf(change) <= MAX_CHANGE.bytes) return undefined;
  const text = JSON.stringify(change);
  // A UTF-16 unit is at most three bytes of UTF-8, so only a text above a third of the limit must be encoded to count its bytes.
  return text.length > MAX_CHANGE.bytes / 3 ? beyond('bytes of JSON', toUtf8(text).length, MAX_CHANGE.bytes) : undefined;
}

/**
 * At least the bytes of a value's JSON, without the text, which nearly no change needs. A UTF-16 unit takes at most six bytes, as an
 * escape, and a number at most 24.
 */
function boundOf(value: unknown): number {
  if (typeof value === 'string') return 6 * value.length + 3;
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? Infinity : 25;
  if (Array.isArray(value)) return value.reduce<number>((bound, item) => bound + boundOf(item), 3);
  let bound = 3;
  for (const name of Object.keys(value)) {
    const item = (value as Readonly<Record<string, unknown>>)[name];
    bound += 6 * name.length + 4 + (typeof item === 'function' ? Infinity : boundOf(item));
  }
  return bound;
}

const beyond = (what: string, size: number, max: number): string | undefined =>
  size > max ? `${size} ${what}, and at most ${max}` : undefined;
