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
  scanJson(text, MAX_DEPTH, (problem) => new JsonTextError(PROBLEMS[problem]));
  const value = JSON.parse(text) as JsonValue;
  refuseUnsound(value);
  return value;
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
