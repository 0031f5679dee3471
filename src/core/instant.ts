import { invalid } from './parse.js';

/** The last instant that a JavaScript date can represent: 8.64e15 ms. */
export const MAX_INSTANT = 8_640_000_000_000_000;

/** Whether the value is an instant: integer milliseconds since the Unix epoch, 0 to 8.64e15. */
export function isInstant(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_INSTANT;
}

/** An instant as input: epoch milliseconds, or a `Date`. Every instant that the library returns is epoch milliseconds. */
export type Instant = number | Date;

/** The epoch milliseconds of a `Date`, also of a `Date` of another realm. Returns any other value unchanged. */
export function epochOf(value: unknown): unknown {
  if (typeof value === 'number') return value;
  try {
    return Date.prototype.getTime.call(value);
  } catch {
    return value;
  }
}

/**
 * Reads an instant that a caller passes.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, also for an invalid `Date` and for one before 1970
 */
export function readInstant(argument: string, value: unknown): number {
  const at = epochOf(value);
  if (!isInstant(at)) throw invalid(argument, 'an instant in epoch milliseconds, or a valid Date', value);
  return at;
}

/**
 * Whether `at` lies in the half-open window `[from, until)`. A window allows only if `at` and both of its bounds are proven to
 * be instants: a `NaN`, `null` or `undefined` denies (L30).
 */
export function inWindow(at: unknown, from: number, until: number): boolean {
  return isInstant(at) && isInstant(until) && isInstant(from) && from <= at && at < until;
}
