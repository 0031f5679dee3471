import { invalid } from '../../core/parse.js';

/**
 * The key that a header `Idempotency-Key` names. A quoted string, the form of the draft, is read as its content.
 *
 * @throws InvalidArgumentError for several keys, and for a part of a quoted string: its sender means another key
 */
export function keyIn(header: string | null): string | undefined {
  if (header === null) return undefined;
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header)?.[1];
  if (quoted !== undefined) return quoted.replace(/\\(["\\])/g, '$1');
  // A repeated header arrives with a comma.
  if (/[",]/.test(header)) throw invalid('Idempotency-Key', 'one key, in quotes if it has a quote or a comma', header);
  return header;
}
