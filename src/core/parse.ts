import { InvalidArgumentError } from './errors.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import { toUtf8 } from './utf8.js';

/**
 * Characters that a terminal or a log viewer would execute, hide or reorder instead of showing them.
 *
 * Made at use, as all regular expressions with `\p`: V8 parses a literal when it parses the file, and resolving these classes would
 * take a tenth of the import. V8 keeps what it has compiled.
 */
const unshown = () => new RegExp('(?! )[\\p{C}\\p{Z}\\p{DI}\\u2800]', 'gu');

/** A value as JSON in which every character is visible, so that a text from outside cannot forge the line around it. */
export function quote(value: JsonValue): string {
  return escapeUnshown(JSON.stringify(value));
}

/** Escapes each character that a terminal or a log viewer executes, hides or reorders. */
export function escapeUnshown(text: string): string {
  const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  // By UTF-16 units, as JSON escapes them.
  return text.replace(unshown(), (char) => char.split('').map(escapeUnit).join(''));
}

/** Describes a rejected value, short enough for a log line. Never throws. */
export function show(value: unknown): string {
  if (typeof value === 'string') return value.length > 60 ? `${quote(value.slice(0, 60))}... (${value.length})` : quote(value);
  if (typeof value === 'bigint') return 'a bigint';
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (typeof value === 'object' && value !== null) {
    try {
      return Array.isArray(value) ? 'an array' : 'an object';
    } catch {
      return 'a revoked proxy';
    }
  }
  return Object.is(value, -0) ? '-0' : String(value);
}

export function invalid(argument: string, rule: string, got: unknown): InvalidArgumentError {
  return new InvalidArgumentError(argument, rule, show(got));
}

/** Runs code of the caller, such as a getter or the trap of a proxy. If it throws, the argument is refused as not readable. */
function guarded<T>(argument: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof InvalidArgumentError ? error : new InvalidArgumentError(argument, 'readable', 'a getter that throws');
  }
}

/** Reads one field of the caller's object. @throws InvalidArgumentError if its getter or its proxy throws */
export function readField(argument: string, given: object, field: string | symbol): unknown {
  return guarded(argument, () => (given as Record<string | symbol, unknown>)[field]);
}

/**
 * Copies the caller's list by index and length, because a custom iterator might never end.
 *
 * @param rule the rule that the error states
 * @param refuseLength throws if the length is wrong, before the copy: an array of length 2^32 - 1 costs its maker nothing
 */
export function readList(argument: string, given: unknown, rule = 'a list', refuseLength?: (length: number) => void): readonly unknown[] {
  return guarded(argument, () => {
    if (!Array.isArray(given)) throw invalid(argument, rule, given);
    const { length } = given;
    refuseLength?.(length);
    return Array.from({ length }, (_, i) => given[i] as unknown);
  });
}

/** {@link readList} for a list of `min` to `max` items. The length is judged before anything is copied. */
export function readBoundedList(argument: string, given: unknown, min: number, max: number = Infinity): readonly unknown[] {
  const bounds = [min > 0 ? `at least ${min}` : '', max < Infinity ? `at most ${max}` : ''].filter((bound) => bound !== '');
  const rule = `a list of ${bounds.join(' and ')}`;
  return readList(argument, given, rule, (length) => {
    if (length < min || length > max) throw new InvalidArgumentError(argument, rule, `a list of ${length}`);
  });
}

/** The names of options, of which a list has each: the compiler names one that is missing. */
export type AllOf<K extends string, List extends readonly K[]> = [Exclude<K, List[number]>] extends [never]
  ? K
  : { readonly missing: Exclude<K, List[number]> };

/**
 * Reads each own data property of an options object once, so that an option inherited from `Object.prototype` never counts.
 *
 * No option is silently ignored: an unknown name, an accessor and an instance of a class are refused. An instance may define its
 * options as accessors of its class, and these are not own properties.
 */
export function readOptions<K extends string>(argument: string, given: unknown, known: readonly K[]): Partial<Record<K, unknown>> {
  return guarded(argument, () => {
    const read = Object.create(null) as Partial<Record<K, unknown>>;
    for (const [key, value] of plainFields(argument, given, `an object with ${known.join(', ')}`)) {
      if (!known.includes(key as K)) throw invalid(argument, `an object with only ${known.join(', ')}`, key);
      read[key as K] = value;
    }
    return read;
  });
}

/** Copies a plain object of the caller, so that its fields do not change between two reads. */
export function plainCopy<T extends object>(argument: string, given: T): T {
  return guarded(argument, () => Object.fromEntries(plainFields(argument, given)) as T);
}

/** The own data properties of a plain object, enumerable or not. @throws InvalidArgumentError for an accessor or an instance */
function plainFields(argument: string, given: unknown, rule = 'an object'): readonly (readonly [string, unknown])[] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalid(argument, rule, given);
  refuseInstance(argument, given);
  return Object.entries(Object.getOwnPropertyDescriptors(given)).map(([key, property]) => {
    if (!('value' in property))
      throw new InvalidArgumentError(isDoor(argument) ? key : `${argument}.${key}`, 'a plain value', 'an accessor');
    return [key, property.value as unknown];
  });
}

/** The arguments whose fields an error names alone: `ttl`, not `ask.ttl`. The checks of these fields' values name them so too. */
const isDoor = (argument: string): boolean => argument === 'options' || argument === 'ask' || argument === 'query';

/** Refuses a class instance where data is expected: a signal, a date or a map would pass as empty options. @throws InvalidArgumentError */
export function refuseInstance(argument: string, given: object): void {
  if (!guarded(argument, () => isPlain(given))) throw new InvalidArgumentError(argument, 'a plain object', 'an instance of a class');
}

/** True for an object of any realm that has no prototype, or whose only prototype is an `Object.prototype`. */
function isPlain(given: object): boolean {
  const prototype = Object.getPrototypeOf(given) as object | null;
  return prototype === null || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'));
}

// The form of an id (L23). Invisible characters (format, default-ignorable, the blank Braille pattern) make two ids look alike.
const MAX_ID = 256;
let badInId: RegExp | undefined;

export function isId(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  if (value.length === 0 || value.length > MAX_ID) return false;
  if (isPlainAscii(value)) return true;
  badInId ??= new RegExp('(?! )[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Z}\\p{DI}\\u2800]|^ | $', 'u');
  return !badInId.test(value) && value.normalize('NFC') === value;
}

/** Whether a text has only characters from `!` to `~`, as nearly all ids have. Compares character codes: every check runs this. */
function isPlainAscii(text: string, except?: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 33 || code > 126 || code === except) return false;
  }
  return true;
}

/** Whether the value is an id of an actor, found by one scan, as nearly all are. `/` may make it a run, and `s` a reserved id. */
export const isPlainActor = (value: unknown): boolean =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_ID && value.charCodeAt(0) !== 115 && isPlainAscii(value, 47);

const ID_RULE = '1-256 characters in NFC without control, format, separator or invisible characters or a space at either end';

export function readId(argument: string, value: unknown): string {
  if (!isId(value)) throw invalid(argument, typeof value === 'string' ? ID_RULE : 'an id (a string)', value);
  return value;
}

/** The namespace of a store that outlives its process. It has no default: two services without one would share their records. */
export function readNamespace(value: unknown): string {
  if (value === undefined)
    throw invalid('namespace', "the name of your service or tenant, for example 'payments' (it has no default)", value);
  return readId('namespace', value);
}

const isReserved = (id: string): boolean => id === 'system' || id.startsWith('system:');

/** Whether {@link readActor} accepts the value. */
export const isActor = (value: unknown): boolean => isId(value) && !isReserved(value);

/** Reads the id of an actor. `system:` is reserved for the engine's own entries. */
export function readActor(argument: string, value: unknown): string {
  const id = readId(argument, value);
  if (isReserved(id)) throw invalid(argument, 'an id outside the reserved system:', id);
  return id;
}

export const utf8Length = (text: string): number => toUtf8(text).length;

// Control characters other than tab and line ends could forge terminal output. Some stores cannot keep lone surrogates and NUL.
const BAD_IN_TEXT = /[\0-\x08\v\f\x0e-\x1f\x7f-\x9f\ud800-\udfff]/u;
const MAX_TEXT_BYTES = 4096;

export function readText(argument: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.length > MAX_TEXT_BYTES || BAD_IN_TEXT.test(value) || utf8Length(value) > MAX_TEXT_BYTES) {
    throw invalid(argument, 'text of at most 4 KiB without control characters', value);
  }
  return value;
}

/** Whether a text shows nothing to a person: it has only white space and invisible characters. It counts as not given. */
export const isBlank = (text: string): boolean => text.replace(unshown(), '').trim() === '';

const MAX_METADATA_BYTES = 8192;
const MAX_METADATA_DEPTH = 8;
const METADATA_RULE = 'plain JSON of at most 8 KiB and depth 8';

/** A deep, frozen copy of plain JSON. Reads every property once, so that a getter cannot change its value afterwards. */
export function readMetadata(argument: string, value: unknown): JsonObject | undefined {
  if (value === undefined) return undefined;
  return guarded(argument, () => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(argument, METADATA_RULE, value);
    const copy = copyJson(argument, value, MAX_METADATA_DEPTH, { left: MAX_METADATA_BYTES });
    if (utf8Length(JSON.stringify(copy)) > MAX_METADATA_BYTES) throw refused(argument, 'more than 8 KiB');
    return copy as JsonObject;
  });
}

/**
 * @param budget Every value and every character takes at least one byte of JSON. Counting them bounds the walk by the limit, not
 *   by the input: a few arrays that contain one another many times expand without a practical end.
 */
function copyJson(path: string, value: unknown, depth: number, budget: { left: number }): JsonValue {
  budget.left -= typeof value === 'string' ? value.length + 1 : 1;
  if (budget.left < 0) throw refused(path, 'more than 8 KiB');
  if (value === null || typeof value === 'boolean') return value;
  // JSON has no -0.
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0;
  if (typeof value === 'string') {
    if (/[\0\ud800-\udfff]/u.test(value)) throw invalid(path, METADATA_RULE, value);
    return value;
  }
  if (typeof value !== 'object') throw invalid(path, METADATA_RULE, value);
  if (depth === 0) throw refused(path, 'more levels');
  if (Array.isArray(value)) {
    return Object.freeze(
      Array.from({ length: value.length }, (_, i) => copyJson(`${path}[${i}]`, (value as unknown[])[i], depth - 1, budget)),
    );
  }
  if (!isPlain(value)) throw refused(path, 'an instance of a class');
  const copy: Record<string, JsonValue> = {};
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw refused(path, 'a key __proto__');
    copyJson(path, key, depth, budget);
    const at = /^\w{1,40}$/.test(key) ? `${path}.${key}` : `${path}[${show(key)}]`;
    copy[key] = copyJson(
      at,
      guarded(at, () => (value as Record<string, unknown>)[key]),
      depth - 1,
      budget,
    );
  }
  return Object.freeze(copy);
}

const refused = (path: string, got: string): InvalidArgumentError => new InvalidArgumentError(path, METADATA_RULE, got);

/** @throws InvalidArgumentError */
export function assertBoolean(argument: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') throw invalid(argument, 'true or false', value);
}

/** Reads a whole number from `min` to `max`, at most 2^53 - 1: above that, a JavaScript number is not exact. */
export function readCount(argument: string, value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    throw invalid(argument, `a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`, value);
  }
  return value;
}

/**
 * Checks that a port has its methods. Their answers are checked at each call.
 *
 * @param example code that makes such a port, for the message
 */
export function readPort<Port>(argument: string, value: unknown, methods: readonly string[], example?: string): Port {
  const rule = `an object with ${methods.join(', ')}${example === undefined ? '' : `, for example ${example}`}`;
  return guarded(argument, () => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(argument, rule, value);
    const port = value as Readonly<Record<string, unknown>>;
    const missing = methods.filter((method) => typeof port[method] !== 'function');
    // The usual mistake: a store or an engine that a promise resolves to.
    const got = typeof port.then === 'function' ? 'a promise: await it first' : `an object without ${missing.join(', ')}`;
    if (missing.length > 0) throw new InvalidArgumentError(argument, rule, got);
    return port as Port;
  });
}

/** Reads the caller's listener. Its own error is dropped: `onError` is such a listener too, and no other place is left to report it. */
export function readListener<Args extends unknown[]>(argument: string, listener: unknown): (...args: Args) => void {
  if (listener === undefined) return () => undefined;
  if (typeof listener !== 'function') throw invalid(argument, 'a function', listener);
  return (...args) => {
    Promise.resolve()
      .then(() => (listener as (...args: Args) => unknown)(...args))
      .catch(() => undefined);
  };
}
