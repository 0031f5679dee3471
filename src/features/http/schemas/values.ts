import { z } from 'zod';
import type { InvalidArgumentError } from '../../../core/errors.js';
import type { JsonValue } from '../../../model/json.js';
import { readId } from '../../../core/parse.js';
import { readPattern } from '../../../core/scope.js';

/*
 * The values that several schemas share. Each is checked again by the engine, whose errors name the argument.
 * A text or a union of its own says its rule in its error, which continues "x must be ...".
 */

/** A text that the core reads. It is read before the option `may` is asked: the hook judges no text that the engine would refuse. */
const readBy = (read: (argument: string, value: unknown) => string, length: number) =>
  z
    .string()
    .min(1)
    .max(length)
    .superRefine((value, context) => {
      try {
        read('-', value);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as InvalidArgumentError).rule });
      }
    });

export const id = readBy(readId, 256);
export const instant = z.int().describe('Epoch milliseconds.');
export const scope = readBy(readPattern, 256).describe('A scope, such as db-prod:write.');
export const text = z.string().max(4_096);
const json: z.ZodType<JsonValue, JsonValue> = z
  .lazy(() => z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)], 'JSON'))
  .meta({ id: 'Json' });
export const metadata = z.record(z.string(), json);

/** A duration in a body: `30m`, `1h30m`, or milliseconds. */
const DURATION = "a duration such as '30m' or '1h30m', or a whole number of milliseconds";
export const duration = z
  .union([z.int().positive(), z.string().regex(/^(?:\d+(?:\.\d+)?(?:d|h|m|s|ms))+$/, DURATION)], DURATION)
  .describe('A duration: text such as 30m or 1h30m, or milliseconds.');

/** A whole number in a query, which has only texts. The documents call it an integer, so that generated clients take a number. */
const wholeNumber = (rule: string) =>
  z
    .string()
    .refine((value) => /^\d{1,15}$/.test(value), rule)
    .meta({ type: 'integer', minimum: 0 })
    .transform(Number);

export const instantInQuery = wholeNumber('an instant in epoch milliseconds').describe('Epoch milliseconds.');
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

/** The fields of a query that selects a page. */
export const paging = {
  after: z.string().max(1_024).optional().describe('The `next` of the page before.'),
  limit: wholeNumber('a whole number').optional().describe('The greatest number of items, 1 to 1000. Default: 100.'),
};
