import fc from 'fast-check';
import { defaultCodec } from 'jit-access/authzen';
import { describe, expect, it } from 'vitest';
import { isScope } from '../../../src/core/scope.js';

/** Texts that other systems confuse: separators, wildcards, escapes, look-alikes, prototype names, and texts that are too long. */
const HOSTILE = [
  'record-1',
  'a:b',
  ':',
  '*',
  '**',
  '~',
  '~3A',
  '~3a',
  '%3A',
  'a b',
  ' ',
  'ä',
  'a\u0308',
  '\u0430',
  '{tag}',
  'a*',
  'x'.repeat(84),
  'x'.repeat(257),
  'ä'.repeat(43),
  '__proto__',
  'constructor',
  '\ud800',
  '\udfff',
  '\u0000',
  '\u202e',
  '',
  'a\n',
];

describe('A.5 the default codec', () => {
  it('A.5 is injective over the triples of hostile values, and never yields a wildcard', () => {
    const seen = new Map<string, string>();
    let refused = 0;
    let triples = 0;
    for (const type of HOSTILE)
      for (const id of HOSTILE)
        for (const action of HOSTILE) {
          triples += 1;
          const scope = defaultCodec.encodeScope({ type, id }, action);
          if (scope === undefined) {
            refused += 1;
            continue;
          }
          const triple = JSON.stringify([type, id, action]);
          expect(isScope(scope), triple).toBe(true);
          expect(scope.split(':')).toHaveLength(3);
          expect(seen.get(scope), triple).toBeUndefined();
          seen.set(scope, triple);
          expect(defaultCodec.decodeScope(scope)).toEqual({ resource: { type, id }, action });
        }
    expect(triples).toBe(HOSTILE.length ** 3);
    // Of 27 values, 22 can be expressed: empty texts, lone surrogates and texts of more than 256 characters cannot.
    expect(triples - refused).toBe(22 ** 3);
  });

  it('A.5 is injective and returns what it encoded for any texts', () => {
    const text = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 24 }));
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(text, text, text, (type, id, action) => {
        const scope = defaultCodec.encodeScope({ type, id }, action);
        if (scope === undefined) return;
        const triple = JSON.stringify([type, id, action]);
        expect(seen.get(scope) ?? triple).toBe(triple);
        seen.set(scope, triple);
        expect(defaultCodec.decodeScope(scope)).toEqual({ resource: { type, id }, action });
      }),
      { numRuns: 5_000 },
    );
  });

  it('A.5 encodes subjects injectively, and decodes them', () => {
    const seen = new Map<string, string>();
    for (const type of HOSTILE)
      for (const id of HOSTILE) {
        const subject = defaultCodec.encodeSubject({ type, id });
        if (subject === undefined) continue;
        expect(seen.has(subject)).toBe(false);
        seen.set(subject, JSON.stringify([type, id]));
        expect(defaultCodec.decodeSubject(subject)).toEqual({ type, id });
      }
    expect(seen.size).toBeGreaterThan(200);
    expect(defaultCodec.encodeSubject({ type: 'user', id: 'maya' })).toBe('user:maya');
    expect(defaultCodec.encodeSubject({ type: 'a:b', id: 'c' })).toBe('a~3Ab:c');
    expect(defaultCodec.encodeSubject({ type: 'a', id: 'b:c' })).toBe('a:b:c');
  });

  it.each([
    ['an empty type', { type: '', id: 'x' }],
    ['an empty id', { type: 'user', id: '' }],
    ['an id that is not in NFC', { type: 'user', id: 'a\u0308' }],
    ['more than 256 characters', { type: 'user', id: 'x'.repeat(252) }],
    ['an id of the engine itself', { type: 'system', id: 'sweeper' }],
    ['an invisible character', { type: 'user', id: 'a\u200bb' }],
  ])('A.5 does not know a subject with %s', (_, subject) => {
    expect(defaultCodec.encodeSubject(subject)).toBeUndefined();
  });

  it('A.5 decodes nothing that it did not encode', () => {
    for (const scope of ['a:b', 'a:b:c:d', '*:b:c', 'a:~3a:c', 'a:~:c', 'a:b:~61', ''])
      expect(defaultCodec.decodeScope(scope)).toBeUndefined();
    for (const subject of ['maya', ':maya', 'user:', '~61:x']) expect(defaultCodec.decodeSubject(subject)).toBeUndefined();
  });
});
