import type { Page } from './ports.js';
import type { Row, RowKey } from './row.js';
import type { Anchor, AuditEntry } from '../model/entry.js';

/* What the reads of a store are asked, and what they answer. */

/** See {@link GrantStore.live}. */
export interface LiveQuery {
  /** The subject of the rows. Compared byte for byte. */
  readonly subject: string;
  /** The scope of the rows. Compared byte for byte. Default: any. */
  readonly scope?: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
}

/**
 * The orders of {@link GrantStore.find}. `oldest` and `newest`: by (`createdAt`, `id`), ascending or descending. `due`: by
 * (`sortAt`, `id`), ascending, and only open rows that have a `sortAt`. Ids compare by UTF-16 code unit.
 */
export type RowOrder = 'oldest' | 'newest' | 'due';

/** See {@link GrantStore.find}. */
export interface FindQuery {
  /** The kind of the rows to find. */
  readonly kind: string;
  /** The subject of the rows. Default: any. */
  readonly subject?: string | undefined;
  /** The scope of the rows. Default: any. */
  readonly scope?: string | undefined;
  /** Whether the rows are open. Default: both. */
  readonly open?: boolean | undefined;
  /** Half-open `[from, until)`, epoch milliseconds. A row whose own window is empty never matches. */
  readonly during?: { readonly from: number; readonly until: number } | undefined;
  /** Default: `'oldest'`. */
  readonly order?: RowOrder | undefined;
  /** The `next` of the page before, or the place of a row in this order: the core's function `placeOf` returns it. */
  readonly after?: string | undefined;
  /** The greatest number of rows of the page. */
  readonly limit: number;
}

/** See {@link GrantStore.due}. */
export interface DueQuery {
  /** Epoch milliseconds. */
  readonly at: number;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
  /** The greatest number of rows of the page. */
  readonly limit: number;
}

/** See {@link GrantStore.dueNamespaces}. */
export interface DueNamespacesQuery {
  /** Epoch milliseconds. */
  readonly at: number;
  /** The `next` of the page before, or any other name: the page begins with the first name after it. */
  readonly after?: string | undefined;
  /** At least 1. */
  readonly limit: number;
}

/** The subject of the row with this key. The query also asks for that row itself, among its `keys`. */
export interface SubjectOf {
  /** The key of the row that names the subject. */
  readonly subjectOf: RowKey;
}

/** A key of a row; or `{ subjectOf }`: the row of kind 'subject' whose id is the `subject` of the row with that key. */
export type ContextKey = RowKey | SubjectOf;

/** See {@link GrantStore.context}. */
export interface ContextQuery {
  /** The rows to read. */
  readonly keys: readonly ContextKey[];
  /** As {@link GrantStore.live} without a scope. `at`: epoch milliseconds. */
  readonly live?: { readonly subject: string | SubjectOf; readonly at: number } | undefined;
  /** As the first page of {@link GrantStore.find}: the open rows of the kind and the subject, in the order 'oldest'. `limit`: at least 1. */
  readonly open?: { readonly kind: string; readonly subject: string | SubjectOf; readonly limit: number } | undefined;
}

/** The answer of {@link GrantStore.context}: all parts are of one instant. */
export interface StoreContext {
  /** In the order of the keys, `undefined` for a missing row. For `{ subjectOf }` also if that row is missing or has no subject. */
  readonly rows: readonly (Row | undefined)[];
  /** Empty if the query does not ask, or if the row that names the subject is missing or has no subject. */
  readonly live: readonly Row[];
  /** At most `limit` rows. A caller continues after `next` with `find`. Empty, without `next`, in the cases in which `live` is empty. */
  readonly open: Page<Row>;
}

/** See {@link GrantStore.journal}. */
export interface JournalQuery {
  /** A seq; 0 is before the first entry. */
  readonly after: number;
  /** The greatest number of entries. */
  readonly limit: number;
}

/** The result of {@link GrantStore.journal}. */
export interface JournalSlice {
  /** The entries after `after`, in order, without a gap. */
  readonly entries: readonly AuditEntry[];
  /** The anchor right before the oldest entry kept: seq 0 and 64 zeros until a purge trims the journal. */
  readonly start: Anchor;
  /** The newest entry's anchor; equal to `start` while the journal has no entries. */
  readonly head: Anchor;
}
