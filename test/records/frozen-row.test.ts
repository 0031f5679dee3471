import { describe, expect, it, vi } from 'vitest';
import type { JsonValue } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { decodeGrant, encode, frozenCopy, FrozenRow, type Grant } from '../../src/records/index.js';
import { aGrant, aRow } from '../../src/testing.js';

const JUNK = 'vandalised';

/** Tries to change everything in a value, deeply, its prototype too. */
function vandalise(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    vandalise(Reflect.get(value, key));
    Reflect.set(value, key, JUNK);
    Reflect.defineProperty(value, key, { value: JUNK });
    Reflect.deleteProperty(value, key);
  }
  Reflect.set(value, 'added', JUNK);
  Reflect.setPrototypeOf(value, null);
}

describe('FrozenRow', () => {
  it('is equal to the row from which it was made, and shares no object with it', () => {
    const row = { ...aRow(), body: { list: [{ a: [1, { b: 'c' }] }], nothing: null, yes: true } };
    const before = structuredClone(row);
    const settled = new FrozenRow(row);
    vandalise(row);
    expect({ ...settled }).toEqual(before);
  });

  it('cannot be changed', () => {
    const settled = new FrozenRow(aRow({ body: { list: [{ a: [1] }], deep: { deeper: {} } } }));
    const before = structuredClone(settled);
    vandalise(settled);
    expect(structuredClone(settled)).toEqual(before);
  });

  it('is decoded once', () => {
    const decode = vi.fn((row: Row) => aGrant({ id: row.id }));
    const [a, b] = [new FrozenRow(aRow({ id: 'r1.1' })), new FrozenRow(aRow({ id: 'r2.1' }))];
    const grants = [a, b, a, b].map((row) => FrozenRow.grantOf(row, decode));
    expect(decode).toHaveBeenCalledTimes(2);
    expect(grants.map(({ id }) => id)).toEqual(['r1.1', 'r2.1', 'r1.1', 'r2.1']);
    expect(grants[0]).toBe(grants[2]);
  });

  it('L30 is refused at every read if it is malformed', () => {
    const settled = new FrozenRow({ ...encode(aGrant()), until: 8e15 });
    for (let look = 0; look < 3; look++) expect(() => decodeGrant(settled)).toThrow(expect.objectContaining({ code: 'ERR_JIT_CORRUPT' }));
  });

  it('L30 caches its grant for no other row: a row made from it is decoded again', () => {
    const settled = new FrozenRow(encode(aGrant()));
    expect(decodeGrant(settled)).toEqual(aGrant());
    const soon = { until: 8e15, dueAt: 8e15 };
    const others = [
      { ...settled, ...soon },
      Object.create(settled, { until: { value: 8e15 } }) as Row,
      new FrozenRow({ ...settled, ...soon }),
    ];
    for (const other of others) expect(() => decodeGrant(other)).toThrow(expect.objectContaining({ code: 'ERR_JIT_CORRUPT' }));
    // A proxy of a frozen row can only return its values, and is still decoded again.
    const proxy = new Proxy(settled, {});
    expect(decodeGrant(proxy)).not.toBe(decodeGrant(settled));
    expect(decodeGrant(proxy)).toEqual(decodeGrant(settled));
  });

  it('caches a grant that cannot be changed', () => {
    const grant: Grant = decodeGrant(
      new FrozenRow(encode(aGrant({ extends: 'r0.1', firstStartsAt: 1, successors: [{ grantId: 'r2.1', at: 1 }] }))),
    );
    const before = structuredClone(grant);
    vandalise(grant);
    expect(structuredClone(grant)).toEqual(before);
  });
});

describe('frozenCopy()', () => {
  it('keeps the name of the prototype as an ordinary key', () => {
    const copy = frozenCopy(JSON.parse('{"__proto__":{"a":1},"b":[{"__proto__":null}]}') as JsonValue);
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"a":1},"b":[{"__proto__":null}]}');
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  });
});
