import { describe, expect, it } from 'vitest';
import { slotOf } from '../../../src/stores/redis/key-slot.js';

describe('slotOf', () => {
  // What `CLUSTER KEYSLOT` of Redis 8 answers.
  it.each([
    ['foo', 12182],
    ['{foo}bar', 12182],
    ['a{foo}{bar}', 12182],
    ['', 0],
    ['foo{}{bar}', 8363],
    ['123456789', 12739],
  ])("equals the server's slot: %j", (key, slot) => {
    expect(slotOf(key)).toBe(slot);
  });
});
