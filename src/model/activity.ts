/** The recorded use of a grant by checks (option `recordUse`). Written at intervals: `count` is a lower bound. */
export interface Activity {
  /** The kind of this record: always `'activity'`. */
  readonly kind: 'activity';
  /** The id of the grant. */
  readonly id: string;
  /** The version of this record. Each change increments it. */
  readonly version: number;
  /** The subject that holds the grant. */
  readonly subject: string;
  /** The scope of the grant. */
  readonly scope: string;
  /** The earliest recorded check that the grant allowed. Epoch milliseconds. */
  readonly firstUsedAt: number;
  /** The latest recorded check that the grant allowed: never after the grant's end. Epoch milliseconds. */
  readonly lastUsedAt: number;
  /** The number of recorded checks that the grant allowed, at least 1. The grant may have allowed more. */
  readonly count: number;
}
