import { InvalidArgumentError } from './errors.js';
import { invalid, readBoundedList } from './parse.js';
import { isInstant } from './instant.js';

/** The longest duration: about 31 years. `readClock` refuses a reading to which two of these cannot be added: each end is an instant. */
export const MAX_DURATION_MS = 1_000_000_000_000;

/** The text of a duration: each unit at most once, the larger units first. */
export type DurationParts = `${`${number}d` | ''}${`${number}h` | ''}${`${number}m` | ''}${`${number}s` | ''}${`${number}ms` | ''}`;

/**
 * A length of time: milliseconds, or a text of whole numbers with the units `d`, `h`, `m`, `s`, `ms`, the larger units first:
 * `'30m'`, `'1h30m'`. A number is never seconds: most options refuse one below a minute. The compiler checks such a text. For a `string`, for example from the environment, use
 * {@link parseDuration}.
 */
export type Duration = number | Exclude<DurationParts, ''>;

const DURATION = /^(?=\d)(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/;
const UNITS_MS = [86_400_000, 3_600_000, 60_000, 1_000, 1];

/**
 * Reads a duration, strictly: never zero, never negative, never a fraction, never "forever".
 *
 * @returns milliseconds, 1 to 1e12 (about 31 years)
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 */
export function readDuration(argument: string, value: unknown): number {
  let ms: unknown = value;
  if (typeof value === 'string') {
    const parts = DURATION.exec(value);
    ms = parts === null ? NaN : UNITS_MS.reduce((sum, unit, i) => sum + unit * Number(parts[i + 1] ?? 0), 0);
  }
  if (!isDuration(ms)) throw invalid(argument, "a whole number of milliseconds from 1 to 1e12, or a string like '30m' or '1h30m'", value);
  return ms;
}

/** The shortest window that a number may give. Below it, the number is likelier one of seconds, as in a JWT or a cookie. */
export const MIN_NUMBER_MS = 60_000;

/**
 * {@link readDuration} for a duration that is rarely shorter than a minute. It refuses a smaller number, which looks like seconds: 1800
 * milliseconds would end after two seconds. A text has its unit, and may be shorter.
 *
 * @param least the smallest number
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 */
export function readWindow(argument: string, value: unknown, least = MIN_NUMBER_MS): number {
  const ms = readDuration(argument, value);
  if (typeof value !== 'number' || ms >= least) return ms;
  const texts = `'${formatDuration(1_000 * ms)}', or '${formatDuration(ms)}'`;
  throw new InvalidArgumentError(argument, `a text with its unit, or at least ${least}`, `${ms}, which looks like seconds: write ${texts}`);
}

/** {@link readWindow} for the pause of a loop: a number below a second would repeat it without a pause. */
export const readPause = (argument: string, value: unknown): number => readWindow(argument, value, 1_000);

/** The most warnings of a grant, because each is an entry of the journal (L42). */
export const MAX_WARNINGS = 10;

/**
 * Reads how long before a grant's end its warnings are recorded: one duration, or a list of 1 to 10 different ones.
 *
 * @returns milliseconds, the earliest warning first
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 */
export function readWarnBefore(argument: string, value: unknown, least = MIN_NUMBER_MS): readonly number[] {
  const read = (at: string, item: unknown) => readWindow(at, item, least);
  return Array.isArray(value) ? readWarnings(argument, value, read) : [read(argument, value)];
}

/** {@link readWarnBefore} for a list. @param read reads one item: an option may name units, and a verdict gives milliseconds */
export function readWarnings(argument: string, value: unknown, read: (argument: string, item: unknown) => number): readonly number[] {
  const list = readBoundedList(argument, value, 1, MAX_WARNINGS).map((item, i) => read(`${argument}[${i}]`, item));
  if (new Set(list).size < list.length) throw invalid(argument, 'a list of different durations', value);
  return list.sort((a, b) => b - a);
}

/** The shortest time between two reminders of a review: each is a message to people, and an entry of the journal. */
export const MIN_REMIND_EVERY_MS = 300_000;

/**
 * Reads how often the reviewers of a request are reminded.
 *
 * @param read reads the duration: an option may name units, and a verdict gives milliseconds
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 */
export function readRemindEvery(argument: string, value: unknown, read = readDuration): number {
  const ms = read(argument, value);
  if (ms < MIN_REMIND_EVERY_MS) throw invalid(argument, 'a duration of at least 5 minutes', value);
  return ms;
}

/**
 * Parses a text such as `'30m'` or `'1h30m'`, for a text that the compiler does not know.
 *
 * @param argument named by the error, for example the variable that holds the text
 * @returns milliseconds, 1 to 1e12 (about 31 years)
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` if `text` is no duration, or is missing
 * @example
 * const maxTtl = parseDuration(process.env.MAX_TTL ?? '8h', 'MAX_TTL');
 */
export function parseDuration(text: string, argument = 'text'): number {
  // Refuses a number: `Number(process.env.X)` would pass, although its author wrote down no unit.
  if (typeof text !== 'string') throw invalid(argument, "a text like '30m' or '1h30m'", text);
  return readDuration(argument, text);
}

/** Formats milliseconds in the form that `readDuration` reads: `1h30m`. 0 gives `'0'`, which is no duration. */
export function formatDuration(ms: number): string {
  let text = '';
  for (const [unit, length] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
    ['ms', 1],
  ] as const) {
    if (ms >= length) text += `${Math.floor(ms / length)}${unit}`;
    ms %= length;
  }
  return text || '0';
}

/** Whether the value is a duration: whole milliseconds, 1 to 1e12. */
export function isDuration(value: unknown): value is number {
  return isInstant(value) && value > 0 && value <= MAX_DURATION_MS;
}
