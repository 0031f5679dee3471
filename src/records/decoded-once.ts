import type { GrantWindow, Row } from '../core/store-port.js';
import { isObject } from './fields.js';
import type { Grant } from '../model/grant.js';

/** A row that keeps its decoded grant. Only for immutable rows: such a row always decodes to the same grant. */
export class DecodedOnce {
  /** A private field stays writable on a frozen row. No other code can read it or copy it to another row. */
  #grant: Grant | undefined;

  /** Decodes a row, or returns the kept grant. */
  static grantOf(row: Row, decode: (row: Row) => Grant): Grant {
    return isObject(row) && #grant in row ? (row.#grant ??= decode(row)) : decode(row);
  }
}

/** A window that carries the decoded grant, so that a decision need not read the row. */
export interface WindowWithGrant extends GrantWindow {
  readonly grant: Grant | undefined;
  /** The `windowOf` that gave the window. It found the grant by the names of the check. A store that passes the window on did not. */
  readonly giver: unknown;
}
