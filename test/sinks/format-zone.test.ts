import { afterEach, describe, expect, it } from 'vitest';
import { formatEntry } from '../../src/sinks/format.js';
import { unlinked } from '../journal/sample.js';

/*
 * In a separate process, as a thread cannot change its time zone.
 */

const AT = Date.UTC(2026, 2, 14, 2, 16, 7);

const zone = process.env['TZ'];
afterEach(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

describe('formatEntry()', () => {
  it('shows UTC in any time zone', () => {
    process.env['TZ'] = 'Pacific/Apia';
    expect(new Date(AT).getHours()).not.toBe(2);
    expect(formatEntry(unlinked(0, { at: AT, data: {} }))).toMatch(/^2026-03-14T02:16:07\.000Z /);
  });
});
