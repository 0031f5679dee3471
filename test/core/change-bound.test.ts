import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_CHANGE, excessOf } from '../../src/core/change-size.js';
import { aChange, anEntry, aRow } from '../../src/testing.js';

const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;

/** A change whose JSON has exactly so many bytes, most of them as this text. */
function changeOf(bytes: number, unit: string) {
  const withText = (text: string) => aChange({ id: 'c', put: [aRow({ body: { text } })] });
  const perUnit = bytesOf(unit) - 2;
  const left = bytes - bytesOf(withText(''));
  return withText(unit.repeat(Math.floor(left / perUnit)) + 'x'.repeat(left % perUnit));
}

it.each(['x', '\u0001', '\ud800', '\u20ac', '\u{1f511}', '"'])('counts the bytes of %j exactly at the limit of a change (L42)', (unit) => {
  const most = changeOf(MAX_CHANGE.bytes, unit);
  expect(bytesOf(most)).toBe(MAX_CHANGE.bytes);
  expect(excessOf(most)).toBeUndefined();
  expect(excessOf(changeOf(MAX_CHANGE.bytes + 1, unit))).toEqual({
    part: 'bytes of JSON',
    got: MAX_CHANGE.bytes + 1,
    max: MAX_CHANGE.bytes,
  });
});

it('refuses a value that is larger as JSON than its fields, and one that has no JSON', () => {
  const large = { toJSON: () => 'x'.repeat(MAX_CHANGE.bytes) };
  expect(excessOf(aChange({ append: [anEntry({ data: { large } as never })] }))).toMatchObject({ part: 'bytes of JSON' });
  expect(() => excessOf(aChange({ append: [anEntry({ data: { large: 1n } as never })] }))).toThrow(TypeError);
});

it('accepts each small change with any JSON in it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(excessOf(aChange({ append: [anEntry({ data: { value } as never })] }))).toBeUndefined();
    }),
  );
});
