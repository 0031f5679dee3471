import type { GrantWithStatus } from '../../../../index.js';
import type { StillRow } from '../../parts/still.js';

/** By what the address groups the list. */
export const GROUPINGS = ['end', 'scope', 'person'] as const;
export type Grouping = (typeof GROUPINGS)[number];

export const groupingIn = (query: URLSearchParams): Grouping => GROUPINGS.find((name) => name === query.get('group')) ?? 'end';

/** Rows under one heading. */
export interface Group {
  /** The scope, or the id of the person. `''`: all rows are one group. */
  readonly key: string;
  readonly rows: readonly StillRow<GrantWithStatus>[];
}

/**
 * The groups of a list, each in its order. No time moves a row from one to another.
 *
 * @param nameOf what a person is sorted by
 */
export function groupsOf(rows: readonly StillRow<GrantWithStatus>[], by: Grouping, nameOf: (id: string) => string): readonly Group[] {
  const keyOf = ({ item: { scope, subject } }: StillRow<GrantWithStatus>) => (by === 'end' ? '' : by === 'scope' ? scope : subject);
  const groups = new Map<string, StillRow<GrantWithStatus>[]>();
  for (const row of rows) {
    const known = groups.get(keyOf(row));
    if (known === undefined) groups.set(keyOf(row), [row]);
    else known.push(row);
  }
  const sortKey = by === 'person' ? nameOf : (key: string) => key;
  return [...groups]
    .map(([key, grouped]) => ({ key, rows: grouped }))
    .sort((a, b) => sortKey(a.key).localeCompare(sortKey(b.key)) || (a.key < b.key ? -1 : 1));
}
