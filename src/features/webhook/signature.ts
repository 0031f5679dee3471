import { fromBase64, toBase64 } from '../../core/base64.js';
import { InvalidArgumentError } from '../../core/errors.js';
import { readBoundedList } from '../../core/parse.js';
import { macOf } from '../../core/mac.js';

/*
 * How a webhook is signed, by the Standard Webhooks specification 1.0.0: HMAC-SHA-256 over `id.timestamp.body`. The id
 * is ours and the timestamp digits, so there is one way to read what was signed, though ids have a dot in them.
 */

const PREFIX = 'whsec_';
const MIN_BYTES = 24;
const MAX_BYTES = 64;
/** What is replaced, what replaces it, and some for tests of the change: more is a mistake. */
const MAX_SECRETS = 10;

/** What a secret is never gets into a message. */
export function readSecrets(argument: string, value: unknown): readonly Uint8Array[] {
  // The mistake that is easily made, and what was given would be shown.
  if (typeof value === 'string') throw new InvalidArgumentError(argument, 'a list of secrets', 'one secret');
  return readBoundedList(argument, value, 1, MAX_SECRETS).map((secret, i) => {
    const key = typeof secret === 'string' && secret.startsWith(PREFIX) ? fromBase64(secret.slice(PREFIX.length)) : undefined;
    if (key === undefined || key.length < MIN_BYTES || key.length > MAX_BYTES) {
      const got = key === undefined ? whatIsNoSecret(secret) : `${key.length} bytes`;
      throw new InvalidArgumentError(`${argument}[${i}]`, `${PREFIX} and ${MIN_BYTES}-${MAX_BYTES} random bytes in base64`, got);
    }
    return key;
  });
}

/** Without showing any of it. */
function whatIsNoSecret(secret: unknown): string {
  if (typeof secret !== 'string') return secret === undefined ? 'undefined: is the variable set?' : 'no text';
  if (secret === '') return 'an empty text: is the variable set?';
  return secret.startsWith(PREFIX) ? `${PREFIX} and what is no base64` : `text without ${PREFIX}`;
}

/** @param seconds since the Unix epoch, as digits */
export const signatureOf = (key: Uint8Array, id: string, seconds: string, body: string): string =>
  `v1,${toBase64(macOf(key, `${id}.${seconds}.${body}`))}`;
