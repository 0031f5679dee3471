import { toBase64Url } from '../../core/base64.js';
import { areEqualBytes, macOf } from '../../core/mac.js';
import { readMacKeys, type ParsedMacKey, type ParsedMacKeys } from '../../core/mac-keys.js';

/** A secret of this handler. */
export interface AuthzenKey {
  /** 1-64 of `[A-Za-z0-9_-]`. Each token contains it, so that keys can be rotated. */
  readonly id: string;
  /** At least 32 random bytes. A string counts by its UTF-8 bytes. */
  readonly secret: string | Uint8Array;
}

/** @throws InvalidArgumentError naming the key */
export const readKeys = (argument: string, value: unknown): ParsedMacKeys => readMacKeys(argument, value, 16);

/** The MAC of a text in base64url. The purpose separates this use of the key from every other. */
export const macText = (key: ParsedMacKey, purpose: string, text: string): string =>
  toBase64Url(macOf(key.secret, `jit-access authzen ${purpose} 1: ${text}`));

/** Whether a text is this MAC. Compares in constant time. */
export function isMac(key: ParsedMacKey, purpose: string, text: string, mac: string): boolean {
  const utf8 = new TextEncoder();
  return areEqualBytes(utf8.encode(macText(key, purpose, text)), utf8.encode(mac));
}
