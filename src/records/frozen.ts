import type { JsonValue } from '../model/json.js';
import { isObject, type AnyField, type Field } from './fields.js';

/*
 * One literal for each kind makes its records, with all fields in one order, so that all records of a kind share one hidden class.
 * Measured: records that are spread into `Object.freeze` make a check ten times slower.
 *
 * Records are deeply frozen: the engine passes them to approvers and judges them afterwards.
 */

/** The empty list that all records share. */
export const NONE: readonly never[] = /* @__PURE__ */ Object.freeze([]);

export const frozenList = <Item>(list: readonly Item[]): readonly Item[] => (list.length === 0 ? NONE : Object.freeze([...list]));

export function freezeJson<T extends JsonValue | undefined>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freezeJson);
  return value;
}

/** A frozen copy of a value inside a record, with the fields of its table, in their order. Another value stays, for the check. */
export function frozen<T>(field: Field<T>, value: T): T {
  if (!isObject(value)) return value;
  const { list, variants } = field;
  if (list !== undefined) {
    const items = value as readonly unknown[];
    return frozenList(list.fields === undefined ? items : items.map((item) => frozen(list, item))) as T;
  }
  const given = value as Readonly<Record<string, never>>;
  const { fields } = variants === undefined ? field : (variants.find(({ is }) => is(value)) as AnyField);
  if (fields === undefined) return value;
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) copy[name] = frozen(fields[name] as Field<never>, given[name] as never);
  return Object.freeze(copy) as T;
}
