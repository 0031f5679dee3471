import { digestOf } from '../../journal/link.js';

const HEX = '0123456789abcdef';

/**
 * A random id of 128 bits, 32 hex digits. Built from character codes in one step: a JavaScript engine keeps the pieces of a
 * concatenated string, such as a UUID, in memory for as long as the string is stored.
 */
export function newId(): string {
  const codes: number[] = [];
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) codes.push(HEX.charCodeAt(byte >> 4), HEX.charCodeAt(byte & 15));
  return String.fromCharCode(...codes);
}

/** An id that is drawn at its first use, because some runtimes have no randomness at module scope (L46). */
export function lazyId(): () => string {
  let id: string | undefined;
  return () => (id ??= newId());
}

/** The record id of an idempotency key. It digests a list, not a concatenation, so that different inputs never collide (L11, L24). */
export function derivedId(namespace: string, verb: string, requester: string, key: string): string {
  return digestOf([namespace, verb, requester, key]);
}
