import { InvalidArgumentError } from './errors.js';
import type { JsonObject, JsonValue } from './json.js';

// What a terminal or a log viewer would obey, hide or reorder instead of showing it.
const UNSHOWN = /(?! )[\p{C}\p{Z}\p{DI}\u2800]/gu;

/** A value as JSON in which every character shows, so that what somebody wrote can't forge a line around it. */
export function quote(value: JsonValue): string {
  return escapeUnshown(JSON.stringify(value));
}

/** The same text with an escape for each character that doesn't show, or that isn't shown where it stands. */
export function escapeUnshown(text: string): string {
  const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  // By UTF-16 units, as JSON escapes them.
  return text.replace(UNSHOWN, (char) => char.split('').map(escapeUnit).join(''));
}

/** What a rejected value looked like, short enough for a log line and never failing itself. */
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

/** Runs code that isn't ours, a getter or the trap of a proxy: what it throws becomes a rule about the argument. */
function guarded<T>(argument: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof InvalidArgumentError ? error : new InvalidArgumentError(argument, 'readable', 'a getter that throws');
  }
}

/** One field of somebody else's object. */
export function readField(argument: string, given: object, field: string): unknown {
  return guarded(argument, () => (given as Record<string, unknown>)[field]);
}

/**
 * A copy of the caller's list, taken by its length: an iterator of its own might never end.
 *
 * @param rule what the error says that the list must be
 * @param refuseLength throws where the length is wrong, before anything is copied
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

/**
 * Reads an options object once, and refuses names it doesn't know: a misspelt option must not be an option left out, nor one
 * inherited from `Object.prototype`. Nor one that an accessor would give: behind a class it would be passed over without a word,
 * and a limit with it.
 */
export function readOptions<K extends string>(argument: string, given: unknown, known: readonly K[]): Partial<Record<K, unknown>> {
  return guarded(argument, () => {
    const read = Object.create(null) as Partial<Record<K, unknown>>;
    for (const [key, value] of plainFields(argument, given)) {
      if (!known.includes(key as K)) throw invalid(argument, `an object with only ${known.join(', ')}`, key);
      read[key as K] = value;
    }
    return read;
  });
}

/** A copy of somebody else's plain object, which says the same at every look. */
export function plainCopy<T extends object>(argument: string, given: T): T {
  return guarded(argument, () => Object.fromEntries(plainFields(argument, given)) as T);
}

/** The fields of a plain object: own data properties, enumerable or not. */
function plainFields(argument: string, given: unknown): readonly (readonly [string, unknown])[] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalid(argument, 'an object', given);
  refuseInstance(argument, given);
  return Object.entries(Object.getOwnPropertyDescriptors(given)).map(([key, property]) => {
    if (!('value' in property))
      throw new InvalidArgumentError(isDoor(argument) ? key : `${argument}.${key}`, 'a value, not code that gives one', 'an accessor');
    return [key, property.value as unknown];
  });
}

/** Fields of these are named without them, as everywhere else. */
const isDoor = (argument: string): boolean => argument === 'options' || argument === 'ask' || argument === 'query';

/** What is read as data is no instance of a class: a signal, a date or a map would pass as no options at all. @throws InvalidArgumentError */
export function refuseInstance(argument: string, given: object): void {
  if (!guarded(argument, () => isPlain(given))) throw new InvalidArgumentError(argument, 'a plain object', 'an instance of a class');
}

/** Of whatever realm: it inherits nothing, or from an `Object.prototype` alone. */
function isPlain(given: object): boolean {
  const prototype = Object.getPrototypeOf(given) as object | null;
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

// An id: L23. What doesn't show (format and default-ignorable characters, the blank Braille pattern) makes two ids look alike.
const MAX_ID = 256;
const BAD_IN_ID = /(?! )[\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{DI}\u2800]|^ | $/u;

export function isId(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  if (value.length === 0 || value.length > MAX_ID) return false;
  return isPlainAscii(value) || (!BAD_IN_ID.test(value) && value.normalize('NFC') === value);
}

/** Of the printable characters from `!` to `~` alone, as nearly all ids are. By character codes: it is on the path of every check. */
function isPlainAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 33 || code > 126) return false;
  }
  return true;
}

const ID_RULE = '1-256 characters in NFC without control, format, separator or invisible characters or a space at either end';

export function readId(argument: string, value: unknown): string {
  if (!isId(value)) throw invalid(argument, typeof value === 'string' ? ID_RULE : 'an id, which is a string', value);
  return value;
}

/** The namespace of a store that outlives its process: two services that named none would be one service. */
export function readNamespace(value: unknown): string {
  if (value === undefined)
    throw invalid('namespace', "the name of your service or tenant, for example 'payments' (it has no default)", value);
  return readId('namespace', value);
}

const isReserved = (id: string): boolean => id === 'system' || id.startsWith('system:');

/** Whether this is what {@link readActor} takes. */
export const isActor = (value: unknown): boolean => isId(value) && !isReserved(value);

/** An id of somebody who acts: `system:` is kept for the engine's own entries. */
export function readActor(argument: string, value: unknown): string {
  const id = readId(argument, value);
  if (isReserved(id)) throw invalid(argument, 'an id outside the reserved system:', id);
  return id;
}

const utf8 = /* @__PURE__ */ new TextEncoder();
export const utf8Length = (text: string): number => utf8.encode(text).length;

// Controls other than tab and line ends could forge terminal output; lone surrogates and NUL can't be stored everywhere.
const BAD_IN_TEXT = /[^\P{Cc}\t\n\r]|\p{Cs}/u;
const MAX_TEXT_BYTES = 4096;

export function readText(argument: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.length > MAX_TEXT_BYTES || BAD_IN_TEXT.test(value) || utf8Length(value) > MAX_TEXT_BYTES) {
    throw invalid(argument, 'text of at most 4 KiB without control characters', value);
  }
  return value;
}

/** Whether nothing of a text shows: white space, and what looks like it or like nothing at all. */
export const isBlank = (text: string): boolean => /^[\p{C}\p{Z}\p{DI}\u2800]*$/u.test(text);

const MAX_METADATA_BYTES = 8192;
const MAX_METADATA_DEPTH = 8;
const METADATA_RULE = 'plain JSON of at most 8 KiB and depth 8';

/** A deep, frozen copy of plain JSON. Reads every property once, so a getter can't change its answer afterwards. */
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
 * @param budget Every value and every character takes a byte of JSON at least. Counting them bounds the walk by what is
 *   allowed, not by what was given: a few arrays that hold each other many times would be a walk without an end.
 */
function copyJson(path: string, value: unknown, depth: number, budget: { left: number }): JsonValue {
  budget.left -= typeof value === 'string' ? value.length + 1 : 1;
  if (budget.left < 0) throw refused(path, 'more than 8 KiB');
  if (value === null || typeof value === 'boolean') return value;
  // JSON has no -0.
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0;
  if (typeof value === 'string') {
    if (/[\0\p{Cs}]/u.test(value)) throw invalid(path, METADATA_RULE, value);
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

/** A whole number from `min` to `max`. */
export function readCount(argument: string, value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    throw invalid(argument, `a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`, value);
  }
  return value;
}

/** A store or an engine that comes by a promise is the usual mistake: the message has to name it. */
const withoutMethods = (port: Readonly<Record<string, unknown>>, missing: readonly string[]): string =>
  typeof port.then === 'function' ? 'a promise: await it first' : `an object without ${missing.join(', ')}`;

/**
 * A port must have its methods; what they answer is checked when they do.
 *
 * @param example code that makes such a port, for the message
 */
export function readPort<Port>(argument: string, value: unknown, methods: readonly string[], example?: string): Port {
  const rule = `an object with ${methods.join(', ')}${example === undefined ? '' : `, for example ${example}`}`;
  return guarded(argument, () => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(argument, rule, value);
    const port = value as Readonly<Record<string, unknown>>;
    const missing = methods.filter((method) => typeof port[method] !== 'function');
    if (missing.length > 0) throw new InvalidArgumentError(argument, rule, withoutMethods(port, missing));
    return port as Port;
  });
}

/** A listener of the caller's: what it throws, or rejects with, is dropped, for there is nobody left to tell. */
export function readListener<Args extends unknown[]>(argument: string, listener: unknown): (...args: Args) => void {
  if (listener === undefined) return () => undefined;
  if (typeof listener !== 'function') throw invalid(argument, 'a function', listener);
  return (...args) => {
    Promise.resolve()
      .then(() => (listener as (...args: Args) => unknown)(...args))
      .catch(() => undefined);
  };
}
