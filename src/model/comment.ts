/** A comment on a request. It never changes. */
export interface RequestComment {
  /** The kind of this record: always `'comment'`. */
  readonly kind: 'comment';
  /** `<request id>.<n>`: the comments of a request are numbered 1, 2, 3, ... without a gap. */
  readonly id: string;
  /** The version of this record. Each change increments it. */
  readonly version: number;
  /** The request that the comment is about. */
  readonly requestId: string;
  /** The subject of that request. */
  readonly subject: string;
  /** The author: the subject, the requester or a reviewer. */
  readonly by: string;
  /** The comment, in the author's words. */
  readonly text: string;
  /** When it was recorded. Epoch milliseconds. */
  readonly at: number;
  /** Derived from the idempotency key. `undefined`: the author gave none. */
  readonly keyId: string | undefined;
}
