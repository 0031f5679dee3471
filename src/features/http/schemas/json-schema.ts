import {
  anyText,
  count,
  flag,
  instant,
  isStruct,
  pattern,
  set,
  text,
  whole,
  type AnyField,
  type Check,
  type Field,
  type Table,
} from '../../../records/fields.js';

/*
 * The JSON Schema of an answer, from the tables of its fields. The schema is open: a client that was generated from it must survive a
 * field that a later version adds. The check of a field is closed. Tests apply it to the answers.
 */

export interface AnswerField<T> extends Field<T> {
  /** The name of the schema in the documents. */
  readonly name?: string;
  readonly description?: string;
}

export type AnyAnswer = Omit<AnswerField<unknown>, 'type'>;

export const named = <T>(name: string, field: Field<T>): AnswerField<T> => ({ ...field, name });
export const about = <T>(description: string, field: Field<T>): AnswerField<T> => ({ ...field, description });

/** A text whose values the documents do not list. */
export const words = <T extends string>(): Field<T> => text as unknown as Field<T>;
/** JSON that the documents do not describe. */
export const anything = <T>(): Field<T> => ({ is: isAnything });
const isAnything: Check = () => true;
export const numberOrText: Field<number | string> = { is: (value) => typeof value === 'number' || typeof value === 'string' };
/** One of several forms. */
export const either = <T>(...variants: readonly AnyField[]): Field<T> => ({
  is: (value) => variants.some(({ is }) => is(value)),
  variants,
});
/** An object with further fields, which the documents do not describe. */
export const partOf = <T>({ fields = {} }: Field<T>): Field<T> => ({
  is: (value) =>
    isStruct(Object.entries(fields))(
      Object.fromEntries(Object.keys(fields).map((name) => [name, (value as Record<string, unknown>)[name]])),
    ),
  fields,
});

/** The schema of each value without parts, by its check. */
const LEAVES = new Map<Check, object>([
  [text.is, { type: 'string' }],
  [anyText.is, { type: 'string' }],
  [flag.is, { type: 'boolean' }],
  [set.is, { type: 'boolean' }],
  [count.is, { type: 'integer' }],
  [whole.is, { type: 'integer' }],
  [instant.is, { type: 'integer', description: 'Epoch milliseconds.' }],
  [pattern.is, { type: 'string', description: 'A scope, such as db-prod:write.' }],
  [numberOrText.is, { type: ['number', 'string'] }],
  [isAnything, {}],
]);

/** The schema of a field. @param component keeps the schema of a named field, and returns a reference to it */
export function schemaOf(field: AnyAnswer, component: (name: string, schema: () => object) => object): object {
  const { name, description } = field;
  const own = (): object => ({ ...plainSchema(field, component), ...(description !== undefined && { description }) });
  return name === undefined ? own() : component(name, own);
}

function plainSchema({ is, list, values, fields, variants }: AnyAnswer, component: Parameters<typeof schemaOf>[1]): object {
  const inner = (field: AnyField): object => schemaOf(field, component);
  if (values !== undefined) return { type: typeof values[0], ...(values.length === 1 ? { const: values[0] } : { enum: values }) };
  if (list !== undefined) return { type: 'array', items: inner(list) };
  if (variants !== undefined) return { anyOf: variants.map(inner) };
  return fields === undefined ? (LEAVES.get(is) ?? { type: 'object' }) : objectSchema(fields, inner);
}

function objectSchema(fields: Table, inner: (field: AnyField) => object): object {
  const all = Object.entries(fields);
  const properties = all.map(([name, field]): [string, object] => [
    name,
    { ...inner(field), ...(name.endsWith('Ms') && { description: 'Milliseconds.' }) },
  ]);
  const required = all.filter(([, { optional, sparse }]) => optional !== true || sparse === true).map(([name]) => name);
  return { type: 'object', properties: Object.fromEntries(properties), ...(required.length > 0 && { required }) };
}
