import * as z from 'zod/mini';
import type { InvalidArgumentError } from '../../../core/errors.js';
import type { JsonValue } from '../../../model/json.js';
import { readId } from '../../../core/parse.js';
import { readPattern } from '../../../core/scope.js';
import { lineIn } from '../person.js';

/*
 * The values that several schemas share. Each is checked again by the engine, whose errors name the argument.
 * A text or a union of its own says its rule in its error, which continues "x must be ...".
 *
 * Each is a function: an import builds no schema, and a description belongs to one use.
 */

/** What the documents say of a schema. All copies of zod in a process share zod's own registry, so this package does not use it. */
export const documents = z.registry<Readonly<Record<string, unknown>>>();

/** A field that a call may omit, with its description. */
export function optional<Schema extends z.ZodMiniType>(schema: Schema, description: string): z.ZodMiniOptional<Schema> {
  const made = z.optional(schema);
  documents.add(made, { description });
  return made;
}

/** A text that the core reads. It is read before the option `may` is asked: the hook judges no text that the engine would refuse. */
const readBy = (read: (argument: string, value: string) => unknown, length: number) =>
  z.string().check(
    z.minLength(1),
    z.maxLength(length),
    z.superRefine((value, context) => {
      try {
        read('-', value);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as InvalidArgumentError).rule });
      }
    }),
  );

export const id = () => readBy(readId, 256);
export const instant = () => z.int();
export const scope = () => readBy(readPattern, 256).register(documents, { description: 'A scope, such as db-prod:write.' });
/** Patterns with commas in between: no pattern has one. */
export const patterns = () =>
  z.pipe(
    readBy((argument, value) => value.split(',').forEach((one) => readPattern(argument, one)), 4_096),
    z.transform((value) => value.split(',')),
  );
export const text = () => z.string().check(z.maxLength(4_096));
const json = (): z.ZodMiniType<JsonValue, JsonValue> => {
  const value: z.ZodMiniType<JsonValue, JsonValue> = z
    .lazy(() => z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(value), z.record(z.string(), value)], 'JSON'))
    .register(documents, { id: 'Json' });
  return value;
};
export const metadata = () => z.record(z.string(), json());

/** A duration in a body: `30m`, `1h30m`, or milliseconds. */
const DURATION = "a duration such as '30m' or '1h30m', or a whole number of milliseconds";
export const duration = () =>
  z.union([z.int().check(z.positive()), z.string().check(z.regex(/^(?:\d+(?:\.\d+)?(?:d|h|m|s|ms))+$/, DURATION))], DURATION);

/** A whole number in a query, which has only texts. The documents call it an integer, so that generated clients take a number. */
export const wholeNumber = (rule: string) =>
  z.pipe(
    z
      .string()
      .check(z.refine((value) => /^\d{1,15}$/.test(value), rule))
      .register(documents, { type: 'integer', minimum: 0 }),
    z.transform(Number),
  );

export const instantInQuery = () => wholeNumber('an instant in epoch milliseconds');
/** A span in a query: `<from>..<to>`, both in epoch milliseconds. */
export const spanInQuery = () =>
  z.pipe(
    z.string().check(z.regex(/^\d{1,15}\.\.\d{1,15}$/, 'a span <from>..<to> in epoch milliseconds')),
    z.transform((value) => {
      const [from, to] = value.split('..').map(Number);
      return { from: from as number, to: to as number };
    }),
  );
/** A text that a person types, for code of the service. */
export const lineInQuery = (min: number, max: number) =>
  z.pipe(
    z.string().check(
      z.minLength(min),
      z.maxLength(max),
      z.refine((value) => (lineIn(value) ?? '').length >= min, 'a text of one line'),
    ),
    z.transform((value) => lineIn(value) as string),
  );
export const flag = () =>
  z.pipe(
    z.enum(['true', 'false']),
    z.transform((value) => value === 'true'),
  );

/** The fields of a query that selects a page. */
export const paging = () => ({
  after: optional(z.string().check(z.maxLength(1_024)), 'The `next` of the page before.'),
  limit: optional(wholeNumber('a whole number'), 'The greatest number of items, 1 to 1000. Default: 100.'),
});
