import { InvalidArgumentError } from '../../core/errors.js';
import { invalid, readField, readBoundedList, refuseInstance } from '../../core/parse.js';
import { nearest } from '../../core/misspelt.js';
import type { LiveGroup } from './types.js';

/** An immutable copy of a policy: its data, of own properties alone, and its live groups. */
export interface Copy {
  readonly data: unknown;
  readonly live: ReadonlyMap<string, LiveGroup>;
}

/** The greatest number of values. More than any policy needs, and few enough to copy at once. */
const MAX_VALUES = 1_000_000;
export const MAX_DEPTH = 10;

/**
 * Copies the caller's policy. It reads each property once, so that a getter cannot change its value afterwards. The copies
 * inherit nothing, so that a property of `Object.prototype` is never a field of a rule.
 */
export function copyPolicy(given: unknown): Copy {
  const live = new Map<string, LiveGroup>();
  const budget = { left: MAX_VALUES };
  const copy = (path: string, value: unknown, depth: number): unknown => {
    budget.left -= 1;
    if (budget.left < 0) throw new InvalidArgumentError('policy', 'an object of at most 1,000,000 values', 'more');
    if (typeof value !== 'object' || value === null) return value;
    if (depth === 0) throw new InvalidArgumentError(path, `nested at most ${MAX_DEPTH} levels deep`, 'more levels');
    if (isArray(path, value)) return readBoundedList(path, value, 0, budget.left).map((item, i) => copy(`${path}[${i}]`, item, depth - 1));
    // An instance of a class could hide a field, such as a limit or a denial, behind an accessor. The copy would lack it.
    refuseInstance(path, value);
    const fields = Object.create(null) as Record<string, unknown>;
    for (const key of keysOf(path, value)) {
      const at = path === 'policy' ? key : `${path}.${key}`;
      const field = readField(at, value, key);
      const group = path === 'groups' ? readLiveGroup(at, field) : undefined;
      if (group !== undefined) live.set(key, group);
      else if (field !== undefined) fields[key] = copy(at, field, depth - 1);
    }
    return fields;
  };
  return { data: copy('policy', given, MAX_DEPTH), live };
}

// `Array.isArray` throws for a revoked proxy, and `Object.keys` for a proxy whose traps throw.
function isArray(path: string, value: object): boolean {
  try {
    return Array.isArray(value);
  } catch {
    throw new InvalidArgumentError(path, 'readable', 'a revoked proxy');
  }
}

function keysOf(path: string, value: object): readonly string[] {
  try {
    return Object.keys(value);
  } catch {
    throw new InvalidArgumentError(path, 'readable', 'an object whose fields cannot be listed');
  }
}

const METHODS = ['isMember', 'isMemberForAll', 'members'];

/** Reads a live group, which may be an instance of a class. `undefined`: the value is a list. */
function readLiveGroup(path: string, value: unknown): LiveGroup | undefined {
  if (typeof value !== 'object' || value === null || isArray(path, value)) return undefined;
  const isMember = readField(`${path}.isMember`, value, 'isMember');
  const isMemberForAll = readField(`${path}.isMemberForAll`, value, 'isMemberForAll');
  const members = readField(`${path}.members`, value, 'members');
  const unknown = keysOf(path, value).find((key) => isPlain(value) && !METHODS.includes(key));
  if (unknown !== undefined) {
    const meant = nearest(unknown, METHODS);
    throw new InvalidArgumentError(
      `${path}.${unknown}`,
      meant === undefined ? 'omitted: a group is a list of ids, or { isMember, members }' : `omitted, or spelled ${meant}`,
      'an unknown field',
    );
  }
  if (typeof isMember !== 'function') {
    throw invalid(path, 'a list of ids or, in code, an object with isMember(person, request)', value);
  }
  if (members !== undefined && typeof members !== 'function')
    throw invalid(`${path}.members`, 'a function that takes the request and returns a list of ids', members);
  if (isMemberForAll !== undefined && typeof isMemberForAll !== 'function')
    throw invalid(`${path}.isMemberForAll`, 'a function that takes a person and requests, and returns a list of booleans', isMemberForAll);
  const ask = isMember as LiveGroup['isMember'];
  const askForAll = isMemberForAll as LiveGroup['isMemberForAll'];
  const list = members as LiveGroup['members'];
  return Object.freeze({
    isMember: (...question) => ask.apply(value, question),
    ...(askForAll && { isMemberForAll: (...question) => askForAll.apply(value, question) }),
    ...(list && { members: (...question) => list.apply(value, question) }),
  } satisfies LiveGroup);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
