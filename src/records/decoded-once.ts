import type { Row } from '../core/store-port.js';
import { isObject } from './shape.js';
import type { Grant } from './types.js';

/** A row that remembers the grant it was decoded to. For rows that can't change: such a row decodes to the same for ever. */
export class DecodedOnce {
  /** No property: freezing leaves it writable, and no other code can reach it or bring it along in a copy. */
  #grant: Grant | undefined;

  /** The grant of a row: as it is remembered, where the row is one of these. */
  static grantOf(row: Row, decode: (row: Row) => Grant): Grant {
    return isObject(row) && #grant in row ? (row.#grant ??= decode(row)) : decode(row);
  }
}
