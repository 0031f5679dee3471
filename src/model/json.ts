/** A value that JSON can express. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** An object of such values, with its own properties only. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}
