import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactScopes, isPattern, isScope, patternScopes } from '../../src/core/scope.js';

const letters = [...'ABCabc019_.~@/+=-'];
const word = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 15 });
const segment = fc.oneof(fc.constantFrom('a', 'b'), word);
const scope = fc.array(segment, { minLength: 1, maxLength: 16 }).map((segments) => segments.join(':'));

/** Patterns over few letters, so that they often overlap; some end in `**`. */
const pattern = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 5 }), fc.constantFrom('a', 'b', '*', '**'))
  .map(([head, last]) => [...head, last].join(':'));

/** A covering pattern, made from a covered one: segments become `*`, a tail becomes `**`. */
const widened = fc
  .tuple(pattern, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), fc.nat({ max: 6 }))
  .map(([narrow, stars, cut]) => {
    const wide = narrow.split(':').map((part, i) => (stars[i] && part !== '**' ? '*' : part));
    return { narrow, wide: cut < wide.length ? [...wide.slice(0, cut), '**'].join(':') : wide.join(':') };
  });

/** A scope that a pattern covers. */
const within = fc.tuple(pattern, fc.array(segment, { minLength: 6, maxLength: 9 })).map(([wide, parts]) => {
  const filled = wide.split(':').flatMap((part, i) => (part === '**' ? parts.slice(i) : [part === '*' ? parts[i]! : part]));
  return { wide, concrete: filled.join(':') };
});

const covers = (a: string, b: string): boolean => patternScopes.covers(a, b);
const overlaps = (a: string, b: string): boolean => patternScopes.overlaps(a, b);

describe('the grammar of scopes', () => {
  it('L23 text that the grammar makes is accepted, as a scope and as a pattern', () => {
    fc.assert(
      fc.property(scope, (text) => {
        expect(isScope(text)).toBe(text.length <= 256);
        expect(isPattern(text)).toBe(text.length <= 256);
      }),
    );
  });

  it('L23 accepted text has no part outside the grammar', () => {
    const near = fc.string({ unit: fc.constantFrom(...'ab:*', '\n', '\u0430', ' ', '\0'), maxLength: 8 });
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: 'binary' })), (text) => {
        const parts = text.split(':');
        const words = parts.every(
          (part) => part.length > 0 && [...part].every((letter) => /[A-Za-z0-9]/.test(letter) || '_.~@/+=-'.includes(letter)),
        );
        expect(isScope(text)).toBe(words);
        const starred = parts.map((part, i) => (part === '*' || (part === '**' && i === parts.length - 1) ? 'x' : part)).join(':');
        expect(isPattern(text)).toBe(isScope(starred));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('patternScopes', () => {
  it('L21 covers is reflexive', () => {
    fc.assert(fc.property(fc.oneof(pattern, scope.filter(isScope)), (a) => covers(a, a)));
  });

  it('L21 covers is transitive', () => {
    fc.assert(
      fc.property(pattern, pattern, pattern, (a, b, c) => {
        if (covers(a, b) && covers(b, c)) expect(covers(a, c), `${a} covers ${b} covers ${c}`).toBe(true);
      }),
      { numRuns: 20_000 },
    );
    fc.assert(
      fc.property(widened, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), ({ narrow, wide }, stars) => {
        const wider = wide
          .split(':')
          .map((part, i) => (stars[i] && part !== '**' ? '*' : part))
          .join(':');
        expect(covers(wider, wide) && covers(wide, narrow)).toBe(true);
        expect(covers(wider, narrow)).toBe(true);
      }),
    );
  });

  it('L21 covers one way only, unless both are the same', () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        if (covers(a, b) && covers(b, a)) expect(a).toBe(b);
      }),
      { numRuns: 5_000 },
    );
  });

  it('L21 overlaps is symmetric', () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        expect(overlaps(a, b)).toBe(overlaps(b, a));
      }),
      { numRuns: 5_000 },
    );
  });

  it('L21 overlaps is implied by covers', () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        if (covers(a, b)) expect(overlaps(a, b)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
    fc.assert(fc.property(widened, ({ narrow, wide }) => covers(wide, narrow) && overlaps(wide, narrow) && overlaps(narrow, wide)));
  });

  it('L21 a pattern covers each scope made by filling it in, and two patterns that cover one scope overlap', () => {
    fc.assert(
      fc.property(within, pattern, ({ wide, concrete }, other) => {
        expect(covers(wide, concrete)).toBe(isScope(concrete));
        if (covers(other, concrete)) expect(overlaps(wide, other)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it('L21 a pattern that overlaps the narrower overlaps the wider: a deny rule reaches at least as far as an approve rule', () => {
    fc.assert(
      fc.property(widened, pattern, ({ narrow, wide }, deny) => {
        if (overlaps(deny, narrow)) expect(overlaps(deny, wide)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it('L21 agrees with exactScopes on scopes without wildcards', () => {
    const plain = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(':'));
    fc.assert(
      fc.property(plain, plain, (a, b) => {
        expect(covers(a, b)).toBe(exactScopes.covers(a, b));
        expect(overlaps(a, b)).toBe(exactScopes.overlaps(a, b));
      }),
    );
  });
});
