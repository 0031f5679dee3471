import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areEqualBytes, macOf } from '../../src/core/mac.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

describe('macOf()', () => {
  // RFC 4231, the cases whose data is text (1, 2, 6, 7).
  for (const [n, key, text, mac] of [
    [1, '0b'.repeat(20), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [2, '4a656665', 'what do ya want for nothing?', '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    [
      6,
      'aa'.repeat(131),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
    [
      7,
      'aa'.repeat(131),
      'This is a test using a larger than block-size key and a larger than block-size data. ' +
        'The key needs to be hashed before being used by the HMAC algorithm.',
      '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    ],
  ] as const) {
    it(`is that of RFC 4231, case ${n}`, () => {
      expect(hex(macOf(bytesOf(key), text))).toBe(mac);
    });
  }

  it('is that of node:crypto, for any key and any text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'grapheme', maxLength: 300 }), (key, text) => {
        expect(hex(macOf(key, text))).toBe(createHmac('sha256', key).update(text, 'utf8').digest('hex'));
      }),
    );
  });
});

describe('areEqualBytes()', () => {
  it('is true only for equal bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(areEqualBytes(a, Uint8Array.from(a))).toBe(true);
        expect(areEqualBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
      }),
    );
  });

  it('detects one changed bit, at any position', () => {
    const mac = macOf(new Uint8Array(32), 'x');
    for (let bit = 0; bit < 256; bit++) {
      const other = Uint8Array.from(mac);
      other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(areEqualBytes(mac, other)).toBe(false);
    }
  });

  it('detects bytes that are shorter or longer, also by zeros', () => {
    for (const [a, b] of [
      [[], [0]],
      [[0], []],
      [[1, 2], [1]],
      [[1], [1, 2]],
      [
        [1, 0],
        [1, 0, 0],
      ],
      [
        [1, 0, 0],
        [1, 0],
      ],
    ] as const) {
      expect(areEqualBytes(Uint8Array.from(a), Uint8Array.from(b))).toBe(false);
    }
  });
});
