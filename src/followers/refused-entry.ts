import { isObject, type AuditEntry } from '../records/index.js';
import type { Refusals } from '../model/bookmark.js';
import { isInstant } from '../core/instant.js';
import { isBase } from '../core/tolerance.js';

/** After this many refusals an entry is delivered without its texts (L37). */
export const MAX_REFUSALS = 5;

/**
 * A sink's `write`, or the `send` of `notify`, rejects with this error when its destination refuses one entry because of the
 * entry's content: not when the destination is down or busy, or requires authentication.
 *
 * After five refusals of one entry it is delivered in its withheld form, see {@link isWithheld}. The next entry follows only
 * if the destination takes that form. Any error with a `refusedEntry` counts, so that an adapter needs no import.
 *
 * @remarks Your own sink throws it, and the engine reports it to `onError`. Read the whole entry from the journal, and repair the
 *   destination if it should take the text.
 * @example
 * const send = async (notice: Notice) => {
 *   const { status } = await post(notice.markdown);
 *   if (status === 400 || status === 422) throw new EntryRefusedError(notice.id, `the chat answered ${status}`);
 *   if (status !== 200) throw new Error(`the chat answered ${status}`);
 * };
 */
export class EntryRefusedError extends Error {
  override readonly name = 'EntryRefusedError';
  /**
   * @param refusedEntry the id of the entry; of a notice, its `id`
   * @param options.cause the error of the destination. Default: none
   */
  constructor(
    readonly refusedEntry: string,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(`entry ${refusedEntry} was refused: ${message}`, options);
  }
}

/** The entry of a page that an error names as refused; `undefined`: it names none. */
export function refusedIn(page: readonly AuditEntry[], error: unknown): AuditEntry | undefined {
  let id: unknown;
  try {
    id = (error as { readonly refusedEntry?: unknown }).refusedEntry;
  } catch {
    // The error is null or undefined, or its getter has thrown.
  }
  return page.find((entry) => entry.id === id);
}

/**
 * Whether an entry that a sink receives is in its withheld form. That form has id, seq, type, instant, digest, hashes and the ids
 * of its records, and no text that a caller chose. Its actor is `system:withheld`. Its digest is that of the whole entry, which
 * `readJournal` returns.
 */
export const isWithheld = (entry: AuditEntry): boolean => entry.data['withheld'] === true;

/** Returns the withheld form of an entry, as {@link isWithheld} describes it. */
export function withhold({ v, namespace, id, type, at, requestId, grantId, digest, seq, prevHash, hash }: AuditEntry): AuditEntry {
  return {
    v,
    namespace,
    id,
    type,
    at,
    actor: 'system:withheld',
    requestId,
    grantId,
    data: { withheld: true },
    digest,
    seq,
    prevHash,
    hash,
  };
}

const FIRST_WAIT_MS = 60_000;
const MAX_WAIT_MS = 3_600_000;

/** The refusals after one more of this entry. */
export function countRefusal(before: Refusals | undefined, { seq, id, type }: AuditEntry, now: number): Refusals {
  const count = before?.seq === seq ? before.count + 1 : 1;
  const excess = count - MAX_REFUSALS;
  const retryAt = excess <= 0 ? 0 : now + Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(excess - 1, 30));
  return { seq, id, type, count, retryAt };
}

/** Whether the follower must still wait. A wait that a wrong clock began does not count (L47). */
export const isWaiting = ({ retryAt }: Refusals, now: number): boolean => now < retryAt && isBase(retryAt - MAX_WAIT_MS, now);

/** The name of an entry in messages. */
export const nameOf = ({ id, type, seq }: Pick<Refusals, 'id' | 'type' | 'seq'>): string => `entry ${id} (${type}, seq ${seq})`;

/** Reads the refusals in a cursor's row; a value that this version does not write counts as none. */
export function readRefusals(value: unknown): Refusals | undefined {
  if (!isObject(value)) return undefined;
  const { seq, id, type, count, retryAt } = value as { readonly [Field in keyof Refusals]?: unknown };
  if (![seq, count, retryAt].every(isInstant) || typeof id !== 'string' || typeof type !== 'string') return undefined;
  return { seq: seq as number, id, type, count: count as number, retryAt: retryAt as number };
}
