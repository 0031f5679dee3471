import { invalid, isId, readField } from '../../core/parse.js';
import type { ScopeMatcher } from '../../core/ports.js';
import { isPattern, isScope, patternScopes } from '../../core/scope.js';

/** A scope or a pattern that is taken apart once, so that comparing two is one walk along both (L22). */
export interface Parts {
  readonly text: string;
  readonly isWide: boolean;
  readonly segments: readonly string[];
}

/** What is neither has no segments, and so nothing covers or overlaps it. */
export const toParts = (text: string): Parts =>
  Object.freeze({ text, isWide: !isScope(text), segments: isPattern(text) ? text.split(':') : [] });

/** How far scopes reach. */
export interface RuleScopes {
  /** Of the matcher by which it is told. */
  readonly name: string;
  /** Whether a scope that is no pattern may overlap what doesn't cover it. */
  readonly mayReachFurther: boolean;
  covers(granted: Parts, required: Parts): boolean;
  overlaps(a: Parts, b: Parts): boolean;
  /** Whether a grant of it reaches further than the scope itself. */
  isWide(scope: Parts): boolean;
}

/** `patternScopes`, of what has been taken apart. */
const PATTERNS: RuleScopes = Object.freeze({
  name: patternScopes.name,
  mayReachFurther: false,
  covers: (granted: Parts, required: Parts) => matches(granted.segments, required.segments, false),
  overlaps: overlapsByPattern,
  isWide: (scope: Parts) => scope.isWide,
});

function overlapsByPattern(a: Parts, b: Parts): boolean {
  return matches(a.segments, b.segments, true);
}

/** @param both whether wildcards on the right count too, which is what tells overlap from cover */
function matches(left: readonly string[], right: readonly string[], both: boolean): boolean {
  for (let i = 0; i < left.length && i < right.length; i++) {
    const a = left[i];
    const b = right[i];
    if (a === '**') return true;
    if (b === '**') return both;
    if (a !== b && a !== '*' && !(both && b === '*')) return false;
  }
  return left.length === right.length && left.length > 0;
}

/** How far scopes reach by a matcher that comes with the policy. */
export function readReach(argument: string, matcher: unknown): RuleScopes {
  if (matcher === undefined) return PATTERNS;
  if (typeof matcher !== 'object' || matcher === null) throw invalid(argument, 'a ScopeMatcher, for example patternScopes', matcher);
  for (const method of ['covers', 'overlaps']) {
    const given = readField(`${argument}.${method}`, matcher, method);
    if (typeof given !== 'function') throw invalid(`${argument}.${method}`, 'a function', given);
  }
  const name = readField(`${argument}.name`, matcher, 'name');
  if (!isId(name)) throw invalid(`${argument}.name`, 'an id', name);
  return reachOf(matcher as ScopeMatcher);
}

const reaches = new WeakMap<ScopeMatcher, RuleScopes>();

/**
 * How far scopes reach in an engine with this matcher. Rules are patterns there too: where the engine compares scopes byte
 * for byte, a rule still covers what its pattern says.
 */
export function reachOf(matcher: ScopeMatcher): RuleScopes {
  if (matcher === patternScopes || matcher.exact) return PATTERNS;
  const known = reaches.get(matcher) ?? Object.freeze(reachBy(matcher));
  reaches.set(matcher, known);
  return known;
}

/** By a matcher of somebody else's; where what it says is neither yes nor no, the question fails (L30). */
function reachBy(matcher: ScopeMatcher): RuleScopes {
  const sure = (answer: unknown): boolean => {
    if (typeof answer !== 'boolean') throw new TypeError(`scope matcher ${matcher.name} must return true or false`);
    return answer;
  };
  return {
    name: matcher.name,
    mayReachFurther: true,
    covers: (granted, required) => sure(matcher.covers(granted.text, required.text)),
    // What takes away reaches as far as either says: a matcher may not know what the asterisks of a rule mean.
    overlaps: (a, b) => sure(matcher.overlaps(a.text, b.text)) || overlapsByPattern(a, b),
    isWide: (scope) => scope.isWide || (matcher.isWide !== undefined && sure(matcher.isWide(scope.text))),
  };
}
