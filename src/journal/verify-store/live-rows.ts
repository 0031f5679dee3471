import type { GrantStore, Row } from '../../core/store-port.js';
import { isLockRow, isObject, LOCK_ROW } from '../../records/index.js';
import { nextTurn } from '../../core/turns.js';
import { askLive } from '../store-reads.js';

/** A query of `live`, as a check makes it. Without a scope: as `status` and break-glass make it. */
export interface LivePlace {
  readonly subject: string;
  readonly scope: string | undefined;
}

/** The answers of `live` in a round, by query. */
export type LiveRows = Map<string, readonly unknown[]>;

/** How many calls of `live` are open at a time. */
const AT_ONCE = 32;
/** An instant before every end, so that `live` returns each open row. */
const BEFORE_ALL = 0;

export const isLiveKind = (kind: unknown): kind is 'grant' | 'usage' => kind === 'grant' || kind === 'usage';

/** Whether `live` may return rows of this kind: those of a subject, and the row of locks with every answer. */
export const isInLive = (kind: unknown): boolean => isLiveKind(kind) || kind === LOCK_ROW.kind;

/** Whether `live` must return the row for its queries. */
export const belongsInLive = (row: Row | undefined): row is Row =>
  isObject(row) && row.open && (isLockRow(row) || (isLiveKind(row.kind) && row.subject !== undefined && (row.until ?? 0) > BEFORE_ALL));

/** The queries of `live` that must return the row: of its subject, and of its subject and scope. */
export function placesOf({ subject, scope }: Pick<Row, 'subject' | 'scope'>): readonly LivePlace[] {
  if (typeof subject !== 'string') return [];
  return [{ subject, scope: undefined }, ...(typeof scope === 'string' ? [{ subject, scope }] : [])];
}

export const keyOf = ({ subject, scope }: LivePlace): string => JSON.stringify([subject, scope ?? null]);

/** Calls `live` for each query without an answer yet. @throws StoreError */
export async function readLive(store: Pick<GrantStore, 'live'>, places: Iterable<LivePlace>, read: LiveRows): Promise<void> {
  const missing = new Map<string, LivePlace>();
  for (const place of places) if (!read.has(keyOf(place))) missing.set(keyOf(place), place);
  const left = [...missing];
  while (left.length > 0) {
    await nextTurn();
    const asked = left.splice(-AT_ONCE);
    const answers = await Promise.all(asked.map(async ([, place]) => askLive(store, { ...place, at: BEFORE_ALL })));
    asked.forEach(([key], i) => read.set(key, answers[i] as readonly unknown[]));
  }
}

/** The row of a key in an answer. */
export const rowIn = (answer: readonly unknown[] | undefined, kind: string, id: string): Row | undefined =>
  answer?.find((row): row is Row => isObject(row) && (row as Row).kind === kind && (row as Row).id === id);
