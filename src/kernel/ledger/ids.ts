import { atTurnsEnd } from '../../core/turns.js';
import { digestOf } from '../../journal/link.js';

const ID_BYTES = 16;
const POOL_BYTES = 256;

/** Random bytes for ids, of which the last `left` are unused. A call of the runtime costs twenty times more than its bytes. */
let pool = /* @__PURE__ */ new Uint8Array();
let left = 0;

/**
 * A random id of a record, a change or a request: 128 bits, 32 hex digits. It is unique, and no secret: see {@link newSecretId}.
 *
 * The bytes come from a pool, which is dropped at the end of this turn of the event loop. A process that is copied between two turns,
 * as by a snapshot of its virtual machine, would otherwise draw the same ids as its copy.
 */
export function newId(): string {
  if (left === 0) {
    if (!atTurnsEnd(dropPool)) return newSecretId();
    pool = crypto.getRandomValues(new Uint8Array(POOL_BYTES));
    left = POOL_BYTES;
  }
  left -= ID_BYTES;
  return hexOf(pool, left);
}

function dropPool(): void {
  left = 0;
}

/** A random id of 128 bits that comes from no pool, for keys, tokens and links. */
export const newSecretId = (): string => hexOf(crypto.getRandomValues(new Uint8Array(ID_BYTES)), 0);

/**
 * Built from character codes in one step: a JavaScript engine keeps the pieces of a concatenated string, such as a UUID, in memory for
 * as long as the string is stored.
 */
function hexOf(bytes: Uint8Array, from: number): string {
  const codes: number[] = [];
  for (let i = from; i < from + ID_BYTES; i++) {
    const byte = bytes[i] as number;
    codes.push(digitOf(byte >> 4), digitOf(byte & 15));
  }
  return String.fromCharCode(...codes);
}

/** The character codes of 0 to 9 begin at 48, and those of a to f at 97. */
const digitOf = (value: number): number => value + (value < 10 ? 48 : 87);

/** An id that is drawn at its first use, because some runtimes have no randomness at module scope (L46). */
export function lazyId(): () => string {
  let id: string | undefined;
  return () => (id ??= newId());
}

/** The record id of an idempotency key. It digests a list, not a concatenation, so that different inputs never collide (L11, L24). */
export function derivedId(namespace: string, verb: string, requester: string, key: string): string {
  return digestOf([namespace, verb, requester, key]);
}
