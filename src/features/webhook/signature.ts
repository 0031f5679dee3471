import { fromBase64, toBase64 } from '../../core/base64.js';
import { InvalidArgumentError } from '../../core/errors.js';
import { readBoundedList } from '../../core/parse.js';
import { macOf } from '../../core/mac.js';

/*
 * The signature of the Standard Webhooks specification 1.0.0: HMAC-SHA-256 over `id.timestamp.body`. Ids may contain dots.
 * The signed text is still unambiguous, because the engine makes the ids and the timestamp is digits.
 */

const PREFIX = 'whsec_';
const MIN_BYTES = 24;
const MAX_BYTES = 64;
/** The old secret, the new secret, and a few for tests of a rotation. More is a mistake. */
const MAX_SECRETS = 10;

/** Messages never contain a secret. */
export function readSecrets(argument: string, value: unknown): readonly Uint8Array[] {
  // An easy mistake. It gets its own error, because the general one would show the value.
  if (typeof value === 'string') throw new InvalidArgumentError(argument, 'a list of secrets', 'a string');
  return readBoundedList(argument, value, 1, MAX_SECRETS).map((secret, i) => {
    const key = typeof secret === 'string' && secret.startsWith(PREFIX) ? fromBase64(secret.slice(PREFIX.length)) : undefined;
    if (key === undefined || key.length < MIN_BYTES || key.length > MAX_BYTES) {
      const got = key === undefined ? whatIsNoSecret(secret) : `${key.length} bytes`;
      throw new InvalidArgumentError(`${argument}[${i}]`, `${PREFIX} followed by ${MIN_BYTES}-${MAX_BYTES} random bytes in base64`, got);
    }
    return key;
  });
}

/** Describes an invalid secret without showing any part of it. */
function whatIsNoSecret(secret: unknown): string {
  if (typeof secret !== 'string') return secret === undefined ? 'undefined: is the environment variable set?' : 'not a string';
  if (secret === '') return 'an empty string: is the environment variable set?';
  return secret.startsWith(PREFIX) ? `${PREFIX} and invalid base64` : `a string without ${PREFIX}`;
}

/** @param seconds since the Unix epoch, as digits */
export const signatureOf = (key: Uint8Array, id: string, seconds: string, body: string): string =>
  `v1,${toBase64(macOf(key, `${id}.${seconds}.${body}`))}`;
