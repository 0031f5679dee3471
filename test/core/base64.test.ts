import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64, fromBase64Url, toBase64, toBase64Url } from '../../src/core/base64.js';

/** The differences between the two forms. */
const forms = [
  {
    form: 'base64',
    toText: toBase64,
    toBytes: fromBase64,
    refused: [
      ['no padding, or too much', ['QQ', 'QQ=', 'QQ===', 'QUI', 'QUI==', 'QUJD=', 'QUJD==', '=', '====', '=QQ=']],
      ['trailing bits that are not zero', ['QR==', 'Qf==', 'QUJ=', 'QUL=']],
      ['a single trailing digit', ['A', 'A===', 'QUJDA', 'QUJDA===']],
      ['the alphabet of base64url', ['-w==', '_w==', 'a-b_']],
      ['spaces and line breaks', ['QQ== ', ' QQ==', 'QQ==\n', 'Q Q=', 'QQ\0=']],
      ['look-alikes', ['ＱＱ==', 'QQ==\u200b', '\u0410A==', 'QQ\ud800=']],
    ],
  },
  {
    form: 'base64url',
    toText: toBase64Url,
    toBytes: fromBase64Url,
    refused: [
      ['padding', ['QQ==', 'QUI=', 'QQ=', 'QQ====', '=', '====', 'QUJD=']],
      ['trailing bits that are not zero', ['QR', 'Qf', 'QUJ', 'QUL', 'AB']],
      ['a single trailing digit', ['A', 'QUJDA', 'AAAAA']],
      ['the alphabet of plain base64', ['+w', '/w', 'a+b/']],
      ['spaces and line breaks', ['QQ ', ' QQ', 'QQ\n', 'Q Q', 'QQ\0']],
      ['look-alikes', ['ＱＱ', 'QQ\u200b', '\u0410A', 'QQ\ud800']],
    ],
  },
] as const;

describe.each(forms)('$form', ({ form, toText, toBytes, refused }) => {
  it('is encoded as Node encodes it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(toText(bytes)).toBe(Buffer.from(bytes).toString(form));
      }),
    );
  });

  it('is encoded for every byte, in each of the three positions', () => {
    for (let byte = 0; byte < 256; byte++) {
      for (const bytes of [[byte], [0, byte], [0, 0, byte], [byte, byte, byte, byte]]) {
        expect(toText(Uint8Array.from(bytes))).toBe(Buffer.from(bytes).toString(form));
      }
    }
  });

  it('is decoded to the encoded bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(toBytes(toText(bytes))).toEqual(bytes);
      }),
    );
  });

  it('is canonical: encoding the decoded bytes gives the same text', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ABab01-_+/= .\n\0é'), maxLength: 12 });
    fc.assert(
      fc.property(text, (given) => {
        const bytes = toBytes(given);
        if (bytes === undefined) expect(Buffer.from(given, form).toString(form)).not.toBe(given);
        else expect(Buffer.from(bytes).toString(form)).toBe(given);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each<readonly [string, readonly string[]]>(refused)('is refused with %s', (_, texts) => {
    for (const text of texts) expect(toBytes(text)).toBeUndefined();
  });

  it('decodes the empty text to no bytes', () => {
    expect(toBytes('')).toEqual(new Uint8Array());
  });
});
