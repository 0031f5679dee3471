/** A use that was taken under an idempotency key. */
export interface Use {
  /** The kind of this record: always `'use'`. */
  readonly kind: 'use';
  /** Derived from the key. */
  readonly id: string;
  /** The version of this record. Each change increments it. */
  readonly version: number;
  /** The subject of the use. */
  readonly subject: string;
  /** The scope that was used. */
  readonly scope: string;
  /** The grant whose use was taken. */
  readonly grantId: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The grant's `expiresAt`. The store keeps this record at least until then. Epoch milliseconds. */
  readonly expiresAt: number;
  /** The number of uses that were left after this one. */
  readonly usesLeft: number;
}
