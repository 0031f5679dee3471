import { invalid, readField } from '../../input.js';
import type { ScopeMatcher } from '../../ports.js';
import { isPattern, isScope, patternScopes } from '../../scope.js';

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
export interface Reach {
  /** Whether a scope that is no pattern may overlap what doesn't cover it. */
  readonly mayReachFurther: boolean;
  covers(granted: Parts, required: Parts): boolean;
  overlaps(a: Parts, b: Parts): boolean;
}

/** `patternScopes`, of what has been taken apart. */
const PATTERNS: Reach = Object.freeze({
  mayReachFurther: false,
  covers: (granted: Parts, required: Parts) => matches(granted.segments, required.segments, false),
  overlaps: (a: Parts, b: Parts) => matches(a.segments, b.segments, true),
});

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

/** What a matcher of somebody else's says; where that is neither yes nor no, the question fails (L30). */
export function readReach(argument: string, matcher: unknown): Reach {
  if (matcher === undefined || matcher === patternScopes) return PATTERNS;
  if (typeof matcher !== 'object' || matcher === null) throw invalid(argument, 'a ScopeMatcher, like patternScopes', matcher);
  for (const method of ['covers', 'overlaps']) {
    const given = readField(`${argument}.${method}`, matcher, method);
    if (typeof given !== 'function') throw invalid(`${argument}.${method}`, 'a function', given);
  }
  const theirs = matcher as ScopeMatcher;
  const sure = (answer: unknown): boolean => {
    if (typeof answer !== 'boolean') throw new TypeError(`${argument} must answer true or false`);
    return answer;
  };
  return Object.freeze({
    mayReachFurther: true,
    covers: (granted: Parts, required: Parts) => sure(theirs.covers(granted.text, required.text)),
    overlaps: (a: Parts, b: Parts) => sure(theirs.overlaps(a.text, b.text)),
  });
}
