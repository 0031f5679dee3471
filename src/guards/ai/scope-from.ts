import { invalid, readField } from '../../core/parse.js';
import { isObject } from '../../records/index.js';
import { isScope } from '../../core/scope.js';

/**
 * The scope that a tool requires, in one of three forms:
 * - a constant scope,
 * - a scope with fields of the tool's input in braces, such as `billing:orders:{order}:refund`,
 * - a function of the input.
 *
 * A field's value stays inside its segment: a value with a `:` or a `*` gives no scope. A segment holds at most one field,
 * so that two different inputs never give the same scope. A function must ensure both itself, because the model chooses the
 * input.
 */
export type ScopeFrom<Input> = string | ((input: Input) => string);

/** Returns the scope of a call; `undefined`: its input gives no valid scope. An error of the function is passed on. */
export type ParsedScopeFrom<Input> = (input: Input) => string | undefined;

/** One field in braces, by its name in the input. */
const FIELD = /\{([A-Za-z_]\w{0,63})\}/g;
/** The characters that a segment may contain. None of them can end a segment. */
const PART = /^[\w.~@/+=-]{1,256}$/;

export function readScopeFrom<Input>(argument: string, given: unknown): ParsedScopeFrom<Input> {
  if (typeof given === 'function') {
    return (input) => {
      const scope: unknown = (given as (input: Input) => unknown)(input);
      return isScope(scope) ? scope : undefined;
    };
  }
  if (typeof given !== 'string' || !isScope(given.replace(FIELD, 'x'))) {
    throw invalid(argument, 'a scope, one with {fields} of the input in it, or a function of the input', given);
  }
  // `{a}-{b}` gives 'x-y-z' for ('x', 'y-z') and for ('x-y', 'z'): the scope of another resource than the one reviewed (L24).
  if (given.split(':').some((segment) => (segment.match(FIELD)?.length ?? 0) > 1)) {
    throw invalid(argument, 'a scope with at most one {field} in each segment: put the fields into segments of their own', given);
  }
  return (input) => {
    const scope = given.replace(FIELD, (_, field: string) => partOf(input, field));
    return isScope(scope) ? scope : undefined;
  };
}

/** A scope cannot contain braces, so a missing or invalid field makes the whole scope invalid. */
const NONE = '{}';

function partOf(input: unknown, field: string): string {
  if (!isObject(input) || !Object.hasOwn(input, field)) return NONE;
  const value = readField(`input.${field}`, input, field);
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === 'string' && PART.test(text) ? text : NONE;
}
