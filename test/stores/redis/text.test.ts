import { assert, constantFrom, oneof, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeOptional, decodeText, encodeOptional, encodeText } from '../../../src/stores/redis/text.js';

/** Any UTF-16, with lone surrogates, and with many characters that are encoded. */
const anyText = oneof(
  string({ unit: 'binary' }),
  string({ unit: constantFrom('\0', '\x01', '\x02', '\x03', 'a', '\ud7ff', '\ud800', '\udbff', '\udc00', '\udfff', '\ue000', '\uffff') }),
);
const bytes = (text: string) => Buffer.from(text, 'utf8');

describe('texts in Redis', () => {
  it('are unchanged after a round trip, also lone surrogates and separators', () => {
    assert(property(anyText, (text) => decodeText(bytes(encodeText(text)).toString('utf8')) === text));
  });

  it('are in the order of UTF-16 code units, byte by byte', () => {
    const sign = (order: number) => Math.sign(order);
    assert(
      property(anyText, anyText, (a, b) => {
        const order = a < b ? -1 : a > b ? 1 : 0;
        expect(sign(Buffer.compare(bytes(encodeText(a)), bytes(encodeText(b))))).toBe(order);
      }),
    );
  });

  it('contain no separator, and sort before longer keys with the same prefix', () => {
    assert(
      property(anyText, anyText, (a, rest) => {
        expect(encodeText(a)).not.toMatch(/[\0\x02]/);
        expect(Buffer.compare(bytes(`${encodeText(a)}\0z`), bytes(encodeText(`${a}\0${rest}`)))).toBe(-1);
      }),
    );
  });

  it('distinguish a missing value from an empty one', () => {
    assert(property(anyText, (text) => decodeOptional(encodeOptional(text)) === text));
    expect(decodeOptional(encodeOptional(undefined))).toBeUndefined();
    expect(encodeOptional('')).not.toBe(encodeOptional(undefined));
  });
});
