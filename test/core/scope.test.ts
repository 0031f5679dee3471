import { afterEach, describe, expect, it, vi } from 'vitest';
import { exactScopes, isPattern, isScope, patternScopes, readPattern, readScope, scopeLists } from '../../src/core/scope.js';
import type { ScopeMatcher } from '../../src/core/ports.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** 2 + 1 + 253 = 256 characters: the longest name of Kubernetes, behind a type. */
const LONGEST = `po:${'s'.repeat(253)}`;

const scopes: readonly [string, unknown][] = [
  ['one segment', 'a'],
  ['two segments', 'db-prod:write'],
  ['all characters of the grammar', 'AZaz09_.~@/+=-:AZaz09_.~@/+=-'],
  ['segments that look like something else', '__proto__:constructor:..:/:~:-:0'],
  ['a segment of 256', 's'.repeat(256)],
  ['segments of 127 and 128', `${'s'.repeat(127)}:${'s'.repeat(128)}`],
  ['16 segments', Array(16).fill('a').join(':')],
  ['256 characters', LONGEST],
];

const patterns: readonly [string, unknown][] = [
  ['* alone', '*'],
  ['** alone', '**'],
  ['* in each place', '*:*:*'],
  ['* first', '*:read'],
  ['** last', 'a:**'],
  ['* and then **', 'a:*:**'],
  ['15 segments and **', [...Array<string>(15).fill('a'), '**'].join(':')],
];

/** Values that are neither a scope nor a pattern, from hostile-inputs. */
const malformed: readonly [string, unknown][] = [
  ['nothing', ''],
  ['spaces', '   '],
  ['an empty segment at the end', 'a:'],
  ['an empty segment at the start', ':a'],
  ['an empty segment inside', 'a::b'],
  ['a colon', ':'],
  ['a wildcard within a segment', 'a*'],
  ['a wildcard before letters', '*a'],
  ['three stars', '***'],
  ['** before the end', '**:a'],
  ['** in the middle', 'a:**:b'],
  ['an empty segment after *', 'a:*:'],
  ['a segment of 257', 's'.repeat(257)],
  ['17 segments', Array(17).fill('a').join(':')],
  ['257 characters', `${LONGEST}s`],
  ['NUL', 'a:b\u0000:c'],
  ['a line break at the end', 'a:b\n'],
  ['a line break inside', 'a\nb'],
  ['a line separator', 'a:b\u2028'],
  ['a bidi override', 'a:\u202eb'],
  ['a zero-width space', 'a:\u200bb'],
  ['a soft hyphen', 'a\u00ad:b'],
  ['a Cyrillic а', '\u0430:b'],
  ['NFC é', 'caf\u00e9'],
  ['NFD é', 'cafe\u0301'],
  ['a full-width letter', '\uff41:b'],
  ['the Kelvin sign, which folds to k', '\u212a'],
  ['the long s, which folds to s', '\u017f'],
  ['a lone surrogate', 'a:\ud800'],
  ['an emoji', 'a:🎉'],
  ['a Redis slot', '{tag}'],
  ['SQL LIKE', 'a:b%'],
  ['a glob', 'a:?'],
  ['a character class', 'a:[bc]'],
  ['a backslash', 'a\\b'],
  ['a comma', 'a,b'],
  ['a space inside', 'a b'],
  ['a space at the end', 'a '],
  ['a tab', 'a\t'],
  ['quotes', '"a"'],
  ['1 MiB of letters', 'a'.repeat(1_048_576)],
  ['100,000 segments', Array(100_000).fill('a').join(':')],
  ['100,000 stars', Array(100_000).fill('*').join(':')],
  ['a list with a scope', ['a:b']],
  ['a String object', new String('a:b')],
  ['an object that converts to a scope', { toString: () => 'a:b' }],
  ['undefined', undefined],
  ['null', null],
  ['a number', 5],
  ['a bigint', 5n],
  ['true', true],
  ['a symbol', Symbol('a')],
  ['a function', () => 'a'],
];

describe('isScope() and readScope()', () => {
  it.each(scopes)('L23 accepts %s', (_, scope) => {
    expect(isScope(scope)).toBe(true);
    expect(readScope('scope', scope)).toBe(scope);
  });

  it.each([...patterns, ...malformed])('L23 refuses %s', (_, scope) => {
    expect(isScope(scope)).toBe(false);
    expect(() => readScope('scopes[2]', scope)).toThrow(
      expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'scopes[2]' }),
    );
  });

  it('L23 accepts exactly the characters of the grammar, and joins segments only by ":"', () => {
    for (let code = 0; code < 0x10000; code++) {
      const char = String.fromCharCode(code);
      const isInSegment = /^[A-Za-z0-9_.~@/+=-]$/.test(char);
      expect([code, isScope(char), isScope(`a${char}a`)]).toEqual([code, isInSegment, isInSegment || char === ':']);
    }
  });

  it('[FE12] L23 bounds a segment only by the scope: the longest Kubernetes name fits, and a pattern covers it', () => {
    expect(isScope(LONGEST)).toBe(true);
    expect(patternScopes.covers('po:*', LONGEST)).toBe(true);
    expect(patternScopes.covers(LONGEST, LONGEST)).toBe(true);
    expect(exactScopes.covers(LONGEST, LONGEST)).toBe(true);
    expect(isScope(`${LONGEST}s`)).toBe(false);
  });

  it.each(['arn:aws:iam::123:role/Admin', 'Order#42', 'a b', 'x'.repeat(257)])(
    '[NC12] the refusal of a name of another system names encodeScope: %s',
    (name) => {
      for (const read of [readScope, readPattern]) expect(() => read('scope', name)).toThrow(/encodeScope\(\.\.\.parts\)/);
    },
  );

  it('[NC12] the refusal of a pattern does not: a pattern is no name of another system', () => {
    expect(() => readScope('scope', 'db:*')).toThrow(/, and no pattern here; got/);
  });

  it('L23 distinguishes case', () => {
    expect(exactScopes.covers('DB:write', 'db:write')).toBe(false);
    expect(patternScopes.overlaps('DB:*', 'db:*')).toBe(false);
  });
});

describe('isPattern() and readPattern()', () => {
  it.each([...scopes, ...patterns])('L23 accepts %s', (_, pattern) => {
    expect(isPattern(pattern)).toBe(true);
    expect(readPattern('scope', pattern)).toBe(pattern);
  });

  it.each(malformed)('L23 refuses %s', (_, pattern) => {
    expect(isPattern(pattern)).toBe(false);
    expect(() => readPattern('standing', pattern)).toThrow(
      expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'standing' }),
    );
  });
});

const matchers: readonly [string, ScopeMatcher][] = [
  ['exactScopes', exactScopes],
  ['patternScopes', patternScopes],
];

describe.each(matchers)('%s', (_, matcher) => {
  it.each(malformed)('L20 matches nothing for %s, not even itself', (_, hostile) => {
    const other = hostile as string;
    for (const scope of ['a', 'a:b', other]) {
      expect(matcher.covers(scope, other)).toBe(false);
      expect(matcher.covers(other, scope)).toBe(false);
      expect(matcher.overlaps(scope, other)).toBe(false);
      expect(matcher.overlaps(other, scope)).toBe(false);
    }
  });

  it('is frozen', () => {
    expect(Object.isFrozen(matcher)).toBe(true);
  });

  it('L22 builds no regular expression, and does not look at text longer than 256 characters', () => {
    const build = vi.fn(() => {
      throw new Error('built from input');
    });
    vi.stubGlobal('RegExp', build);
    const split = vi.spyOn(String.prototype, 'split');
    for (const long of [
      'a'.repeat(257),
      'a'.repeat(1_048_576),
      'a*'.repeat(500_000),
      Array(500_000).fill('*').join(':'),
      '('.repeat(1_048_576),
    ]) {
      for (const other of ['**', long]) {
        expect(matcher.covers(other, long)).toBe(false);
        expect(matcher.covers(long, other)).toBe(false);
        expect(matcher.overlaps(long, other)).toBe(false);
      }
    }
    expect(matcher.covers(LONGEST, LONGEST)).toBe(true);
    const splits = split.mock.calls.length;
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
    expect(build).not.toHaveBeenCalled();
    expect(splits).toBeLessThanOrEqual(2);
  });
});

describe('exactScopes', () => {
  it('L21 covers exactly the named scope', () => {
    expect(exactScopes.exact).toBe(true);
    expect(exactScopes.covers('a:b', 'a:b')).toBe(true);
    expect(exactScopes.overlaps('a:b', 'a:b')).toBe(true);
    for (const other of ['a', 'a:b:c', 'b:a', 'a:B']) {
      expect(exactScopes.covers('a:b', other)).toBe(false);
      expect(exactScopes.overlaps('a:b', other)).toBe(false);
    }
  });

  it('L21 matches no pattern', () => {
    for (const pattern of ['*', '**', 'a:*']) {
      expect(exactScopes.covers(pattern, 'a')).toBe(false);
      expect(exactScopes.covers(pattern, pattern)).toBe(false);
      expect(exactScopes.overlaps(pattern, pattern)).toBe(false);
    }
  });
});

describe('patternScopes', () => {
  it('is not exact', () => {
    expect(patternScopes.exact).toBe(false);
  });

  it.each<[string, string, boolean, boolean]>([
    // left, right, covers, overlaps
    ['a:b', 'a:b', true, true],
    ['*', 'a', true, true],
    ['*', 'a:b', false, false],
    ['*:*', 'a', false, false],
    ['**', 'a:b:c', true, true],
    ['a:**', 'a', false, false],
    ['a:**', 'a:b', true, true],
    ['a:**', 'a:b:c', true, true],
    ['a:*', 'a:**', false, true],
    ['a:**', 'a:*', true, true],
    ['*:**', '**', false, true],
    ['**', '*:**', true, true],
    ['*:read', 'db:*', false, true],
    ['*:read', 'db:read', true, true],
    ['db:read', '*:read', false, true],
    ['*:read', '*:write', false, false],
    ['a:*:c', 'a:b:*', false, true],
  ])('L21 %s against %s: covers %s, overlaps %s', (left, right, covers, overlaps) => {
    expect(patternScopes.covers(left, right)).toBe(covers);
    expect(patternScopes.overlaps(left, right)).toBe(overlaps);
    expect(patternScopes.overlaps(right, left)).toBe(overlaps);
  });

  /*
   * The definition, by enumeration: every scope of up to five segments over the three letters of the patterns and a fourth one.
   * Five segments, because `x:x:x:**` reaches five; the fourth letter, because `*` also reaches a letter that no pattern names.
   */
  const sequences = (letters: readonly string[], length: number): readonly (readonly string[])[] =>
    length === 0 ? [[]] : sequences(letters, length - 1).flatMap((head) => letters.map((letter) => [...head, letter]));
  const universe = [1, 2, 3, 4, 5].flatMap((length) => sequences(['a', 'b', 'c', 'z'], length));
  const all = [1, 2, 3, 4].flatMap((length) =>
    sequences(['a', 'b', 'c', '*'], length - 1).flatMap((head) => ['a', 'b', 'c', '*', '**'].map((last) => [...head, last])),
  );
  const means = (pattern: readonly string[], scope: readonly string[]): boolean => {
    const [first, ...rest] = pattern;
    if (first === undefined) return scope.length === 0;
    if (first === '**') return scope.length > 0;
    return scope.length > 0 && (first === '*' || first === scope[0]) && means(rest, scope.slice(1));
  };
  /** For each pattern, a bit for each scope that it reaches. */
  const reached = all.map((pattern) => BigInt(`0b${universe.map((scope) => (means(pattern, scope) ? '1' : '0')).join('')}`));

  it('L21 agrees with the definition on every pair of patterns over three letters up to four segments', () => {
    expect(all).toHaveLength(425);
    const wrong: string[] = [];
    for (const [i, left] of all.entries()) {
      for (const [j, right] of all.entries()) {
        const [l, r] = [left.join(':'), right.join(':')];
        const both = reached[i]! & reached[j]!;
        if (patternScopes.covers(l, r) !== (both === reached[j])) wrong.push(`${l} covers ${r}`);
        if (patternScopes.overlaps(l, r) !== both > 0n) wrong.push(`${l} overlaps ${r}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('L21 exact scopes agree with it on every pair of scopes over three letters up to four segments', () => {
    const named = universe.filter((scope) => scope.length <= 4 && !scope.includes('z')).map((scope) => scope.join(':'));
    expect(named).toHaveLength(120);
    const wrong = named.flatMap((left) =>
      named.filter(
        (right) => exactScopes.covers(left, right) !== (left === right) || exactScopes.overlaps(left, right) !== (left === right),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('L21 agrees with the definition on every scope up to five segments', () => {
    const wrong: string[] = [];
    const scopes = universe.map((scope) => scope.join(':'));
    for (const [i, pattern] of all.entries()) {
      const wide = pattern.join(':');
      const bits = scopes.map((scope) => (patternScopes.covers(wide, scope) ? '1' : '0')).join('');
      if (BigInt(`0b${bits}`) !== reached[i]) wrong.push(wide);
    }
    expect(wrong).toEqual([]);
  });
});

describe('exactScopes', () => {
  it('calls no scope wide: an asterisk in a scope is an ordinary character (L21)', () => {
    expect(exactScopes.isWide?.('a:*')).toBe(false);
  });
});

describe('patternScopes', () => {
  it('calls a scope wide if it has an asterisk, and no other (L21)', () => {
    expect(['a:b', 'a:*', 'a:**'].map((scope) => patternScopes.isWide?.(scope))).toEqual([false, true, true]);
  });
});

describe('scopeLists()', () => {
  it('L22 compares as patternScopes does, also scopes that are malformed, and splits each text once', () => {
    const texts = ['a', 'b', 'a:b', 'a:*', 'a:**', '**', '*', '*:b', 'a:', '', 'a b', 7 as unknown as string];
    for (const matcher of [undefined, exactScopes, patternScopes]) {
      const lists = scopeLists(matcher);
      for (const a of texts)
        for (const b of texts)
          expect([a, b, lists.covers(a, b), lists.overlaps(a, b)]).toEqual([
            a,
            b,
            patternScopes.covers(a, b),
            patternScopes.overlaps(a, b),
          ]);
    }
    const lists = scopeLists();
    const split = vi.spyOn(String.prototype, 'split');
    for (let i = 0; i < 100; i++) lists.covers('a:*', 'a:b');
    const splits = split.mock.calls.length;
    vi.restoreAllMocks();
    expect(splits).toBe(2);
  });

  it('asks any other matcher too', () => {
    const never = { name: 'never', exact: false, covers: (a: string, b: string) => a === 'x' && b === 'y', overlaps: () => true };
    const { covers, overlaps } = scopeLists(never);
    expect([covers('x', 'y'), covers('y', 'x'), covers('a:*', 'a:b'), overlaps('x', 'y')]).toEqual([true, false, true, true]);
  });
});
