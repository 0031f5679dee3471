import { isInstant } from '../core/instant.js';
import { isPattern } from '../core/scope.js';
import type { Row } from '../core/store-port.js';

/*
 * A record is declared once: a table with a field for each property of its interface. The compiler compares the two at every depth.
 * The strict check and the encoder of rows follow from the table. `features/http` derives the JSON Schema of its answers from it.
 *
 * Tables are made in functions marked as pure, so that a bundle contains no table that it does not use.
 */

/** Tests a value from outside, such as a field of a row. */
export type Check = (value: unknown) => boolean;

/** A field whose value is exactly a `T`. */
export interface Field<T> {
  readonly is: Check;
  /** Whether the value may be `undefined`. */
  readonly optional?: true;
  /** The column that holds the value. Otherwise the body holds it. */
  readonly column?: keyof Row;
  /** The name in the body, if it is not the name of the field. */
  readonly as?: string;
  /** Whether the body omits `false`, an empty list, and a value that follows from other fields. The check refuses `false` and `[]`. */
  readonly sparse?: true;
  /** The layout that introduced it, if it is not layout 1: see `since` of `marks.ts`. */
  readonly since?: number;
  /** The layouts that introduced some of its values: see `newValues` of `marks.ts`. */
  readonly newValues?: Readonly<Record<string, number>>;
  /** Only a {@link Silent} field has it. */
  readonly silent?: undefined;
  /** What the value consists of: the items of a list, the possible values, the fields of an object, or the variants of a union. */
  readonly list?: AnyField;
  readonly values?: readonly unknown[];
  readonly fields?: Table;
  readonly variants?: readonly AnyField[];
  /** Only for the compiler: a field of another type does not fit. */
  readonly type?: (value: T) => T;
}

/** A silent field: see `silent` of `marks.ts`. */
export interface Silent<T> extends Omit<Field<T>, 'silent'> {
  /** The field as it is in `more` of the body. */
  readonly silent: AnyField;
}

/** A field of any type. */
export type AnyField = Omit<Field<unknown>, 'type'>;

export type Table = Readonly<Record<string, AnyField>>;

/** The table of a record, which may have silent fields. */
export type RecordTable = Readonly<Record<string, AnyField | Omit<Silent<unknown>, 'type'>>>;

/** One field for each property, of exactly its type. Only a record has silent fields: processes write the objects and lists in it as a whole. */
export type Fields<T> = { readonly [Name in keyof T]-?: Field<T[Name]> | (T extends StoredRow ? Silent<T[Name]> : never) };

/** What only a record has: objects inside one have no version. */
type StoredRow = Readonly<Record<'kind' | 'id', string> & Record<'version', number>>;

/** The fields from which an object is made. One that may be `undefined` may be missing. */
export type Given<T> = { readonly [Name in keyof T as undefined extends T[Name] ? never : Name]: T[Name] } & {
  readonly [Name in keyof T as undefined extends T[Name] ? Name : never]?: T[Name];
};

/** Refuses a field that the type lacks. */
export type Exactly<T, Given> = Given & Readonly<Record<Exclude<keyof Given, keyof T>, never>>;

/** The fields of the variant `V` of a union, apart from the one that names the variant. */
type Variant<T, Key extends keyof T, V> = Omit<Extract<T, Readonly<Record<Key, V>>>, Key>;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isString: Check = (value) => typeof value === 'string';
export const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) > 0;
export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** A text that is not empty, such as an id. */
export const text: Field<string> = { is: isText };
export const anyText: Field<string> = { is: isString };
export const flag: Field<boolean> = { is: (value) => typeof value === 'boolean' };
/** `true`: a body omits `false`. */
export const set: Field<boolean> = { is: (value) => value === true };
export const count: Field<number> = { is: isCount };
export const whole: Field<number> = { is: (value) => value === 0 || isCount(value) };
export const instant: Field<number> = { is: isInstant };
export const pattern: Field<string> = { is: isPattern };

export const optional = <T>(field: Field<T>): Field<T | undefined> => ({ ...field, optional: true }) as Field<T | undefined>;
export const column = <T>(name: keyof Row, field: Field<T>): Field<T> => ({ ...field, column: name });
export const sparse = <T>(field: Field<T>, as?: string): Field<T> => ({ ...field, optional: true, sparse: true, as }) as Field<T>;

/** The first fields of every kind. */
export const headOf = <Kind extends string>(kind: Kind) => ({
  kind: column('kind', oneOf(kind)),
  id: column('id', text),
  version: column('version', count),
});
export const subject: Field<string> = { is: isText, column: 'subject' };
export const scope: Field<string> = { is: isPattern, column: 'scope' };

/** A field whose value also keeps a rule. */
export const where = <T>(field: Field<T>, rule: (value: T) => boolean): Field<T> => ({
  ...field,
  is: (value) => field.is(value) && rule(value as T),
});

export const list = <T>(item: Field<T>, min = 0): Field<readonly T[]> => ({
  is: (value) => Array.isArray(value) && value.length >= min && value.every(item.is),
  list: item,
});

export const oneOf = <const T extends readonly unknown[]>(...values: T): Field<T[number]> => ({
  is: (value) => values.includes(value),
  values,
});

/** The fields of an object of the type `T`. The check accepts no others. */
export const struct =
  <T>() =>
  <Given extends Fields<T>>(given: Exactly<T, Given>): Field<T> => {
    const fields = given as unknown as Table;
    return { is: isStruct(Object.entries(fields)), fields };
  };

/** The variants of a union, each with its further fields. `key` is the field that names the variant. */
export const variants =
  <T>() =>
  <Key extends keyof T>(key: Key) =>
  <Given extends { readonly [V in T[Key] & string]: Fields<Variant<T, Key, V>> }>(given: {
    readonly [V in keyof Given]: V extends T[Key] ? Exactly<Variant<T, Key, V>, Given[V]> : never;
  }): Field<T> => {
    const all = Object.entries<object>(given).map(([name, fields]) => struct<never>()({ [key]: oneOf(name), ...fields } as never));
    return { is: (value) => all.some(({ is }) => is(value)), variants: all };
  };

/** Accepts an object with no other fields than these, each of which passes its check or may be missing. */
export function isStruct(fields: readonly (readonly [name: string, field: Pick<AnyField, 'is' | 'optional'>])[]): Check {
  const names = new Map(fields);
  // Objects of one shape: a check reads them for each field of each row.
  const checks = fields.map(([name, { is, optional = false }]) => ({ name, is, optional }));
  return (value) =>
    isObject(value) &&
    Object.keys(value).every((name) => names.has(name)) &&
    checks.every(({ name, is, optional }) => {
      const given = (value as Record<string, unknown>)[name];
      return given === undefined ? optional : is(given);
    });
}
