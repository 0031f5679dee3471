/** The recorded use of a grant with an idle end or a number of uses. Each such grant has one, with the grant's id. */
export interface Usage {
  /** The kind of this record: always `'usage'`. */
  readonly kind: 'usage';
  /** The id of the grant. */
  readonly id: string;
  /** The version of this record. Each change increments it. */
  readonly version: number;
  /** The subject of the grant. */
  readonly subject: string;
  /** The scope of the grant. */
  readonly scope: string;
  /** The grant's start. Epoch milliseconds. */
  readonly startsAt: number;
  /** The grant's expiry. Epoch milliseconds. */
  readonly expiresAt: number;
  /** The idle time after which the grant ends. Milliseconds. `undefined`: it has no idle end. */
  readonly idleTtlMs: number | undefined;
  /** The last recorded use. The engine does not record every touch, see `CheckOptions.touch`. Epoch milliseconds. */
  readonly usedAt: number | undefined;
  /** The number of uses taken. */
  readonly uses: number;
  /** When the grant ended. `undefined` until that end is recorded. Epoch milliseconds. */
  readonly endedAt: number | undefined;
}
