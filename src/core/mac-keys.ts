import { invalid, readBoundedList, readOptions, utf8Length } from './parse.js';
import { toUtf8 } from './utf8.js';

/** A secret for a MAC, with the id by which a token names it. */
export interface ParsedMacKey {
  readonly id: string;
  readonly secret: Uint8Array;
}

/** At least one key. The first one signs, and all are accepted. */
export type ParsedMacKeys = readonly [ParsedMacKey, ...ParsedMacKey[]];

const MIN_SECRET_BYTES = 32;
const KEY_ID = /^[\w-]{1,64}$/;

/** @param most the greatest number of keys @throws InvalidArgumentError naming the key */
export function readMacKeys(argument: string, value: unknown, most?: number): ParsedMacKeys {
  const ids = new Set<string>();
  const keys = readBoundedList(argument, value, 1, most).map((item, i): ParsedMacKey => {
    const at = `${argument}[${i}]`;
    const { id, secret } = readOptions(at, item, ['id', 'secret']);
    if (typeof id !== 'string' || !KEY_ID.test(id) || ids.has(id))
      throw invalid(`${at}.id`, '1-64 characters from [A-Za-z0-9_-], different from the other key ids', id);
    ids.add(id);
    return { id, secret: readSecret(`${at}.secret`, secret) };
  });
  return keys as [ParsedMacKey, ...ParsedMacKey[]];
}

/** Copies the secret, so that the caller cannot change it afterwards. No message ever contains the secret. */
function readSecret(argument: string, secret: unknown): Uint8Array {
  const isText = typeof secret === 'string';
  const length = isText ? utf8Length(secret) : secret instanceof Uint8Array ? secret.length : 0;
  if (length < MIN_SECRET_BYTES)
    throw invalid(argument, `text or a Uint8Array of at least ${MIN_SECRET_BYTES} bytes`, length === 0 ? undefined : `${length} bytes`);
  return isText ? toUtf8(secret) : new Uint8Array(secret as Uint8Array);
}
