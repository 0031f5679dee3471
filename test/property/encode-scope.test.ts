import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeScope, encodeScope, exactScopes, isJitError, isScope, patternScopes } from '../../src/index.js';

/** Text near the edges of the encoding: escapes, half escapes, wildcards, separators, and text that looks encoded already. */
const near = fc.string({ unit: fc.constantFrom(...'~%*:/2A7Eaf ', '~2A', '~7E', '\0', 'é', '🎉', '\ufeff'), maxLength: 6 });
const part = fc.oneof(near, fc.string({ unit: 'grapheme', maxLength: 6 }), fc.string({ unit: 'binary', maxLength: 6 }));
const parts = fc.array(part, { minLength: 1, maxLength: 5 });

const encoded = (given: readonly string[]): string | undefined => {
  try {
    return encodeScope(...given);
  } catch (error) {
    expect(isJitError(error) && error.code).toBe('ERR_JIT_INVALID_ARGUMENT');
    return undefined;
  }
};

const decoded = (scope: string): readonly string[] | undefined => {
  try {
    return decodeScope(scope);
  } catch (error) {
    expect(isJitError(error) && error.code).toBe('ERR_JIT_INVALID_ARGUMENT');
    return undefined;
  }
};

describe('encodeScope and decodeScope', () => {
  it('L24 return the parts after a round trip, through a scope that is no pattern', () => {
    fc.assert(
      fc.property(parts, (given) => {
        const scope = encoded(given);
        if (scope === undefined) return;
        expect(isScope(scope)).toBe(true);
        expect(decodeScope(scope)).toEqual(given);
        expect(scope.split(':')).toHaveLength(given.length);
      }),
      { numRuns: 5_000 },
    );
  });

  it('L24 are injective: two lists of parts never have one scope, and neither covers the other', () => {
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        const [a, b] = [encoded(left), encoded(right)];
        if (a === undefined || b === undefined) return;
        const isSame = JSON.stringify(left) === JSON.stringify(right);
        expect(a === b).toBe(isSame);
        for (const matcher of [exactScopes, patternScopes]) expect(matcher.overlaps(a, b)).toBe(isSame);
      }),
      { numRuns: 5_000 },
    );
  });

  it('L24 have one text for each list of parts: what decodes encodes to the same text', () => {
    const text = fc
      .array(fc.string({ unit: fc.constantFrom(...'~a2AfF7Ec3B0', '~7E', '~2A', '~C3~A9', '~'), minLength: 1, maxLength: 5 }), {
        minLength: 1,
        maxLength: 3,
      })
      .map((segments) => segments.join(':'));
    let decodedOnes = 0;
    fc.assert(
      fc.property(text, (scope) => {
        const given = decoded(scope);
        if (given === undefined) return;
        decodedOnes++;
        expect(encodeScope(...given)).toBe(scope);
      }),
      { numRuns: 5_000 },
    );
    expect(decodedOnes).toBeGreaterThan(100);
  });
});
