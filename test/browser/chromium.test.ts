import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { leftOut } from './chromium.js';
import { root } from '../docs/pages.js';

if (leftOut !== undefined) console.warn(leftOut);

describe('.ci/run', () => {
  it('requires a browser, so that its tests are not skipped unnoticed', () => {
    expect(readFileSync(`${root}.ci/run`, 'utf8')).toMatch(/^export JIT_TEST_REQUIRE=.*\bchromium\b/m);
  });
});
