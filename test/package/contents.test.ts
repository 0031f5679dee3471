import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bannedIn, contentsOf } from '../figures/contents.js';
import { entries, root } from './entries.js';

const dist = join(root, 'dist');

describe('the contents of the built entries', () => {
  it('L35 include no forbidden module', () => {
    const contents = new Map(entries.map(({ name }) => [name, contentsOf(dist, name)]));
    expect(bannedIn(contents)).toEqual([]);
  });

  it('are read from all files that an entry loads', () => {
    expect(contentsOf(dist, 'check')).toEqual(
      expect.arrayContaining(['engine/checks/create-checker', 'engine/checks/checker', 'core/errors']),
    );
    expect(contentsOf(dist, 'index')).toEqual(expect.arrayContaining(['engine/engine', 'stores/memory/store', '@noble/hashes/sha2']));
    expect(contentsOf(dist, 'sql')).toContain('kysely');
  });
});

describe('an entry with a forbidden module', () => {
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'jit-contents-'));
    cpSync(dist, copy, { recursive: true });
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  it.each([
    ['check', './index.js', ['the memory store', 'the engine']],
    ['retention', './webhook.js', ['hmac']],
    ['index', './policy.js', ['zod']],
    ['hono', 'fs/promises', ['a module of Node']],
    ['express', 'node:crypto', ['a module of Node']],
    ['redis', 'ioredis', ['a driver']],
    ['guard', './sql.js', ['Kysely']],
  ])('is found: %s with an import of %s', (entry, specifier, what) => {
    appendFileSync(join(copy, `${entry}.js`), `\nimport '${specifier}';\n`);
    expect(bannedIn(new Map([[entry, contentsOf(copy, entry)]]))).toEqual(what.map((name) => ({ entry, what: name })));
  });
});
