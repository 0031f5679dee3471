/** Links an idempotency key to the request that an ask with this key repeated, instead of creating one. */
export interface Reuse {
  /** The kind of this record: always `'reuse'`. */
  readonly kind: 'reuse';
  /** Derived from the key. */
  readonly id: string;
  /** The version of this record. Each change increments it. */
  readonly version: number;
  /** The subject of the ask. */
  readonly subject: string;
  /** The request that the engine returned. */
  readonly requestId: string;
  /** The digest of the ask. */
  readonly askDigest: string;
}
