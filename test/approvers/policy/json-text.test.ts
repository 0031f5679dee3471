import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../src/approvers/policy/json-text.js';

const outcomeOf = (read: () => unknown): { value: unknown } | 'no JSON' => {
  try {
    return { value: read() };
  } catch {
    return 'no JSON';
  }
};
const json = fc.jsonValue({ maxDepth: 5 });
/** Tokens of JSON, and text that resembles them. */
const scrap = fc.constantFrom(
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u12',
  '\n',
  ' ',
  '-',
  '0',
  '1.',
  'e5',
  'true',
  'nul',
  '\u00a0',
  '//',
);

describe('parseJson()', () => {
  it('accepts the same text as JSON.parse, with the same result', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 2, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it('refuses the same text as JSON.parse, and names the position', () => {
    let refused = 0;
    fc.assert(
      fc.property(json, scrap, fc.nat(), fc.nat(3), (value, piece, at, cut) => {
        const whole = JSON.stringify(value, null, 1);
        const place = at % (whole.length + 1);
        const text = whole.slice(0, place) + piece + whole.slice(place + cut);
        const [theirs, ours] = [outcomeOf(() => JSON.parse(text)), outcomeOf(() => parseJson(text))];
        if (theirs === 'no JSON') {
          refused += 1;
          expect(() => parseJson(text)).toThrow(
            /^policy must be valid JSON(?:, for example readFileSync\(path, 'utf8'\))?; got a syntax error at line \d+, column \d+$|set only once; got a second value/,
          );
          // A duplicate field is the only input that JSON.parse accepts and parseJson refuses.
        } else if (ours === 'no JSON') expect(() => parseJson(text)).toThrow(/set only once; got a second value at line \d+, column \d+$/);
        else expect(ours).toEqual(theirs);
      }),
      { numRuns: 2_000 },
    );
    expect(refused).toBeGreaterThan(500);
  });

  it.each([
    ['at the top', '{\n"a": 1,\n"a": 1}', 'a must be set only once; got a second value at line 3, column 1'],
    ['deep inside', '{"rules": [{}, {"id": 1,\n  "id": 2}]}', 'rules[1].id must be set only once; got a second value at line 2, column 3'],
    ['in other letters', '{"a": 1, "\\u0061": 1}', 'a must be set only once; got a second value at line 1, column 10'],
    ['as __proto__', '{"__proto__": 1, "__proto__": 1}', '__proto__ must be set only once; got a second value at line 1, column 18'],
    ['nothing', '', "policy must be valid JSON, for example readFileSync(path, 'utf8'); got a syntax error at line 1, column 1"],
    [
      '[NC11] the path of a file',
      'policy.json',
      "policy must be valid JSON, for example readFileSync(path, 'utf8'); got a syntax error at line 1, column 1",
    ],
    ['truncated text', '{"rules": [', 'policy must be valid JSON; got a syntax error at line 1, column 12'],
    ['text after the value', '{}\n{}', 'policy must be valid JSON; got a syntax error at line 2, column 1'],
    ['an invalid escape', '{"a":\n "\\x"}', 'policy must be valid JSON; got a syntax error at line 2, column 2'],
    ['an unknown word', '{\n "rules": [\n  { "id": oops }\n]}', 'policy must be valid JSON; got a syntax error at line 3, column 11'],
    [
      'more levels than a policy has',
      '['.repeat(100_000),
      '[0][0][0][0][0][0][0][0][0][0] must be nested at most 10 levels deep; got more levels',
    ],
  ])('names the problem: %s', (_, text, message) => {
    expect(() => parseJson(text)).toThrow(new RegExp(`^${message.replace(/[[\](){}.*+?^$|\\]/g, '\\$&')}$`));
  });

  it('accepts the same field in two objects', () => {
    const text = '{"a": {"a": [{"b": 1}, {"b": 2}]}, "b": {"a": 1}}';
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });
});
