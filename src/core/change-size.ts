import { StoreError } from './errors.js';
import { readCount, readOptions } from './parse.js';
import type { Change, ChangeSize } from './store-port.js';
import { toUtf8 } from './utf8.js';

/** The greatest size of a change (L42), unless the store's `maxChange` is smaller. */
export const MAX_CHANGE = { rows: 1_000, entries: 1_000, bytes: 4_194_304 } as const satisfies ChangeSize;

/**
 * The least `maxChange` that an engine accepts: the largest change that takes access away and cannot be divided. A revoke ends an
 * extension chain of 50 grants, each with its usage row if it has expired, and the row that may hold back purges; `lock` writes the row
 * of 256 locks.
 */
export const LEAST_CHANGE = { rows: 101, entries: 50, bytes: 1_048_576 } as const satisfies ChangeSize;

/** A change has at most this many expectations for each row that it may have. */
export const EXPECTATIONS_OF_ROW = 2;

/**
 * Refuses a change that exceeds the greatest size that a store must accept: 1,000 rows (`put` and `remove` together), 1,000 entries,
 * 4 MiB of JSON, and twice as many expectations as rows. A store calls this first, so that every store accepts the same changes.
 *
 * @param max the `maxChange` of the store, if it has one
 * @throws StoreError `ERR_JIT_STORE`; the store must then apply nothing
 */
export function refuseLargeChange(change: Change, max: ChangeSize = MAX_CHANGE): void {
  const excess = excessOf(change, max);
  if (excess === undefined) return;
  throw new StoreError('commit', `the change has ${excess.got} ${excess.part}, and at most ${excess.max} are taken; nothing was applied`);
}

/** Reads a `maxChange`. @throws InvalidArgumentError if it is below {@link LEAST_CHANGE} or above {@link MAX_CHANGE} */
export function readChangeSize(argument: string, given: unknown): ChangeSize {
  const size = readOptions<keyof ChangeSize>(argument, given, ['rows', 'entries', 'bytes']);
  const read = (part: keyof ChangeSize) => readCount(`${argument}.${part}`, size[part], LEAST_CHANGE[part], MAX_CHANGE[part]);
  return Object.freeze({ rows: read('rows'), entries: read('entries'), bytes: read('bytes') });
}

/** The part of a change that exceeds a size. */
export interface Excess {
  readonly part: 'rows' | 'entries' | 'expectations' | 'bytes of JSON';
  readonly got: number;
  readonly max: number;
}

/** The first part of a change that exceeds a size. `undefined`: the change fits. */
export function excessOf(change: Change, max: ChangeSize = MAX_CHANGE): Excess | undefined {
  const { put, remove = [], append, expect } = change;
  const counted =
    beyond('rows', put.length + remove.length, max.rows) ??
    beyond('entries', append.length, max.entries) ??
    beyond('expectations', expect.length, EXPECTATIONS_OF_ROW * max.rows);
  if (counted !== undefined) return counted;
  if (boundOf(change) <= max.bytes) return undefined;
  const text = JSON.stringify(change);
  // A UTF-16 unit is at most three bytes of UTF-8, so only a text above a third of the limit must be encoded to count its bytes.
  return text.length > max.bytes / 3 ? beyond('bytes of JSON', toUtf8(text).length, max.bytes) : undefined;
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

const beyond = (part: Excess['part'], got: number, max: number): Excess | undefined => (got > max ? { part, got, max } : undefined);
