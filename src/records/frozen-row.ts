import type { JsonObject, JsonValue } from '../core/json.js';
import type { Row } from '../core/store-port.js';
import { DecodedOnce } from './decoded-once.js';
import type { SharedStrings } from './shared-strings.js';

/**
 * A row that nobody can change any more: a copy, frozen through and through, for a store that hands out what it keeps.
 *
 * It remembers the grant that it was decoded to, for what can't change decodes to the same for ever: so a check pays for
 * the strict codec once a row, not once a check. What is malformed is never remembered, and told each time.
 */
export class FrozenRow extends DecodedOnce implements Row {
  readonly kind: string;
  readonly id: string;
  readonly version: number;
  readonly subject: string | undefined;
  readonly scope: string | undefined;
  readonly open: boolean;
  readonly createdAt: number;
  readonly from: number | undefined;
  readonly until: number | undefined;
  readonly dueAt: number | undefined;
  readonly sortAt: number | undefined;
  readonly body: JsonObject;
  /** @param strings where subjects and scopes, which many rows have in common, are shared */
  constructor(row: Row, strings?: SharedStrings) {
    super();
    this.kind = row.kind;
    this.id = row.id;
    this.version = row.version;
    this.subject = shared(row.subject, strings);
    this.scope = shared(row.scope, strings);
    this.open = row.open;
    this.createdAt = row.createdAt;
    // Most grants start as they are issued, and are due at their end. The same number twice would be two of them in memory,
    // as compiled code makes of `this.until`.
    this.from = row.from === row.createdAt ? Reflect.get(this, 'createdAt') : row.from;
    this.until = row.until;
    this.dueAt = row.dueAt === row.until ? Reflect.get(this, 'until') : row.dueAt;
    this.sortAt = row.sortAt === row.until ? Reflect.get(this, 'until') : row.sortAt;
    this.body = frozenCopy(row.body, row.id);
    Object.freeze(this);
  }
}

const shared = (text: string | undefined, strings: SharedStrings | undefined): string | undefined =>
  typeof text !== 'string' || strings === undefined ? text : strings.share(text);

/**
 * A copy of JSON that shares nothing with what it was taken from, frozen through and through. By its text, for what is
 * read from that has no room for more fields.
 *
 * @param within the text that a string may be the beginning of, and is then kept as a part of
 */
export function frozenCopy<T extends JsonValue>(value: T, within = ''): T {
  return JSON.parse(JSON.stringify(value), (_, item: JsonValue) =>
    typeof item === 'string' && within.startsWith(item) ? within.slice(0, item.length) : Object.freeze(item),
  ) as T;
}
