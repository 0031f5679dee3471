import type { JsonObject, JsonValue, Row } from '../ports.js';
import { isObject } from './shape.js';
import type { SharedStrings } from './shared-strings.js';
import type { Grant } from './types.js';

/**
 * A row that nobody can change any more: a copy, frozen through and through, for a store that hands out what it keeps.
 *
 * It remembers the grant that it was decoded to, for what can't change decodes to the same for ever: so a check pays for
 * the strict codec once a row, not once a check. What is malformed is never remembered, and told each time.
 */
export class SettledRow implements Row {
  readonly kind: string;
  readonly id: string;
  readonly version: number;
  readonly subject: string | undefined;
  readonly scope: string | undefined;
  readonly open: boolean;
  readonly from: number | undefined;
  readonly until: number | undefined;
  readonly dueAt: number | undefined;
  readonly body: JsonObject;
  /** No property, so freezing leaves it writable, and nobody outside can reach it or bring it along in a copy. */
  #grant: Grant | undefined;

  /** @param strings where subjects and scopes, which many rows have in common, are shared */
  constructor(row: Row, strings?: SharedStrings) {
    this.kind = row.kind;
    this.id = row.id;
    this.version = row.version;
    this.subject = shared(row.subject, strings);
    this.scope = shared(row.scope, strings);
    this.open = row.open;
    this.from = row.from;
    this.until = row.until;
    // Most are due at their end. The same number twice would be two of them in memory.
    this.dueAt = row.dueAt === row.until ? this.until : row.dueAt;
    this.body = frozenCopy(row.body);
    Object.freeze(this);
  }

  /** The grant that a row has been decoded to already. */
  static known(row: object): Grant | undefined {
    return #grant in row ? row.#grant : undefined;
  }

  /** The grant of a row: as it is remembered, where it is one of these. */
  static grantOf(row: Row, decode: (row: Row) => Grant): Grant {
    return isObject(row) && #grant in row ? (row.#grant ??= decode(row)) : decode(row);
  }
}

const shared = (text: string | undefined, strings: SharedStrings | undefined): string | undefined =>
  typeof text !== 'string' || strings === undefined ? text : strings.share(text);

/** A copy of JSON that shares nothing with what it was taken from, frozen through and through. */
export function frozenCopy<T extends JsonValue>(value: T): T {
  return copyOf(value) as T;
}

function copyOf(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze((value as readonly JsonValue[]).map(copyOf));
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf(item)])));
}
