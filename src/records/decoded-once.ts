import { BUILD } from '../core/shared.js';
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
    return isObject(row) && #grant in row ? (row.#grant ??= decode(row)) : (keptByOther(row, decode) ?? decode(row));
  }

  /** For a checker, which is a file of its own: the class of its copy is not the class of the store's rows. */
  keptGrant(build: string, decode: Decode): Grant | undefined {
    return build === BUILD && #grant in this ? DecodedOnce.grantOf(this as unknown as Row, decode) : undefined;
  }
}

/** The grant of a row of another copy of this class. No row that was read from JSON has such a method. */
function keptByOther(row: Row, decode: Decode): Grant | undefined {
  try {
    return (row as Partial<DecodedOnce>).keptGrant?.(BUILD, decode);
  } catch {
    // Of no object, of a proxy, or malformed: `decode` reports it.
    return undefined;
  }
}

/** A window that carries the decoded grant, so that a decision need not read the row. */
export interface WindowWithGrant extends GrantWindow {
  readonly grant: Grant | undefined;
  /** The `windowOf` that gave the window. It found the grant by the names of the check. A store that passes the window on did not. */
  readonly giver: unknown;
}
