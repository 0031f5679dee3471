import { scanJson, type JsonProblem } from '../../core/json-scan.js';
import type { JsonValue } from '../../model/json.js';

/** Why a text is not accepted as JSON. The message is for the client, and quotes no part of the text. */
export class JsonTextError extends Error {
  override readonly name = 'JsonTextError';
}

/** How deeply arrays and objects may be nested. */
const MAX_DEPTH = 32;

const PROBLEMS: Readonly<Record<JsonProblem, string>> = {
  syntax: 'the body is not valid JSON',
  repeated: 'the body repeats a member name',
  depth: `the body has more than ${MAX_DEPTH} levels`,
};

/**
 * Parses JSON more strictly than `JSON.parse`, in the direction of I-JSON (RFC 7493). It refuses a repeated member name, because two
 * readers of the same text may use different ones. It refuses lone surrogates, and more than 32 levels.
 *
 * @throws JsonTextError
 */
export function parseJsonText(text: string): JsonValue {
  if (text === '') throw new JsonTextError('the body is empty: send {} if no field is needed');
  const value = parsed(text);
  // `JSON.parse` keeps the last member of a name, so a repeated name is a member that the value lacks.
  if (value !== undefined && !SURROGATE.test(text) && membersOf(value, 0) === membersIn(text)) return value;
  return parseSlowly(text);
}

/** The same, by a scan that knows which problem comes first. It alone refuses a text. */
function parseSlowly(text: string): JsonValue {
  scanJson(text, MAX_DEPTH, (problem) => new JsonTextError(PROBLEMS[problem]));
  const value = JSON.parse(text) as JsonValue;
  refuseUnsound(value);
  return value;
}

/** A lone surrogate, or the escape of any. */
const SURROGATE = /\\u[dD][89a-fA-F]|[\ud800-\udfff]/u;

/** `undefined`: the text is not JSON. */
function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** The number of members of all objects in a value. `NaN`: it has too many levels, or a number that is too large. */
function membersOf(value: JsonValue, depth: number): number {
  if (typeof value === 'number') return Number.isFinite(value) ? 0 : NaN;
  if (typeof value !== 'object' || value === null) return 0;
  if (depth === MAX_DEPTH) return NaN;
  let members = Array.isArray(value) ? 0 : Object.keys(value).length;
  for (const part of Array.isArray(value) ? value : Object.values(value)) members += membersOf(part as JsonValue, depth + 1);
  return members;
}

const QUOTE = 34;
const COLON = 58;
const BACKSLASH = 92;

/** The number of members of all objects in a text that is JSON: of the colons outside strings. */
export function membersIn(text: string): number {
  let members = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === COLON) members++;
    else if (char === QUOTE) at = endOfString(text, at);
  }
  return members;
}

/** The position of the quote that ends a string. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let escapes = end;
    while (text.charCodeAt(escapes - 1) === BACKSLASH) escapes--;
    // After an even number of backslashes, the quote itself is not escaped.
    if ((end - escapes) % 2 === 0) return end;
  }
}

/** `JSON.parse` keeps a lone surrogate, and makes Infinity of a number that no double can hold. */
function refuseUnsound(value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new JsonTextError('the body has a number that is too large');
  if (typeof value === 'string' && /[\ud800-\udfff]/u.test(value)) throw new JsonTextError('the body contains a lone surrogate');
  if (typeof value !== 'object' || value === null) return;
  for (const [name, part] of Object.entries(value)) {
    refuseUnsound(name);
    refuseUnsound(part);
  }
}
