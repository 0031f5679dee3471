import { digestOf } from '../journal/link.js';

const HEX = '0123456789abcdef';

/**
 * A random id of 128 bits, 32 hex digits. Made from character codes in one go: a string that is put together from
 * pieces, such as a UUID, keeps its pieces in memory for as long as it is stored.
 */
export function newId(): string {
  const codes: number[] = [];
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) codes.push(HEX.charCodeAt(byte >> 4), HEX.charCodeAt(byte & 15));
  return String.fromCharCode(...codes);
}

/** An id that is drawn at its first use: at module scope some runtimes have no randomness (L46). */
export function lazyId(): () => string {
  let id: string | undefined;
  return () => (id ??= newId());
}

/** The id that an idempotency key stands for. A digest of a list, so that no two lists run together (L11, L24). */
export function derivedId(namespace: string, verb: string, requester: string, key: string): string {
  return digestOf([namespace, verb, requester, key]);
}
