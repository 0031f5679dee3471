import { invalid, isId, readActor, readOptions } from '../../core/parse.js';
import { agentOf, RUN_MARK } from '../../records/index.js';
import type { Canonical } from '../canonical.js';
import { readName } from './names.js';
import { listOf, type Groups } from './question.js';
import type { People, Requesters } from './types.js';

/** Matches the ids with this beginning and this end. */
interface Like {
  readonly starts: string;
  readonly ends: string;
}

/** An item of a rule's `subjects` or `requesters`. */
export type Selector =
  | { readonly kind: 'id'; readonly id: string }
  | ({ readonly kind: 'like' } & Like)
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'self' };

/** Parses a selector from JSON. A `like` has exactly one `*`, so that matching compares only both ends of an id (L22). */
export function readSelector(argument: string, value: unknown, mayBeSelf: boolean): Selector {
  if (typeof value === 'string') return { kind: 'id', id: readActor(argument, value) };
  const rule = `an id, { "like": "user:*" }, ${mayBeSelf ? '{ "group": name } or { "self": true }' : 'or { "group": name }'}`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(argument, rule, value);
  const fields = Object.keys(value);
  const [field] = fields;
  if (fields.length !== 1 || field === undefined) throw invalid(argument, rule, value);
  const given = readOptions(argument, value, [field])[field];
  if (field === 'group') return { kind: 'group', group: readName(`${argument}.group`, given) };
  if (field === 'like') return { kind: 'like', ...readLike(`${argument}.like`, given) };
  if (field === 'self' && mayBeSelf && given === true) return { kind: 'self' };
  throw invalid(argument, rule, field);
}

function readLike(argument: string, value: unknown): Like {
  const [starts, ends, ...more] = typeof value === 'string' && value.length <= 256 ? value.split('*') : [];
  if (starts === undefined || ends === undefined || more.length > 0) {
    throw invalid(argument, "text with exactly one *, for example 'user:*' (* stands for one or more characters)", value);
  }
  // Both parts must be possible in an id: otherwise a deny rule would match no person. The 0 takes the place of the star: it may
  // follow a space, and it combines with no other character.
  if (!isId(`${starts}0`) || !isId(`0${ends}`)) {
    throw invalid(
      argument,
      'the start and end of valid ids: in NFC, without control, format, separator or invisible characters or a space at either end',
      value,
    );
  }
  if (starts.startsWith('system:')) throw invalid(argument, 'ids that do not start with the reserved system:', value);
  return { starts, ends };
}

/** The selector in the canonical form of an engine's ids. @throws InvalidArgumentError if it has no canonical form */
export function canonicalSelector(argument: string, selector: Selector, canonical: Canonical): Selector {
  if (selector.kind === 'id') return { kind: 'id', id: canonical(argument, selector.id) };
  if (selector.kind === 'like' && !isEverybody(selector))
    return { kind: 'like', ...canonicalLike(`${argument}.like`, selector, canonical) };
  return selector;
}

/**
 * The canonical form of both ends of a `like`. It canonicalizes two ids that differ only between these ends. If their canonical
 * ends differ, it refuses the selector: a deny rule could otherwise match no person.
 */
function canonicalLike(argument: string, { starts, ends }: Like, canonical: Canonical): Like {
  const mark = '0123456789'.split('').find((digit) => !`${starts}${ends}`.includes(digit)) ?? '0';
  const marks = mark.repeat(9);
  const short = canonical(argument, `${starts}${mark}${ends}`);
  const long = canonical(argument, `${starts}${marks}${ends}`);
  const at = short.indexOf(mark);
  const made = { starts: short.slice(0, at), ends: short.slice(at + 1) };
  if (at >= 0 && !made.ends.includes(mark) && long === `${made.starts}${marks}${made.ends}`) return made;
  throw invalid(
    argument,
    'text whose start and end canonicalId changes the same way in every id; otherwise list each id',
    `${starts}*${ends}`,
  );
}

/** The selector of a value whose shape was already checked. */
export const toSelector = (given: People | Requesters): Selector => readSelector('-', given, true);

export const isLike = ({ starts, ends }: Like, id: string): boolean =>
  id.length > starts.length + ends.length && id.startsWith(starts) && id.endsWith(ends);

/** Whether a `like` is written for the ids of runs. Only such a `like` matches a run in a rule that does not reach runs. */
export const isLikeRuns = ({ starts, ends }: Like): boolean => starts.includes(RUN_MARK) || ends.includes(RUN_MARK);

/**
 * Whether a selector matches an id without asking a group. In a rule that does not reach runs, a `like` matches a run only if
 * it is written for runs: `agent:*` means agents, and access for an agent gives nothing to its runs (L43).
 */
export function speaksAlone(selector: Selector, person: string, runs: boolean): boolean {
  if (selector.kind === 'id') return selector.id === person;
  return selector.kind === 'like' && isLike(selector, person) && (runs || agentOf(person) === undefined || isLikeRuns(selector));
}

/** The ids by which a rule may match a person. A rule that reaches runs also matches a run by its agent. */
export function namesOf(person: string, runs: boolean): readonly string[] {
  const agent = runs ? agentOf(person) : undefined;
  return agent === undefined ? [person] : [person, agent];
}

/** Whether the selector is `*` alone. */
export const isEverybody = (selector: Selector): boolean => selector.kind === 'like' && selector.starts === '' && selector.ends === '';

/** Whether every id that matches `inner` also matches `outer`. */
export const isWithin = (inner: Like, outer: Like): boolean => inner.starts.startsWith(outer.starts) && inner.ends.endsWith(outer.ends);

/** Whether an id may match both. */
export const mayBeBoth = (a: Like, b: Like): boolean =>
  (a.starts.startsWith(b.starts) || b.starts.startsWith(a.starts)) && (a.ends.endsWith(b.ends) || b.ends.endsWith(a.ends));

/** Whether the selectors match a person, according to the lists alone. `undefined`: only a live group knows. */
export function mayInclude(selectors: readonly Selector[] | undefined, person: string, runs: boolean, groups: Groups): boolean | undefined {
  if (selectors === undefined) return true;
  const answers = namesOf(person, runs).map((name) => mayName(selectors, name, runs, groups));
  return answers.includes(true) || (answers.includes(undefined) ? undefined : false);
}

function mayName(selectors: readonly Selector[], person: string, runs: boolean, groups: Groups): boolean | undefined {
  let isUntold = false;
  for (const selector of selectors) {
    if (speaksAlone(selector, person, runs)) return true;
    if (selector.kind !== 'group') continue;
    const list = listOf(groups, selector.group);
    if (list === undefined) isUntold = true;
    else if (list.has(person)) return true;
  }
  return isUntold ? undefined : false;
}
