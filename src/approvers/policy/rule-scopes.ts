import { invalid, isId, readField } from '../../core/parse.js';
import type { ScopeMatcher } from '../../core/ports.js';
import { isPattern, isScope, patternScopes } from '../../core/scope.js';

/** A scope or a pattern, split into segments once, so that a comparison is one pass over both (L22). */
export interface Parts {
  readonly text: string;
  readonly isWide: boolean;
  readonly segments: readonly string[];
}

/** Splits a scope or a pattern. Any other text has no segments, so no pattern covers or overlaps it. */
export const toParts = (text: string): Parts =>
  Object.freeze({ text, isWide: !isScope(text), segments: isPattern(text) ? text.split(':') : [] });

/** The comparison of scopes that the rules use. */
export interface RuleScopes {
  /** The name of the matcher. */
  readonly name: string;
  /** Whether a scope that is no pattern may overlap a scope that does not cover it. */
  readonly mayReachFurther: boolean;
  covers(granted: Parts, required: Parts): boolean;
  overlaps(a: Parts, b: Parts): boolean;
  /** Whether a grant of this scope allows more than the scope itself. */
  isWide(scope: Parts): boolean;
}

/** The comparison of `patternScopes`, over segments. */
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

/** @param both whether wildcards on the right also count: true for overlap, false for cover */
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

/** Reads the option `scopes` of a policy. Default: `patternScopes`. @throws InvalidArgumentError */
export function readRuleScopes(argument: string, matcher: unknown): RuleScopes {
  if (matcher === undefined) return PATTERNS;
  if (typeof matcher !== 'object' || matcher === null) throw invalid(argument, 'a ScopeMatcher, for example patternScopes', matcher);
  for (const method of ['covers', 'overlaps']) {
    const given = readField(`${argument}.${method}`, matcher, method);
    if (typeof given !== 'function') throw invalid(`${argument}.${method}`, 'a function', given);
  }
  const name = readField(`${argument}.name`, matcher, 'name');
  if (!isId(name)) throw invalid(`${argument}.name`, 'an id', name);
  return ruleScopesOf(matcher as ScopeMatcher);
}

const reaches = new WeakMap<ScopeMatcher, RuleScopes>();

/**
 * The comparison for an engine with this matcher. The scopes of rules are always patterns: also in an engine that compares scopes
 * byte for byte, a rule covers the scopes of its pattern.
 */
export function ruleScopesOf(matcher: ScopeMatcher): RuleScopes {
  if (matcher === patternScopes || matcher.exact) return PATTERNS;
  const known = reaches.get(matcher) ?? Object.freeze(reachBy(matcher));
  reaches.set(matcher, known);
  return known;
}

/** The comparison of a custom matcher. An answer that is no boolean throws (L30). */
function reachBy(matcher: ScopeMatcher): RuleScopes {
  const sure = (answer: unknown): boolean => {
    if (typeof answer !== 'boolean') throw new TypeError(`scope matcher ${matcher.name} must return true or false`);
    return answer;
  };
  return {
    name: matcher.name,
    mayReachFurther: true,
    covers: (granted, required) => sure(matcher.covers(granted.text, required.text)),
    // A deny rule reaches every scope that either comparison finds: a custom matcher may not know the wildcards of rules.
    overlaps: (a, b) => sure(matcher.overlaps(a.text, b.text)) || overlapsByPattern(a, b),
    isWide: (scope) => scope.isWide || (matcher.isWide !== undefined && sure(matcher.isWide(scope.text))),
  };
}
