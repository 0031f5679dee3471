import type { JsonValue } from '../../model/json.js';

/** Why a text is not accepted as JSON. The message is for the client, and quotes no part of the text. */
export class JsonTextError extends Error {
  override readonly name = 'JsonTextError';
}

/** How deeply arrays and objects may be nested. */
const MAX_DEPTH = 32;

/**
 * Parses JSON more strictly than `JSON.parse`, in the direction of I-JSON (RFC 7493). It refuses a repeated member name, because two
 * readers of the same text may use different ones. It refuses lone surrogates, and more than 32 levels.
 *
 * @throws JsonTextError
 */
export function parseJsonText(text: string): JsonValue {
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch {
    throw new JsonTextError(text === '' ? 'the body is empty: send {} where no field is needed' : 'the body is not valid JSON');
  }
  refuseAmbiguous(text);
  // JSON.parse makes Infinity of a number that no double can hold.
  if (!isFiniteEverywhere(value)) throw new JsonTextError('the body has a number that is too large');
  return value;
}

const isFiniteEverywhere = (value: unknown): boolean =>
  typeof value === 'number'
    ? Number.isFinite(value)
    : typeof value !== 'object' || value === null || Object.values(value).every(isFiniteEverywhere);

/** The strings of a text that `JSON.parse` accepts, and the brackets and commas outside of them. */
function* tokensOf(text: string): Generator<string, void, undefined> {
  for (let at = 0; at < text.length; at++) {
    const start = at;
    const character = text.charAt(at);
    if (character === '"') {
      for (at++; at < text.length && text.charAt(at) !== '"'; at++) if (text.charAt(at) === '\\') at++;
      yield text.slice(start, at + 1);
    } else if ('{}[],'.includes(character)) yield character;
  }
}

/** Walks the tokens of a valid JSON text. */
function refuseAmbiguous(text: string): void {
  /** The member names of each open object; `undefined`: an open array. */
  const open: (Set<string> | undefined)[] = [];
  let isName = false;
  for (const token of tokensOf(text)) {
    const names = open.at(-1);
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : undefined);
      if (open.length > MAX_DEPTH) throw new JsonTextError(`the body has more than ${MAX_DEPTH} levels`);
      isName = token === '{';
    } else if (token === '}' || token === ']') {
      open.pop();
      isName = false;
    } else if (token === ',') {
      isName = names !== undefined;
    } else {
      // Only an escape can give a lone surrogate: the text was decoded from UTF-8.
      const string = token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
      if (/[\ud800-\udfff]/u.test(string)) throw new JsonTextError('the body contains a lone surrogate');
      if (isName && names?.has(string)) throw new JsonTextError('the body repeats a member name');
      if (isName) names?.add(string);
      isName = false;
    }
  }
}
