import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromColumn, toColumn } from '../../../src/stores/sql/order.js';

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom('a', '\ud7ff', '\ue000', '\uff5e', '\uffff', '\u{10000}', '\u{10fffe}', '\u{10ffff}', '\u0001'),
    maxLength: 6,
  }),
);

describe('an id in a column', () => {
  it('sorts as UTF-8 bytes in the order of the ids as UTF-16 units', () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        const bytes = Math.sign(Buffer.compare(Buffer.from(toColumn(a)), Buffer.from(toColumn(b))));
        expect(bytes).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
      { numRuns: 5_000 },
    );
  });

  it('is the same id after a round trip', () => {
    fc.assert(
      fc.property(texts, (id) => fromColumn(toColumn(id)) === id),
      { numRuns: 2_000 },
    );
  });

  it.each(['user:maya', 'o\u2019hara', '\u4e00', 'é', '\u{1f511}', '', '-1'])('is stored unchanged where both orders agree: %s', (id) => {
    expect(toColumn(id)).toBe(id);
  });
});
