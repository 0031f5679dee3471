import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64Url, toBase64Url } from '../../src/engine/base64url.js';

describe('toBase64Url()', () => {
  it('writes what Node writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
      }),
    );
  });

  it('writes every byte, in each of the three places', () => {
    for (let byte = 0; byte < 256; byte++) {
      for (const bytes of [[byte], [0, byte], [0, 0, byte], [byte, byte, byte, byte]]) {
        expect(toBase64Url(Uint8Array.from(bytes))).toBe(Buffer.from(bytes).toString('base64url'));
      }
    }
  });
});

describe('fromBase64Url()', () => {
  it('gives back what was written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
      }),
    );
  });

  it('accepts exactly one text for any bytes: whatever it reads, writing gives that text', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ABab01-_+/= .\n\0é'), maxLength: 12 });
    fc.assert(
      fc.property(text, (given) => {
        const bytes = fromBase64Url(given);
        if (bytes === undefined) expect(Buffer.from(given, 'base64url').toString('base64url')).not.toBe(given);
        else expect(Buffer.from(bytes).toString('base64url')).toBe(given);
      }),
      { numRuns: 1_000 },
    );
  });

  for (const [what, texts] of [
    ['padding', ['QQ==', 'QUI=', 'QQ=', 'QQ====', '=', '====', 'QUJD=']],
    ['bits that are left over', ['QR', 'Qf', 'QUJ', 'QUL', 'AB']],
    ['a lone last digit', ['A', 'QUJDA', 'AAAAA']],
    ['the alphabet of plain base64', ['+w', '/w', 'a+b/']],
    ['space and line ends', ['QQ ', ' QQ', 'QQ\n', 'Q Q', 'QQ\0']],
    ['look-alikes', ['ＱＱ', 'QQ\u200b', '\u0410A', 'QQ\ud800']],
  ] as const) {
    it(`refuses ${what}`, () => {
      for (const text of texts) expect(fromBase64Url(text)).toBeUndefined();
    });
  }

  it('reads the empty text as no bytes', () => {
    expect(fromBase64Url('')).toEqual(new Uint8Array());
  });
});
