import { describe, expect, it } from 'vitest';
import { SharedStrings } from '../../src/records/index.js';

describe('SharedStrings', () => {
  it('finds a string by its value after it was shared once', () => {
    const strings = new SharedStrings();
    expect(strings.get('user:maya')).toBeUndefined();
    expect(strings.share('user:maya')).toBe('user:maya');
    expect(strings.get(['user', 'maya'].join(':'))).toBe('user:maya');
    expect(strings.get('user:noor')).toBeUndefined();
  });

  it('finds no value that is not a string', () => {
    const strings = new SharedStrings();
    strings.share('7');
    strings.share('null');
    for (const value of [7, 7n, null, undefined, NaN, ['7'], new String('7'), { toString: () => '7' }, new Proxy({}, {})]) {
      expect(strings.get(value)).toBeUndefined();
    }
  });

  it('keeps a bounded number of strings, and continues to accept new ones', () => {
    const strings = new SharedStrings();
    for (let i = 0; i < 20_000; i++) expect(strings.share(`s${i}`)).toBe(`s${i}`);
    const kept = Array.from({ length: 20_000 }, (_, i) => strings.get(`s${i}`)).filter((text) => text !== undefined);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThanOrEqual(4_096);
    expect(kept.at(-1)).toBe('s19999');
  });
});
