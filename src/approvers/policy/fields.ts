import type { AskProblem } from '../../core/ask-problem.js';
import { shown } from '../../core/ask-problems.js';
import { assertBoolean, invalid, isBlank, readBoundedList, readCount, readOptions } from '../../core/parse.js';
import type { AccessRequest } from '../../records/index.js';
import { readName } from './names.js';
import { matchesTicket, readForm } from './ticket.js';

/** A field of a request's metadata that a rule requires. */
export interface MetadataField {
  /** The type of the value. Default: `'text'`. */
  readonly type?: 'text' | 'number' | 'boolean' | undefined;
  /** Whether the field may be absent. Default: false. */
  readonly optional?: boolean | undefined;
  /** The allowed values, for a text or a number: 1 to 100. */
  readonly oneOf?: readonly (string | number)[] | undefined;
  /** The form of a text, as for a ticket: `CHG-####` or `CHG-*`. */
  readonly form?: string | undefined;
  /** The least and the greatest number of characters (UTF-16 units) of a text. */
  readonly minLength?: number | undefined;
  /** The greatest number of characters (UTF-16 units) of a text. */
  readonly maxLength?: number | undefined;
}

/** The most fields that a rule may require. */
export const MAX_FIELDS = 50;
/** The most values that a field may allow. */
export const MAX_VALUES = 100;
/** The longest text that a field may require. */
export const MAX_LENGTH = 4_096;

export const TYPES = ['text', 'number', 'boolean'] as const;

/** A field of the metadata that a rule requires, with its name. */
export interface Field extends Pick<MetadataField, 'oneOf' | 'form' | 'minLength' | 'maxLength'> {
  readonly name: string;
  readonly type: (typeof TYPES)[number];
  readonly optional: boolean;
}

/** @throws InvalidArgumentError */
export function readFields(argument: string, value: unknown): readonly Field[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(argument, 'an object of fields, for example { environment: { oneOf: ["prod", "staging"] } }', value);
  const names = Object.keys(value);
  if (names.length > MAX_FIELDS) throw invalid(argument, `an object of at most ${MAX_FIELDS} fields`, names.length);
  return Object.freeze(names.map((name) => readOne(`${argument}.${name}`, readName(`${argument}.${name}`, name), value[name as never])));
}

function readOne(argument: string, name: string, value: unknown): Field {
  const known = ['type', 'optional', 'oneOf', 'form', 'minLength', 'maxLength'] as const;
  const given = readOptions<keyof MetadataField>(argument, value, known);
  const { type = 'text', optional = false, oneOf, form, minLength, maxLength } = given;
  if (!TYPES.includes(type as Field['type'])) throw invalid(`${argument}.type`, TYPES.join(', '), type);
  assertBoolean(`${argument}.optional`, optional);
  for (const [option, set] of Object.entries({ form, minLength, maxLength }))
    if (set !== undefined && type !== 'text') throw invalid(`${argument}.${option}`, 'omitted unless the type is text', set);
  if (oneOf !== undefined && type === 'boolean') throw invalid(`${argument}.oneOf`, 'omitted for a boolean', oneOf);
  const read = {
    name,
    type: type as Field['type'],
    optional,
    oneOf: oneOf === undefined ? undefined : readValues(`${argument}.oneOf`, type as 'text' | 'number', oneOf),
    form: form === undefined ? undefined : readForm(`${argument}.form`, form),
    minLength: minLength === undefined ? undefined : readCount(`${argument}.minLength`, minLength, 1, MAX_LENGTH),
    maxLength: maxLength === undefined ? undefined : readCount(`${argument}.maxLength`, maxLength, 1, MAX_LENGTH),
  };
  if ((read.minLength ?? 0) > (read.maxLength ?? Infinity))
    throw invalid(`${argument}.minLength`, 'at most maxLength, or no text is allowed', minLength);
  return Object.freeze(read);
}

function readValues(argument: string, type: 'text' | 'number', value: unknown): readonly (string | number)[] {
  const values = readBoundedList(argument, value, 1, MAX_VALUES).map((item, i) => {
    const isOfType = type === 'text' ? typeof item === 'string' && !isBlank(item) && item.length <= MAX_LENGTH : Number.isFinite(item);
    if (!isOfType) throw invalid(`${argument}[${i}]`, type === 'text' ? 'a text that is not blank' : 'a finite number', item);
    return item as string | number;
  });
  const twice = values.findIndex((item, i) => values.indexOf(item) !== i);
  if (twice !== -1) throw invalid(`${argument}[${twice}]`, 'listed only once', values[twice]);
  return Object.freeze(values);
}

/** What is wrong with a field: in words, and as a problem without its rule. */
export interface WrongField {
  readonly what: string;
  readonly problem: Omit<AskProblem, 'rule'>;
}

/** What is wrong with the metadata of a request. Texts and lengths are compared in one pass (L22). */
export const wrongFields = (fields: readonly Field[], { metadata }: AccessRequest): readonly WrongField[] =>
  fields.flatMap((field) => {
    const value = metadata !== undefined && Object.hasOwn(metadata, field.name) ? metadata[field.name] : undefined;
    return wrong(field, value) ?? [];
  });

function wrong({ name, type, optional, oneOf, form, minLength, maxLength }: Field, value: unknown): WrongField | undefined {
  const field = `metadata.${name}`;
  const isMissing = value === undefined || value === null || (typeof value === 'string' && isBlank(value));
  if (isMissing) return optional ? undefined : { what: `give ${field}`, problem: { field, code: 'missing' } };
  const got = typeof value === 'string' ? shown(value) : typeof value === 'number' ? value : undefined;
  if (typeof value !== (type === 'text' ? 'string' : type))
    return { what: `give ${field} as a ${type}`, problem: { field, code: 'malformed', limit: type, got } };
  if (oneOf !== undefined && !oneOf.includes(value as string | number)) {
    const limit = shown(oneOf.join(', '));
    return { what: `give ${field} as one of ${limit}`, problem: { field, code: 'not_allowed', limit, got } };
  }
  if (typeof value !== 'string') return undefined;
  if (minLength !== undefined && value.length < minLength)
    return {
      what: `give ${field} with at least ${minLength} characters`,
      problem: { field, code: 'too_short', limit: minLength, got: value.length },
    };
  if (maxLength !== undefined && value.length > maxLength)
    return {
      what: `give ${field} with at most ${maxLength} characters`,
      problem: { field, code: 'too_long', limit: maxLength, got: value.length },
    };
  if (form !== undefined && !matchesTicket(form, value))
    return { what: `give ${field} like ${form}`, problem: { field, code: 'malformed', limit: form, got } };
  return undefined;
}
