import type { EndIn, GRANT_ENDS } from './ends.js';

/** The end of a grant. `at` is the instant at which access ended, never after `expiresAt`. */
export type GrantEnd = EndIn<typeof GRANT_ENDS>;

/** Access of a subject to one scope for the half-open window `[startsAt, expiresAt)`. */
export interface Grant {
  /** The kind of this record: always `'grant'`. */
  readonly kind: 'grant';
  /** `<requestId>.<n>`: n is the position of the scope in what was requested, from 1. A narrowed request has gaps. */
  readonly id: string;
  /** The grant's version. Each change increments it. */
  readonly version: number;
  /** The request whose decision issued the grant. */
  readonly requestId: string;
  /** The identity that holds the access. */
  readonly subject: string;
  /** The scope that the grant gives access to. */
  readonly scope: string;
  /** When the request was decided. Epoch milliseconds. */
  readonly issuedAt: number;
  /** The first instant at which the grant may allow. Epoch milliseconds. */
  readonly startsAt: number;
  /** The first instant at which the grant no longer allows. Never changes. Epoch milliseconds. */
  readonly expiresAt: number;
  /** The start of the first grant of its extension chain. For a grant that extends none: its own start. Epoch milliseconds. */
  readonly firstStartsAt: number;
  /** The id of the grant that this one extends. */
  readonly extends: string | undefined;
  /** The grants that extend this one. */
  readonly successors: readonly Successor[];
  /** Whether this grant, or the first grant of its extension chain, is break-glass access. */
  readonly breakGlass: boolean;
  /** Whether the engine asks the approver again at the start. If so, the grant allows nothing until its activation is recorded. */
  readonly asksAtStart: boolean;
  /** When the activation was recorded. A grant that starts at its decision: the start. Epoch milliseconds. */
  readonly activatedAt: number | undefined;
  /** When the warnings of the coming expiry are due, in order. Empty: never. Epoch milliseconds. */
  readonly warnAt: readonly number[];
  /** When the warnings of `warnAt` were recorded, in the same order. A late sweep records several at once. Epoch milliseconds. */
  readonly warnedAt: readonly number[];
  /** The idle time after which the unused grant ends. Milliseconds. */
  readonly idleTtlMs: number | undefined;
  /** The number of uses that the grant has in all. */
  readonly maxUses: number | undefined;
  /** `undefined` until an end is recorded. A grant also ends by time while no end is recorded. */
  readonly end: GrantEnd | undefined;
}

/** A grant that extends another. */
export interface Successor {
  /** The id of the grant that extends it. */
  readonly grantId: string;
  /** When it was issued. Epoch milliseconds. */
  readonly at: number;
}
