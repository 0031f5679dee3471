import { CorruptError } from '../core/errors.js';
import type { JsonValue } from '../model/json.js';
import type { Expectation, Row } from '../core/store-port.js';
import type { Bookmarks, Refusals } from '../model/bookmark.js';
import { anyText, instant, isObject, list, optional, struct, text, whole, type Exactly, type Fields, type Given } from './fields.js';
import { isInstant } from '../core/instant.js';

/** The fields of the body of each bookmark. The functions below and their callers read the fields one by one, not by these tables. */
export const BOOKMARKS = /* @__PURE__ */ ((): { readonly [Kind in keyof Bookmarks]: Fields<Bookmarks[Kind]> } => ({
  cursor: {
    seq: whole,
    leasedUntil: optional(instant),
    owner: optional(text),
    refused: optional(struct<Refusals>()({ seq: instant, id: anyText, type: anyText, count: instant, retryAt: instant })),
    sinks: optional(list(text)),
  },
  horizon: { before: instant, retainedAt: optional(instant) },
  lease: { leasedUntil: instant, owner: text },
  engine: { approver: text, matcher: text, seenAt: instant },
  accepted: { accepted: list(struct<{ readonly id: string; readonly at: number }>()({ id: text, at: instant })) },
}))();

/**
 * A row of the engine's own data: a follower's cursor, the purge horizon, a lease, the configuration of a running engine, or the
 * accepted rollbacks. It cannot be rebuilt from entries.
 */
export function bookmark<Kind extends keyof Bookmarks, Body extends Given<Bookmarks[Kind]>>(
  kind: Kind,
  id: string,
  version: number,
  body: Exactly<Bookmarks[Kind], Body>,
): Row {
  const empty = { subject: undefined, scope: undefined, from: undefined, until: undefined, dueAt: undefined, sortAt: undefined };
  return { kind, id, version, open: true, createdAt: 0, ...empty, body };
}

/** Reads a number of such a row. Without a row: 0. @throws CorruptError */
export function readBookmark(row: Row | undefined, field: string): number {
  if (row === undefined) return 0;
  const value = isObject(row) && isObject(row.body) ? row.body[field] : undefined;
  if (!isInstant(value)) throw new CorruptError('bookmark', field, 'is not a row that this version writes');
  return value;
}

/**
 * The key of the row of the purge horizon. A purge writes it when it moves the horizon or trims the journal. A follower writes it
 * when it creates its cursor. So the two conflict, and no purge trims entries that a new follower still needs (L33).
 */
export const HORIZON = { kind: 'horizon', id: 'horizon' } as const;

/**
 * Rewrites the horizon's row with a new version. A change that includes it conflicts with every concurrent purge.
 *
 * @param retainedAt when the last automatic purge began; default: as in the row. Epoch milliseconds
 */
export function touchHorizon(
  row: Row | undefined,
  before: number,
  retainedAt = readRetainedAt(row),
): { readonly expect: Expectation; readonly put: Row } {
  const version = row?.version ?? 0;
  return { expect: { ...HORIZON, version }, put: bookmark(HORIZON.kind, HORIZON.id, version + 1, horizonBody(before, retainedAt)) };
}

/** When the last automatic purge of this namespace began. Epoch milliseconds; 0: there was none. @throws CorruptError */
export const readRetainedAt = (row: Row | undefined): number =>
  isObject(row) && isObject(row.body) && row.body['retainedAt'] === undefined ? 0 : readBookmark(row, 'retainedAt');

/** The body of the horizon's row. */
export const horizonBody = (before: number, retainedAt: number): Given<Bookmarks['horizon']> =>
  retainedAt === 0 ? { before } : { before, retainedAt };

/** A hold: a cursor row at 0 in place of the cursors that some sinks do not have yet. It holds back every purge as they would. */
export const hold = (changeId: string, sinks: readonly string[]): Row => bookmark('cursor', `hold:${changeId}`, 1, { seq: 0, sinks });

/** The sinks of a hold. `undefined`: the row is the cursor of a single sink. */
export function heldSinks(row: Row): readonly JsonValue[] | undefined {
  const sinks = isObject(row) && isObject(row.body) ? row.body['sinks'] : undefined;
  return Array.isArray(sinks) ? (sinks as readonly JsonValue[]) : undefined;
}

/** The holds that are no longer needed: each of their sinks has its own cursor. */
export function spentHolds(cursors: readonly Row[]): readonly Row[] {
  const ids = new Set<unknown>(cursors.map((row) => (isObject(row) ? row.id : undefined)));
  return cursors.filter((row) => heldSinks(row)?.every((sink) => ids.has(sink)) === true);
}
