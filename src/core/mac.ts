import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { toUtf8 } from './utf8.js';

/** HMAC-SHA-256 of the UTF-8 form of a text. Synchronous, unlike Web Crypto. */
export function macOf(key: Uint8Array, text: string): Uint8Array {
  return hmac(sha256, key, toUtf8(text));
}

/** Compares in constant time, so that guesses of a MAC learn nothing from it: the time depends only on the length of `a`. */
export function areEqualBytes(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] ?? 0);
  return difference === 0;
}
