import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frozenCopy } from '../../src/records/frozen-row.js';
import { toJson } from '../../src/records/index.js';
import type { JsonObject } from '../../src/model/json.js';

const parsed = (value: object): unknown => JSON.parse(JSON.stringify(value)) as unknown;

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}

const hostile: object[] = [
  JSON.parse('{"__proto__":{"allowed":true},"a":{"__proto__":"user:maya"},"constructor":1,"toJSON":2}') as object,
  { none: undefined, zero: -0, nan: NaN, far: Infinity, empty: '', list: [undefined, -0, [], {}], nested: { none: undefined } },
  { 10: 'ten', 9: 'nine', b: 'b', a: 'a', '\u2028': '\ud800' },
];

describe('the copies of records as JSON', () => {
  it.each([
    ['toJson', toJson],
    ['frozenCopy', (value: object) => frozenCopy(value as JsonObject)],
  ])('%s gives what the text of the JSON gives, with the fields in its order', (_, copy) => {
    const given = fc.oneof(
      fc.constantFrom(...hostile),
      fc.object({ withNullPrototype: false, values: [fc.jsonValue(), fc.constant(undefined)] }),
    );
    fc.assert(
      fc.property(given, (value) => {
        const copied = copy(value);
        expect(copied).toStrictEqual(parsed(value));
        expect(JSON.stringify(copied)).toBe(JSON.stringify(value));
        expect(Object.getPrototypeOf(copied)).toBe(Object.prototype);
      }),
    );
  });

  it('frozenCopy freezes at every depth, and shares nothing with the original', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const copied = frozenCopy(value as JsonObject, 'r1.1');
        expect(isDeeplyFrozen(copied)).toBe(true);
        expect(copied).toStrictEqual(parsed(value));
        expect(Object.isFrozen(value)).toBe(false);
      }),
    );
  });
});
