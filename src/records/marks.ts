import type { JsonObject } from '../model/json.js';
import type { StoredRecord } from '../model/record.js';
import type { Row } from '../core/store-port.js';
import { isObject, type Field, type RecordTable, type Silent, type Table } from './fields.js';
import { corrupt, MORE, type Kind } from './kind.js';

/*
 * The marks of what layout 1 lacks: `docs/guides/upgrades.md` says what an upgrade does with it. Each names the layout that introduced it,
 * and `test/records/stored-shape.test.ts` requires one. `NEW` of `layout.ts` has the kinds and the types of entries.
 */

/**
 * A binding field, which a process of an earlier layout cannot read: no process writes it before the contract. It is optional, because
 * earlier processes wrote rows without it.
 */
export const since = <T>(layout: number, field: Field<T>): Field<T> => ({ ...field, since: layout });

/**
 * A field that changes no answer and no rule, so that a process of an earlier layout may keep it unread. Only a record has such a field:
 * processes write the objects and lists in it as a whole. Its kind is {@link withSilent}.
 */
export const silent = <T>(layout: number, field: Field<T>): Silent<T | undefined> => ({
  ...{ is: isObject, as: MORE, optional: true, since: layout },
  silent: field,
});

/** Values of `oneOf`, or variants of a union by their names, which a process of an earlier layout cannot read. */
export function newValues<T>(layouts: Readonly<Record<string, number>>, field: Field<T>): Field<T> {
  if (field.variants === undefined) return { ...field, newValues: layouts };
  return { ...field, variants: field.variants.map((variant) => ({ ...variant, fields: named(layouts, variant.fields) })) };
}

/** Marks the name of a variant, which is the one value of its first field. */
function named(layouts: Readonly<Record<string, number>>, fields: Table = {}): Table {
  const [[key, field] = []] = Object.entries(fields);
  const name = String(field?.values?.[0]);
  const layout = layouts[name];
  if (key === undefined || field === undefined || layout === undefined) return fields;
  return { ...fields, [key]: { ...field, newValues: { [name]: layout } } };
}

/**
 * A kind with silent fields, for which this reads and writes `more` of the body. Those that this version does not know stay there: see
 * `withMore` of `layout.ts`. A kind with a decoder of its own, such as the grant, needs it there too.
 */
export function withSilent<T extends StoredRecord>(kind: Kind<T>): Kind<T> {
  const { make, decode, stored = (record: T): object => record } = kind;
  const all = Object.entries(kind.fields as RecordTable).flatMap(([name, field]) =>
    field.silent === undefined ? [] : [[name, field.silent] as const],
  );
  return {
    ...kind,
    decode(row: Row): T {
      // Reads the body once, as `decode` does.
      const read = isObject(row) ? { ...row } : row;
      const record = decode(read);
      const more = read.body[MORE] as JsonObject | undefined;
      const known = all.flatMap(([name, { is }]) => {
        const value = more !== undefined && Object.hasOwn(more, name) ? more[name] : undefined;
        if (value !== undefined && !is(value)) throw corrupt(row);
        return value === undefined ? [] : [[name, value] as const];
      });
      return known.length === 0 ? record : make({ ...record, ...Object.fromEntries(known) });
    },
    stored(record: T): object {
      const known = all
        .map(([name]) => [name, (record as unknown as JsonObject)[name]] as const)
        .filter(([, value]) => value !== undefined);
      const more = known.length === 0 ? undefined : Object.fromEntries(known);
      return { ...stored(record), ...Object.fromEntries(all.map(([name]) => [name, more])) };
    },
  };
}
