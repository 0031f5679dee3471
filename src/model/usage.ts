/** The recorded use of a grant with an idle end or a number of uses. Each such grant has one, with the grant's id. */
export interface Usage {
  /** The kind of this record: always `'usage'`. */
  readonly kind: 'usage';
  readonly id: string;
  readonly version: number;
  readonly subject: string;
  readonly scope: string;
  /** The grant's start. Epoch milliseconds. */
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly idleTtlMs: number | undefined;
  /** The last recorded use. The engine does not record every touch, see `CheckOptions.touch`. Epoch milliseconds. */
  readonly usedAt: number | undefined;
  /** The number of uses taken. */
  readonly uses: number;
  /** When the grant ended. `undefined` until that end is recorded. Epoch milliseconds. */
  readonly endedAt: number | undefined;
}
