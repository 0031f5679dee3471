import type { JsonObject } from '../model/json.js';

/** A record as a store keeps it. The store understands only these columns, and never the content of `body`. */
export interface Row {
  /** 'request', 'grant', 'subject', ... The store gives the kind no meaning, except that `live` selects 'grant', 'usage' and 'lock'. */
  readonly kind: string;
  /** Unique within its kind. At most 300 characters. */
  readonly id: string;
  /** One more with each transition. A change may make two of one record: the row then has version 2 when it is created. */
  readonly version: number;
  /** Compared byte for byte. */
  readonly subject: string | undefined;
  /** Compared byte for byte. */
  readonly scope: string | undefined;
  /** True until the record has a terminal status. */
  readonly open: boolean;
  /**
   * The instant of the entry that made the record, in epoch milliseconds; 0 for kinds that no list orders. It never changes:
   * a store refuses a `put` that changes it. It orders pages and nothing else, because the clocks of two processes differ.
   */
  readonly createdAt: number;
  /** Half-open `[from, until)` in epoch milliseconds: the window in which the record may allow or, after its end, did. */
  readonly from: number | undefined;
  /** The end of the window `[from, until)`: see `from`. */
  readonly until: number | undefined;
  /** The next instant at which time alone changes the record, in epoch milliseconds; `undefined`: never. */
  readonly dueAt: number | undefined;
  /**
   * The instant that orders open rows in lists for people, in epoch milliseconds: the deadline of a review, the end of a grant.
   * `undefined` if the row is closed, and for kinds that no list orders by it.
   */
  readonly sortAt: number | undefined;
  /** JSON: no `undefined`, no dates, nothing that JSON.stringify would change. */
  readonly body: JsonObject;
}

/** The key of a row: an id is unique only within its kind. */
export interface RowKey {
  /** The kind of the row. */
  readonly kind: string;
  /** The id of the row. */
  readonly id: string;
}

/** A record and the version that it must have; 0: the record must not exist. */
export interface Expectation extends RowKey {
  /** The version that the row must have. 0: no row. */
  readonly version: number;
}
