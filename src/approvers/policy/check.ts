import { safeParse } from 'zod/mini';
import { InvalidArgumentError } from '../../core/errors.js';
import { show } from '../../core/parse.js';
import { policySchema } from './schema.js';
import type { PolicyDefinition } from './types.js';

/** The parts of an issue of zod. */
interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly params?: Readonly<Record<string, unknown>> | undefined;
  /** The issues of each form of a part that has several. */
  readonly errors?: readonly (readonly Issue[])[];
}

/**
 * Checks the shape of a copied policy. It drops zod's result: the objects of the copy inherit nothing, and those of zod would.
 *
 * @throws InvalidArgumentError that names the rule and the field
 */
export function checkShape(data: unknown): asserts data is PolicyDefinition {
  const result = safeParse(policySchema, data);
  if (result.success) return;
  throw toError(data, issueToTell(result.error.issues));
}

/** Of a part that has several forms, the issue is that of the form that fits best: the one whose issues lie deepest. */
function issueToTell(issues: readonly Issue[]): Issue {
  // A missing field is often a misspelt one, so the error names the unknown field first.
  const issue = (issues.find((one) => one.code === 'unrecognized_keys') ?? issues[0]) as Issue;
  const { path, errors = [] } = issue;
  if (errors.length === 0) return issue;
  const depthOf = (form: readonly Issue[]) => Math.max(...form.map((one) => one.path.length + (one.code === 'unrecognized_keys' ? 1 : 0)));
  const best = errors.reduce((before, form) => (depthOf(form) > depthOf(before) ? form : before));
  const inner = issueToTell(best);
  return { ...inner, path: [...path, ...inner.path] };
}

function toError(data: unknown, { code, path, message, keys, params }: Issue): InvalidArgumentError {
  if (code === 'unrecognized_keys') {
    return new InvalidArgumentError(pathOf(data, [...path, keys?.[0] ?? '']), message, 'an unknown field');
  }
  if (params !== undefined) {
    const { argument, got } = params as { readonly argument: string; readonly got: string };
    return new InvalidArgumentError(pathOf(data, path) + argument, message, got);
  }
  return new InvalidArgumentError(pathOf(data, path), message, show(valueAt(data, path)));
}

const valueAt = (data: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[key], data);

/** A path in a policy for people, with the index and the id of a rule: `rules[1] ("prod-write").maxTtl`. */
export function pathOf(data: unknown, path: readonly PropertyKey[]): string {
  let text = '';
  path.forEach((key, i) => {
    if (typeof key === 'number') text += `[${key}]`;
    else text += /^[$\w.~@/+=-]{1,64}$/.test(String(key)) ? `${text === '' ? '' : '.'}${String(key)}` : `[${show(key)}]`;
    if (i === 1 && (path[0] === 'rules' || path[0] === 'breakGlass')) {
      const id = valueAt(data, [...path.slice(0, 2), 'id']);
      if (typeof id === 'string') text += ` (${show(id)})`;
    }
  });
  return text === '' ? 'policy' : text;
}
