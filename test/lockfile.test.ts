import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { root } from './docs/pages.js';

const require = createRequire(import.meta.url);
const { satisfies } = require('semver') as { satisfies(version: string, range: string): boolean };

interface Locked {
  readonly engines?: { readonly node?: string };
  readonly deprecated?: string;
}

const packages = (JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as { readonly packages: Readonly<Record<string, Locked>> })
  .packages;
const oldest = `${packages['']?.engines?.node?.replace('>=', '')}.0`;

/** The packages of which `npm ci` warns on the oldest Node that is supported. */
const warnings = (locked: Readonly<Record<string, Locked>>): string[] =>
  Object.entries(locked).flatMap(([path, { engines, deprecated }]) => [
    ...(satisfies(oldest, engines?.node ?? '*') ? [] : [`${path} needs Node ${engines?.node}: it belongs to a folder of .ci`]),
    ...(deprecated === undefined ? [] : [`${path} is deprecated: ${deprecated}`]),
  ]);

describe('the lockfile', () => {
  it('has only packages of which npm ci does not warn on the oldest Node', () => {
    expect(oldest).toBe('20.19.0');
    expect(warnings(packages)).toEqual([]);
  });

  it('would be found with a package that needs a newer Node, or is deprecated', () => {
    expect(warnings({ a: { engines: { node: '>=20.20' } }, b: { engines: { node: '^18 || >=22' } }, c: { deprecated: 'use d' } })).toEqual([
      'a needs Node >=20.20: it belongs to a folder of .ci',
      'b needs Node ^18 || >=22: it belongs to a folder of .ci',
      'c is deprecated: use d',
    ]);
  });
});
