/** A use that was taken under an idempotency key. */
export interface Use {
  /** The kind of this record: always `'use'`. */
  readonly kind: 'use';
  /** Derived from the key. */
  readonly id: string;
  readonly version: number;
  readonly subject: string;
  readonly scope: string;
  readonly grantId: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The grant's `expiresAt`. The store keeps this record at least until then. Epoch milliseconds. */
  readonly expiresAt: number;
  readonly usesLeft: number;
}
