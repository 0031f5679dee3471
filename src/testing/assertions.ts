/* The suite has its own assertions: a runner's would tie it to that runner, and Node's would tie it to Node. */

/**
 * The tested object breaks a guarantee. The message names the guarantee, the expected value and the actual value.
 *
 * @remarks Repair the store or the guard under test. The suite throws it only inside tests.
 */
export class ContractViolation extends Error {
  override readonly name = 'ContractViolation';

  /** Puts the broken guarantee in front of the message. @returns this error */
  of(guarantee: string): this {
    this.message = `guarantee ${guarantee}\n${this.message}`;
    return this;
  }
}

/** @param what the condition, as a sentence */
export function holds(condition: boolean, what: string): asserts condition {
  if (!condition) throw new ContractViolation(what);
}

/**
 * Compares by value: as JSON, independent of key order and prototypes. A field that is `undefined` equals a missing field;
 * `null` equals neither.
 */
export function same(got: unknown, expected: unknown, what: string): void {
  const difference = differenceOf(got, expected, 'it');
  if (difference !== undefined) throw new ContractViolation(`${what}: ${difference}`);
}

/**
 * Calls a function that must return a promise which rejects with an error.
 *
 * @returns the error
 */
export async function rejects(call: () => unknown, what: string): Promise<unknown> {
  let answer: unknown;
  try {
    answer = call();
  } catch (error) {
    throw new ContractViolation(`${what}: expected a rejection, got a throw before there was a promise: ${text(error)}`);
  }
  try {
    answer = await answer;
  } catch (error) {
    holds(isError(error), `${what}: expected a rejection with an error, got one with ${text(error)}`);
    return error;
  }
  throw new ContractViolation(`${what}: expected a rejection, got the answer ${text(answer)}`);
}

/** Not `instanceof`: a runner may give the suite its own realm, and errors then come from another realm. */
function isError(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { message?: unknown }).message === 'string';
}

function differenceOf(got: unknown, expected: unknown, path: string): string | undefined {
  if (Object.is(got, expected)) return undefined;
  if (!isObject(got) || !isObject(expected) || Array.isArray(got) !== Array.isArray(expected)) {
    return `expected ${path} to be ${text(expected)}, got ${text(got)}`;
  }
  if (Array.isArray(got) && Array.isArray(expected) && got.length !== expected.length) {
    const lists = `expected ${text(expected)}, got ${text(got)}`;
    return `expected ${path} to hold ${expected.length}, got ${got.length}; ${firstDifference(got, expected, path)}: ${lists}`;
  }
  for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
    const difference = differenceOf(own(got, key), own(expected, key), Array.isArray(got) ? `${path}[${key}]` : `${path}.${key}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** The index and the difference of the first item that differs, because a report cuts long lists off. */
function firstDifference(got: readonly unknown[], expected: readonly unknown[], path: string): string {
  const differences = Array.from(expected.length < got.length ? got : expected, (_, i) =>
    differenceOf(got[i], expected[i], `${path}[${i}]`),
  );
  return `first, ${differences.find((difference) => difference !== undefined)}`;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Reads own properties only: for a key such as `__proto__` every object would inherit a value. */
function own(object: object, key: string): unknown {
  return Object.hasOwn(object, key) ? (object as Record<string, unknown>)[key] : undefined;
}

/** A value as text, cut to the length of a report. */
export function text(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value === 'bigint') return `the bigint ${value}`;
  const json = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item)) as string | undefined;
  const short = json ?? String(value);
  return short.length > 300 ? `${short.slice(0, 300)}...` : short;
}
