import type { JsonObject, JsonValue } from '../model/json.js';
import type { Row } from '../core/store-port.js';
import { DecodedOnce } from './decoded-once.js';
import type { SharedStrings } from './shared-strings.js';

/**
 * An immutable copy of a row, deeply frozen, for a store that returns its own rows.
 *
 * It keeps its decoded grant, so a check pays for the strict codec once a row, not once a check. A malformed row keeps nothing
 * and is reported at each check.
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
  /** @param strings shares the subjects and scopes that many rows have in common */
  constructor(row: Row, strings?: SharedStrings) {
    super();
    this.kind = row.kind;
    this.id = row.id;
    this.version = row.version;
    this.subject = shared(row.subject, strings);
    this.scope = shared(row.scope, strings);
    this.open = row.open;
    this.createdAt = row.createdAt;
    // Most grants start when they are issued and are due at their end. Copying such a number, or reading `this.until` in
    // compiled code, allocates it again. `Reflect.get` returns the same heap number.
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
 * A deeply frozen copy of JSON that shares nothing with the original. It goes through the JSON text, because objects parsed
 * from text have no spare room for further fields.
 *
 * @param within a string that is a prefix of this text becomes a slice of it, and takes no memory of its own
 */
export function frozenCopy<T extends JsonValue>(value: T, within = ''): T {
  const copy = JSON.parse(JSON.stringify(value)) as T;
  freezeParsed(copy, within);
  return copy;
}

/** A reviver of `JSON.parse` would take twice as long. */
function freezeParsed(value: JsonValue, within: string): void {
  if (typeof value !== 'object' || value === null) return;
  const fields = value as Record<string, JsonValue>;
  for (const name of Object.keys(fields)) {
    const item = fields[name] as JsonValue;
    if (typeof item !== 'string') freezeParsed(item, within);
    else if (within.startsWith(item)) fields[name] = within.slice(0, item.length);
  }
  Object.freeze(value);
}
