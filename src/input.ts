import { InvalidArgumentError } from './errors.js';
import type { JsonObject, JsonValue } from './ports.js';

/** What a rejected value looked like, short enough for a log line and never failing itself. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return value.length > 60 ? `${JSON.stringify(value.slice(0, 60))}... (${value.length})` : JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? `an array of ${value.length}` : 'an object';
  return Object.is(value, -0) ? '-0' : String(value);
}

export function invalid(argument: string, rule: string, got: unknown): InvalidArgumentError {
  return new InvalidArgumentError(argument, rule, show(got));
}

/**
 * Reads an options object once, own properties only, and refuses names it doesn't know:
 * a misspelt option must not be an option left out, nor one inherited from `Object.prototype`.
 */
export function readOptions<K extends string>(argument: string, given: unknown, known: readonly K[]): Partial<Record<K, unknown>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalid(argument, 'an object', given);
  const read = Object.create(null) as Partial<Record<K, unknown>>;
  for (const key of Object.keys(given)) {
    if (!known.includes(key as K)) throw invalid(argument, `an object with only ${known.join(', ')}`, key);
    try {
      read[key as K] = (given as Record<string, unknown>)[key];
    } catch {
      throw invalid(key, 'readable', 'a getter that throws');
    }
  }
  return read;
}

// An id: L23. Format characters (zero-width, bidi) make two ids look alike, so they are out.
const PLAIN_ID = /^[!-~](?:[ -~]{0,254}[!-~])?$/;
const BAD_IN_ID = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}|^ | $/u;

export function isId(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  if (PLAIN_ID.test(value)) return true;
  return value.length > 0 && value.length <= 256 && !BAD_IN_ID.test(value) && value.normalize('NFC') === value;
}

const ID_RULE = '1-256 characters in NFC without control, format or separator characters or a space at either end';

export function readId(argument: string, value: unknown): string {
  if (!isId(value)) throw invalid(argument, ID_RULE, value);
  return value;
}

/** An id of somebody who acts: `system:` is kept for the engine's own entries. */
export function readActor(argument: string, value: unknown): string {
  const id = readId(argument, value);
  if (id === 'system' || id.startsWith('system:')) throw invalid(argument, 'an id outside the reserved system:', id);
  return id;
}

const utf8 = new TextEncoder();
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

const MAX_METADATA_BYTES = 8192;
const MAX_METADATA_DEPTH = 8;
const METADATA_RULE = 'plain JSON of at most 8 KiB and depth 8';

/** A deep, frozen copy of plain JSON. Reads every property once, so a getter can't change its answer afterwards. */
export function readMetadata(argument: string, value: unknown): JsonObject | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(argument, METADATA_RULE, value);
  const copy = copyJson(argument, value, MAX_METADATA_DEPTH);
  if (utf8Length(JSON.stringify(copy)) > MAX_METADATA_BYTES) throw invalid(argument, METADATA_RULE, 'more than 8 KiB');
  return copy as JsonObject;
}

function copyJson(argument: string, value: unknown, depth: number): JsonValue {
  if (value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return value;
  if (typeof value === 'string') {
    if (value.length > MAX_METADATA_BYTES || /[\0\p{Cs}]/u.test(value)) throw invalid(argument, METADATA_RULE, value);
    return value;
  }
  if (typeof value !== 'object' || depth === 0) throw invalid(argument, METADATA_RULE, depth === 0 ? 'more levels' : value);
  if (Array.isArray(value)) {
    if (value.length > MAX_METADATA_BYTES) throw invalid(argument, METADATA_RULE, value);
    return Object.freeze(Array.from(value, (item, i) => copyJson(`${argument}[${i}]`, item, depth - 1)));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) {
    throw invalid(argument, METADATA_RULE, 'an instance of a class');
  }
  const keys = Object.keys(value);
  if (keys.length > MAX_METADATA_BYTES) throw invalid(argument, METADATA_RULE, `${keys.length} keys`);
  const copy: Record<string, JsonValue> = {};
  for (const key of keys) {
    if (key === '__proto__') throw invalid(argument, METADATA_RULE, 'a key __proto__');
    copyJson(argument, key, depth);
    let item: unknown;
    try {
      item = (value as Record<string, unknown>)[key];
    } catch {
      throw invalid(`${argument}.${key}`, 'readable', 'a getter that throws');
    }
    copy[key] = copyJson(`${argument}.${key}`, item, depth - 1);
  }
  return Object.freeze(copy);
}

/** A whole number from `min` to `max`. */
export function readCount(argument: string, value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    throw invalid(argument, `a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`, value);
  }
  return value;
}
