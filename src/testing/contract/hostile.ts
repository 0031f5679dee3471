import type { JsonObject } from '../../model/json.js';

/**
 * Strings that only a comparison byte by byte distinguishes: those that some database folds, trims, cuts or interprets.
 * Strings that the engine refuses as input (controls, lone surrogates) are not included.
 */
export const HOSTILE_STRINGS: readonly string[] = [
  // Names of properties that every JavaScript object inherits.
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  // Case, spaces, and texts that look like numbers or like missing values.
  'alice',
  'Alice',
  'ALICE',
  'alice ',
  '1',
  '01',
  '1.0',
  'null',
  'undefined',
  'NaN',
  'true',
  '0',
  // Texts with a meaning in SQL, LIKE, Redis, JSON or paths.
  "'",
  "o'hara; DROP TABLE rows; --",
  '"',
  '`',
  '\\',
  '\\\\',
  '%',
  'a%',
  '_',
  'a_',
  '*',
  '?',
  '[a]',
  '{tag}',
  '{tag}:a',
  '$1',
  '{{x}}',
  '../..',
  '[1,"grant","x"]',
  '\t',
  // Composed and decomposed forms, and letters that case folding makes equal.
  '\u00e9',
  'e\u0301',
  'ß',
  'ss',
  'İ',
  'i',
  'I',
  'ı',
  'ﬁ',
  'fi',
  '\u0430', // Cyrillic
  'a',
  // UTF-16 sorts these two in the opposite order of UTF-8.
  '\u{1f511}',
  '\uff5e',
  '\u{1f469}\u200d\u{1f680}',
  // Long, and different only at the end; 300 UTF-16 units, which are up to 900 bytes.
  'x'.repeat(299) + 'a',
  'x'.repeat(299) + 'b',
  '\u4e00'.repeat(300),
  '\u{1f511}'.repeat(150),
];

/** A store that joins the parts of a key with one of these separators could give two keys the same text. */
export const SEPARATORS: readonly string[] = [':', '.', '/', '|', '-', '_', ',', ' ', '#', '\\', '"', '', '::'];

/** JSON that a store must return unchanged. */
export const EXTREME_JSON: JsonObject = {
  numbers: [0, 1, -1, 0.1, 1e-7, 1e21, 5e-324, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 31, 2 ** 32],
  strings: [
    '',
    ' ',
    '"',
    '\\',
    '\n\r\t',
    '\u0001',
    '\u2028\u2029',
    'é',
    'e\u0301',
    '\u{1f511}',
    '%s',
    '2026-01-01T00:00:00Z',
    '12',
    'null',
  ],
  empty: { object: {}, list: [], nothing: null, text: '', '': 'an empty key' },
  truth: [true, false, null],
  keys: { constructor: 1, toString: 2, 'a.b': 3, $set: 4, ' ': 5, '10': 6, '9': 7 },
  nested: { a: [{ b: [{ c: [{ d: [[[[{ e: 'deep' }]]]] }] }] }] },
  long: 'x'.repeat(8_192),
};
