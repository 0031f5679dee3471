import { describe, expect, it, vi } from 'vitest';
import type { JsonValue, Row } from '../../src/index.js';
import { decodeGrant, encode, frozenCopy, FrozenRow, type Grant } from '../../src/records/index.js';
import { aGrant, aRow } from '../../src/testing.js';

const JUNK = 'vandalised';

/** Tries to change everything in a value, all the way down, its prototype too. */
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

describe('SettledRow', () => {
  it('is equal to the row that it was made from, and shares nothing with it', () => {
    const row = { ...aRow(), body: { list: [{ a: [1, { b: 'c' }] }], nothing: null, yes: true } };
    const before = structuredClone(row);
    const settled = new FrozenRow(row);
    vandalise(row);
    expect({ ...settled }).toEqual(before);
  });

  it('can not be changed', () => {
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

  it('L30 is malformed at every look, where it is malformed', () => {
    const settled = new FrozenRow({ ...encode(aGrant()), until: 8e15 });
    for (let look = 0; look < 3; look++) expect(() => decodeGrant(settled)).toThrow(expect.objectContaining({ code: 'ERR_JIT_CORRUPT' }));
  });

  it('L30 lends its memory to no other row: one that was made from it is decoded anew', () => {
    const settled = new FrozenRow(encode(aGrant()));
    expect(decodeGrant(settled)).toEqual(aGrant());
    const soon = { until: 8e15, dueAt: 8e15 };
    const others = [
      { ...settled, ...soon },
      Object.create(settled, { until: { value: 8e15 } }) as Row,
      new FrozenRow({ ...settled, ...soon }),
    ];
    for (const other of others) expect(() => decodeGrant(other)).toThrow(expect.objectContaining({ code: 'ERR_JIT_CORRUPT' }));
    // A proxy of what is frozen can't say anything else than what is there, and is decoded all the same.
    const proxy = new Proxy(settled, {});
    expect(decodeGrant(proxy)).not.toBe(decodeGrant(settled));
    expect(decodeGrant(proxy)).toEqual(decodeGrant(settled));
  });

  it('remembers a grant that nobody can change', () => {
    const grant: Grant = decodeGrant(
      new FrozenRow(encode(aGrant({ extends: 'r0.1', firstStartsAt: 1, successors: [{ grantId: 'r2.1', at: 1 }] }))),
    );
    const before = structuredClone(grant);
    vandalise(grant);
    expect(structuredClone(grant)).toEqual(before);
  });
});

describe('frozenCopy()', () => {
  it('keeps a key that is the name of the prototype, as a key', () => {
    const copy = frozenCopy(JSON.parse('{"__proto__":{"a":1},"b":[{"__proto__":null}]}') as JsonValue);
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"a":1},"b":[{"__proto__":null}]}');
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  });
});
