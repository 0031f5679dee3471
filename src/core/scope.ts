import { invalid } from './parse.js';
import type { ScopeMatcher } from './ports.js';

/*
 * The grammar (L23): 1-16 segments joined by ':', each of [A-Za-z0-9_.~@/+=-], at most 256 characters in all.
 * In a pattern a segment may be '*' (exactly one segment) and the last may be '**' (one or more).
 * The expression is a constant and holds no nested repetition over the same characters, so matching is linear (L22).
 */
const PATTERN = /^(?=.{1,256}$)(?:(?:[\w.~@/+=-]+|\*):){0,15}(?:[\w.~@/+=-]+|\*\*?)$/;

const SCOPE_RULE = '1-16 segments of [A-Za-z0-9_.~@/+=-] joined by ":", at most 256 characters in all';

/** A name of another system, such as an ARN with an empty part, is the usual text that is no scope. */
const ENCODES = "(encodeScope(...parts) of 'jit-access' makes a scope of other texts)";

/** Whether the value meets the grammar and has no wildcard. A scope has only this one form, so scopes compare as text. */
export function isScope(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_SCOPE) return false;
  let segments = 1;
  let start = 0;
  // Compares character codes, which takes half the time of a regular expression: every check runs this.
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === COLON) {
      if (i === start || ++segments > MAX_SEGMENTS) return false;
      start = i + 1;
    } else if (!isInSegment(code)) return false;
  }
  return value.length > start;
}

const COLON = 58;
const MAX_SCOPE = 256;
const MAX_SEGMENTS = 16;

/** Whether a character code is in `[a-z]`, `[-./0-9]`, `[@A-Z]` or `[_~+=]`. */
function isInSegment(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 45 && code <= 57) ||
    (code >= 64 && code <= 90) ||
    code === 95 ||
    code === 126 ||
    code === 43 ||
    code === 61
  );
}

/** Whether the value meets the grammar of patterns. A scope does too: it is the pattern that matches only itself. */
export function isPattern(value: unknown): value is string {
  return typeof value === 'string' && PATTERN.test(value);
}

export function readScope(argument: string, value: unknown): string {
  if (!isScope(value)) throw invalid(argument, isPattern(value) ? `${SCOPE_RULE}, and no pattern here` : `${SCOPE_RULE} ${ENCODES}`, value);
  return value;
}

export function readPattern(argument: string, value: unknown): string {
  if (!isPattern(value)) throw invalid(argument, `${SCOPE_RULE}, where a segment may be "*" and the last may be "**" ${ENCODES}`, value);
  return value;
}

/** The matcher of an engine without the option `scopes`: a grant covers only the scope that it names, byte for byte. */
export const exactScopes: ScopeMatcher = /* @__PURE__ */ Object.freeze({
  name: 'exact',
  exact: true,
  covers: (granted: string, required: string) => granted === required && isScope(granted),
  overlaps: (a: string, b: string) => a === b && isScope(a),
  isWide: () => false,
});

/**
 * Scopes with wildcards: `*` stands for exactly one segment, a trailing `**` for one or more.
 *
 * `covers` is reflexive and transitive, `overlaps` symmetric and implied by `covers`. A malformed scope matches nothing.
 */
export const patternScopes: ScopeMatcher = /* @__PURE__ */ Object.freeze({
  name: 'patterns',
  exact: false,
  covers: (granted: string, required: string) =>
    isPattern(granted) && isPattern(required) && matches(granted.split(':'), required.split(':'), false),
  overlaps: (a: string, b: string) => isPattern(a) && isPattern(b) && matches(a.split(':'), b.split(':'), true),
  isWide: (scope: string) => !isScope(scope),
});

/** The segments of a scope or a pattern. Any other value has none, so that it matches nothing. */
const segmentsOf = (value: unknown): readonly string[] => (isPattern(value) ? value.split(':') : []);

/** @param both true, for `overlaps`: a wildcard matches on either side. False, for `covers`: only a wildcard of `a` does */
function matches(a: readonly string[], b: readonly string[], both: boolean): boolean {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] === '**') return true;
    if (b[i] === '**') return both;
    if (a[i] !== b[i] && a[i] !== '*' && !(both && b[i] === '*')) return false;
  }
  return a.length === b.length && a.length > 0;
}

/**
 * The comparisons of {@link patternScopes} for long lists, each text split once. An engine's own matcher is asked too, unless it is
 * one of this package: then a pattern in a list is a pattern also if the engine compares scopes byte for byte.
 */
export function scopeLists(matcher?: ScopeMatcher): Pick<ScopeMatcher, 'covers' | 'overlaps'> {
  const known = new Map<string, readonly string[]>();
  const split = (text: string): readonly string[] => {
    const segments = known.get(text) ?? segmentsOf(text);
    known.set(text, segments);
    return segments;
  };
  const own = matcher === exactScopes || matcher === patternScopes ? undefined : matcher;
  return {
    covers: (a, b) => matches(split(a), split(b), false) || own?.covers(a, b) === true,
    overlaps: (a, b) => matches(split(a), split(b), true) || own?.overlaps(a, b) === true,
  };
}
