import type * as z from 'zod/mini';
import { documents } from './values.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

interface CheckOf {
  readonly check: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly value?: number;
  readonly pattern?: RegExp;
}

/**
 * The JSON Schema of what a call takes, as zod writes it. zod's own function knows forty types: a service that bundles the handler would
 * load them all, for the eleven that the calls use.
 *
 * @param refer returns the reference to a schema with a name
 */
export function inputSchemaOf(given: z.core.$ZodType, refer: (name: string, schema: () => JsonSchema) => JsonSchema): JsonSchema {
  const { id, ...about } = documents.get(given) ?? {};
  const of = (part: z.core.$ZodType) => inputSchemaOf(part, refer);
  const { def } = (given as z.core.$ZodTypes)._zod;
  const checks = (def.checks ?? []).map((check) => check._zod.def as CheckOf);
  const limit = (name: string) => checks.find(({ check }) => check === name);
  switch (def.type) {
    case 'optional':
      return { ...about, ...of(def.innerType), ...about };
    case 'pipe':
      return { ...about, ...of(def.in), ...about };
    case 'lazy':
      return refer(String(id), () => of(def.getter()));
    case 'object':
      return { ...objectOf(def.shape, of), ...about };
    case 'record':
      return { type: 'object', propertyNames: of(def.keyType), additionalProperties: of(def.valueType), ...about };
    case 'array':
      return {
        minItems: limit('min_length')?.minimum,
        maxItems: limit('max_length')?.maximum,
        type: 'array',
        items: of(def.element),
        ...about,
      };
    case 'union':
      return { anyOf: def.options.map(of), ...about };
    case 'enum':
      return { type: 'string', enum: Object.values(def.entries), ...about };
    case 'string': {
      const pattern = limit('string_format')?.pattern?.source;
      return { type: 'string', minLength: limit('min_length')?.minimum, maxLength: limit('max_length')?.maximum, pattern, ...about };
    }
    case 'number':
      return { ...numberOf('format' in def, limit('greater_than')?.value), ...about };
    default:
      return { type: def.type, ...about };
  }
}

function objectOf(shape: Readonly<Record<string, z.core.$ZodType>>, of: (part: z.core.$ZodType) => JsonSchema): JsonSchema {
  const fields = Object.entries(shape);
  const required = fields.filter(([, field]) => field._zod.def.type !== 'optional').map(([name]) => name);
  const properties = Object.fromEntries(fields.map(([name, field]) => [name, of(field)]));
  return { type: 'object', properties, ...(required.length > 0 && { required }), additionalProperties: false };
}

const numberOf = (isInteger: boolean, above: number | undefined): JsonSchema =>
  isInteger
    ? {
        type: 'integer',
        ...(above === undefined ? { minimum: Number.MIN_SAFE_INTEGER } : { exclusiveMinimum: above }),
        maximum: Number.MAX_SAFE_INTEGER,
      }
    : { type: 'number' };
