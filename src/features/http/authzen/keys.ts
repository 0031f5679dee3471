import { toBase64Url } from '../../../core/base64.js';
import { areEqualBytes, macOf } from '../../../core/mac.js';
import { invalid, readBoundedList, readOptions, utf8Length } from '../../../core/parse.js';

/** A secret of this handler. */
export interface AuthzenKey {
  /** 1-64 of `[A-Za-z0-9_-]`. Each token contains it, so that keys can be rotated. */
  readonly id: string;
  /** At least 32 random bytes. A string counts by its UTF-8 bytes. */
  readonly secret: string | Uint8Array;
}

export interface ParsedKey {
  readonly id: string;
  readonly secret: Uint8Array;
}

export type ParsedKeys = readonly [ParsedKey, ...ParsedKey[]];

const MIN_SECRET_BYTES = 32;
const KEY_ID = /^[\w-]{1,64}$/;

/** @throws InvalidArgumentError naming the key */
export function readKeys(argument: string, value: unknown): ParsedKeys {
  const ids = new Set<string>();
  const keys = readBoundedList(argument, value, 1, 16).map((item, i): ParsedKey => {
    const at = `${argument}[${i}]`;
    const { id, secret } = readOptions(at, item, ['id', 'secret']);
    if (typeof id !== 'string' || !KEY_ID.test(id) || ids.has(id))
      throw invalid(`${at}.id`, '1-64 characters from [A-Za-z0-9_-], different from the other key ids', id);
    ids.add(id);
    return { id, secret: readSecret(`${at}.secret`, secret) };
  });
  return keys as [ParsedKey, ...ParsedKey[]];
}

/** Copies the secret, so that the caller cannot change it afterwards. No message ever contains the secret. */
function readSecret(argument: string, secret: unknown): Uint8Array {
  const isText = typeof secret === 'string';
  const length = isText ? utf8Length(secret) : secret instanceof Uint8Array ? secret.length : 0;
  if (length < MIN_SECRET_BYTES)
    throw invalid(argument, `text or a Uint8Array of at least ${MIN_SECRET_BYTES} bytes`, length === 0 ? undefined : `${length} bytes`);
  return isText ? new TextEncoder().encode(secret) : new Uint8Array(secret as Uint8Array);
}

/** The MAC of a text in base64url. The purpose separates this use of the key from every other. */
export const macText = (key: ParsedKey, purpose: string, text: string): string =>
  toBase64Url(macOf(key.secret, `jit-access authzen ${purpose} 1: ${text}`));

/** Whether a text is this MAC. Compares in constant time. */
export function isMac(key: ParsedKey, purpose: string, text: string, mac: string): boolean {
  const utf8 = new TextEncoder();
  return areEqualBytes(utf8.encode(macText(key, purpose, text)), utf8.encode(mac));
}
