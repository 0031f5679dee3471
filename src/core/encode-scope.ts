import { InvalidArgumentError } from './errors.js';
import { invalid } from './parse.js';
import { readScope } from './scope.js';

const MAX_PARTS = 16;
const MAX_SCOPE = 256;
const IN_GRAMMAR = /^[\w.@/+=-]+$/;

/**
 * Makes a scope of texts from another system, such as an ARN, a URL or a file path: one segment for each part.
 *
 * Characters of the grammar other than `~` stay, and each byte of any other character becomes `~XX`. An empty part becomes `~`. So a part
 * never adds a segment and never becomes a wildcard. Different lists of parts give different scopes: {@link decodeScope} returns
 * the parts.
 *
 * @param parts 1 to 16 texts. The scope, with its colons, has at most 256 characters after the encoding
 * @throws InvalidArgumentError that names the part
 * @example
 * encodeScope(...'arn:aws:s3:::reports'.split(':')); // 'arn:aws:s3:~:~:reports'
 */
export function encodeScope(...parts: readonly string[]): string {
  if (parts.length < 1 || parts.length > MAX_PARTS) {
    throw new InvalidArgumentError('parts', `1 to ${MAX_PARTS} texts`, `${parts.length} parts`);
  }
  const scope = parts.map(encodePart).join(':');
  if (scope.length > MAX_SCOPE) throw tooLong('parts', scope);
  return scope;
}

/**
 * Returns the parts from which {@link encodeScope} made a scope. It refuses every other text: each list of parts has exactly
 * one scope.
 *
 * @throws InvalidArgumentError
 */
export function decodeScope(scope: string): readonly string[] {
  const parts = readScope('scope', scope).split(':').map(decodePart);
  // The one comparison covers every other form: lower-case digits, an escape that is not needed, bytes that are no UTF-8.
  if (parts.some((part) => part === undefined) || encodeScope(...(parts as string[])) !== scope) {
    throw invalid('scope', 'a scope as encodeScope makes it', scope);
  }
  return parts as string[];
}

function encodePart(part: unknown, index: number): string {
  // Most parts are in the grammar already.
  if (typeof part === 'string' && part.length <= MAX_SCOPE && IN_GRAMMAR.test(part)) return part;
  const argument = `parts[${index}]`;
  if (typeof part !== 'string') throw invalid(argument, 'a text', part);
  // A part that is too long without the encoding is refused before it is walked.
  const encoded =
    part.length > MAX_SCOPE ? part : part === '' ? '~' : part.replace(/[^\w.@/+=-]/gu, (char) => encodeCharacter(argument, char));
  if (encoded.length > MAX_SCOPE) throw tooLong(argument, encoded);
  return encoded;
}

const tooLong = (argument: string, text: string): InvalidArgumentError =>
  new InvalidArgumentError(argument, `at most ${MAX_SCOPE} characters when encoded`, `${text.length} characters`);

function encodeCharacter(argument: string, char: string): string {
  // With the flag `u`, a match of one surrogate is a lone one. It has no bytes in UTF-8.
  if (/^[\ud800-\udfff]$/u.test(char)) throw invalid(argument, 'a text without lone surrogates', char);
  const escaped = encodeURIComponent(char);
  // encodeURIComponent leaves some characters of ASCII that are outside the grammar, such as '*' and '!'.
  return escaped === char ? `~${char.charCodeAt(0).toString(16).toUpperCase()}` : escaped.replaceAll('%', '~');
}

function decodePart(segment: string): string | undefined {
  if (segment === '~') return '';
  try {
    return decodeURIComponent(segment.replaceAll('~', '%'));
  } catch {
    // The escapes are no UTF-8.
    return undefined;
  }
}
