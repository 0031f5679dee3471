/*
 * A list that never moves under its reader. New rows wait until the reader asks for them, rows that are over stay in their places, and only
 * the reader's own press brings the list up to date.
 */

/** What a row shows, by the id of its request. */
interface Item {
  readonly request: { readonly id: string };
}

/** A row in its place. */
export interface ListedRow<T> {
  readonly item: T;
  /** Whether the last answer no longer had it: it was decided, has expired, or is now for other reviewers. */
  readonly isGone: boolean;
}

/** The rows that are shown, and those that wait behind the line "n new". */
export interface Listing<T> {
  readonly rows: readonly ListedRow<T>[];
  readonly waiting: readonly T[];
}

/** The list as the API has ordered it: at the first read, and when the reader asks for what is new. */
export const listed = <T extends Item>(items: readonly T[]): Listing<T> => ({
  rows: items.map((item) => ({ item, isGone: false })),
  waiting: [],
});

/**
 * The list after another read: each row keeps its place and has its newest state.
 *
 * @param isWhole whether the read reached the end of the list. If not, a missing row may be on a later page
 */
export function updated<T extends Item>({ rows }: Listing<T>, items: readonly T[], isWhole = true): Listing<T> {
  const fresh = new Map(items.map((item) => [item.request.id, item]));
  const shown = new Set(rows.map(({ item }) => item.request.id));
  return {
    rows: rows.map((row) => {
      const item = fresh.get(row.item.request.id);
      return item === undefined ? { ...row, isGone: row.isGone || isWhole } : { item, isGone: false };
    }),
    waiting: items.filter(({ request }) => !shown.has(request.id)),
  };
}

/**
 * The row that gets the focus when rows disappear: the one with focus, if it stays; else the next one that stays, else the one before.
 * `undefined`: no row is left.
 */
export function focusAfter(before: readonly string[], left: ReadonlySet<string>, focused: string): string | undefined {
  const place = before.indexOf(focused);
  return before.slice(Math.max(place, 0)).find((id) => left.has(id)) ?? before.slice(0, Math.max(place, 0)).findLast((id) => left.has(id));
}
