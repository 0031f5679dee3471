import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newId, newSecretId } from '../../src/kernel/ledger/ids.js';
import { nextTurn } from '../../src/core/turns.js';

const draws: number[] = [];

beforeEach(async () => {
  await nextTurn();
  const draw = crypto.getRandomValues.bind(crypto);
  draws.length = 0;
  vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
    draws.push((array as unknown as Uint8Array).length);
    return draw(array);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('the id of a record', () => {
  it('is 32 hex digits, and no other id has it', () => {
    const ids = Array.from({ length: 10_000 }, newId);
    expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('comes from at most 256 bytes that are drawn together', () => {
    Array.from({ length: 17 }, newId);
    expect(draws).toEqual([256, 256]);
  });

  it('comes from bytes of this turn of the event loop, so that two copies of a process draw different ids', async () => {
    // The copies continue from the same memory.
    newId();
    await nextTurn();
    newId();
    expect(draws).toEqual([256, 256]);
    await Promise.resolve();
    newId();
    expect(draws).toEqual([256, 256]);
  });

  it('comes from bytes of its own where the end of the turn is not known', () => {
    vi.stubGlobal('setImmediate', undefined);
    expect(newId()).not.toBe(newId());
    expect(draws).toEqual([16, 16]);
  });
});

describe('the id of a key, a token or a link', () => {
  it('never comes from the pool', () => {
    newId();
    const ids = [newSecretId(), newSecretId()];
    expect(new Set(ids).size).toBe(2);
    expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
    expect(draws).toEqual([256, 16, 16]);
  });
});
