import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../src/core/sha256.js';

const reference = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

/** The module as a process loads it whose runtime has these built-in modules. */
async function loadedWith(getBuiltinModule: unknown): Promise<typeof sha256Hex> {
  vi.resetModules();
  const loaded = await import('../../src/core/sha256.js');
  vi.stubGlobal('process', getBuiltinModule === undefined ? undefined : { getBuiltinModule });
  // The choice is made at the first hash.
  loaded.sha256Hex(new Uint8Array());
  vi.unstubAllGlobals();
  return loaded.sha256Hex;
}

afterEach(() => vi.unstubAllGlobals());

const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.array(fc.integer({ min: 0xd7fe, max: 0xe001 })).map(textOf));
function textOf(units: readonly number[]): string {
  return String.fromCharCode(...units);
}

describe('sha256Hex() (L26)', () => {
  it('has one answer for all bytes, from the runtime and in JavaScript', async () => {
    const portable = await loadedWith(undefined);
    const isSame = (data: Uint8Array) => {
      expect([sha256Hex(data), portable(data)]).toEqual([reference(data), reference(data)]);
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), isSame));
    for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 100_000]) isSame(new Uint8Array(length).fill(length));
    // A part of a larger buffer.
    isSame(new Uint8Array(200).fill(7).subarray(3, 75));
  });

  it('has one answer for all texts, also for those with half a surrogate pair', async () => {
    const portable = await loadedWith(undefined);
    const utf8 = new TextEncoder();
    fc.assert(
      fc.property(texts, (text) => {
        const data = utf8.encode(text);
        expect([sha256Hex(data), portable(data)]).toEqual([reference(data), reference(data)]);
      }),
    );
  });

  it('is the hash of the runtime, loaded at the first use', async () => {
    const hash = vi.fn((_: string, data: Uint8Array) => reference(data));
    const getBuiltinModule = vi.fn(() => ({ hash }));
    const sha256 = await loadedWith(getBuiltinModule);
    const asked = hash.mock.calls.length;
    expect(sha256(Uint8Array.of(1, 2))).toBe(reference(Uint8Array.of(1, 2)));
    expect(hash).toHaveBeenCalledTimes(asked + 1);
    expect(getBuiltinModule.mock.calls).toEqual([['node:crypto']]);
  });

  it.each<[string, unknown]>([
    ['no process', undefined],
    ['no getBuiltinModule', null],
    ['no node:crypto', () => undefined],
    ['a node:crypto without hash()', () => ({})],
    [
      'a getBuiltinModule that throws',
      () => {
        throw new Error('no crypto');
      },
    ],
    [
      'a hash() that throws',
      () => ({
        hash() {
          throw new Error('unsupported');
        },
      }),
    ],
    ['a hash() with another answer', () => ({ hash: () => 'a'.repeat(64) })],
    ['a hash() that answers bytes', () => ({ hash: (_: string, data: Uint8Array) => createHash('sha256').update(data).digest() })],
    ['a hash() that answers later', () => ({ hash: async (_: string, data: Uint8Array) => reference(data) })],
  ])('is right in a runtime with %s', async (_, getBuiltinModule) => {
    const sha256 = await loadedWith(getBuiltinModule);
    expect(sha256(Uint8Array.of(1, 2))).toBe(reference(Uint8Array.of(1, 2)));
    expect(sha256(new Uint8Array())).toBe(reference(new Uint8Array()));
  });
});
