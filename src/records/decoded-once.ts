import { DECODED_GRANT } from '../core/shared.js';
import type { GrantWindow, Row } from '../core/store-port.js';
import { isObject } from './fields.js';
import type { Grant } from '../model/grant.js';

type Decode = (row: Row) => Grant;

/** A row that keeps its decoded grant. Only for immutable rows: such a row always decodes to the same grant. */
export class DecodedOnce {
  /** A private field stays writable on a frozen row. No other code can read it or copy it to another row. */
  #grant: Grant | undefined;

  /** Decodes a row, or returns the kept grant. */
  static grantOf(row: Row, decode: Decode): Grant {
    if (!isObject(row)) return decode(row);
    return #grant in row ? (row.#grant ??= decode(row)) : grantOfOtherCopy(row, decode);
  }

  /** For a checker, which is a file of its own: the class of its copy is not the class of the store's rows. */
  [DECODED_GRANT](decode: Decode): Grant {
    return DecodedOnce.grantOf(this as unknown as Row, decode);
  }
}

function grantOfOtherCopy(row: Row & { readonly [DECODED_GRANT]?: unknown }, decode: Decode): Grant {
  let read: unknown;
  try {
    read = row[DECODED_GRANT];
  } catch {
    // Of a proxy. `decode` reports it.
  }
  const isOther = typeof read === 'function' && read !== DecodedOnce.prototype[DECODED_GRANT];
  return isOther ? (read as DecodedOnce[typeof DECODED_GRANT]).call(row as unknown as DecodedOnce, decode) : decode(row);
}

/** A window that carries the decoded grant, so that a decision need not read the row. */
export interface WindowWithGrant extends GrantWindow {
  readonly grant: Grant | undefined;
  /** The `windowOf` that gave the window. It found the grant by the names of the check. A store that passes the window on did not. */
  readonly giver: unknown;
}
