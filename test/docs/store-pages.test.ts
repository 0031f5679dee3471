import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hashOfEntry } from '../../src/journal/link.js';
import { KINDS } from '../../src/records/kinds.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('the pages of the stores and the journal', () => {
  it('[FE14] give the hash of an entry', () => {
    const [, hash] = /Entry 1 with a digest of 64 times `1` has the hash `(\w+)`/.exec(read('docs/reference/journal.md')) ?? [];
    expect(hash).toBe(hashOfEntry('0'.repeat(64), 1, '1'.repeat(64)));
  });

  it('[ST8] name every kind of row that a record has', () => {
    const kinds = Object.keys(KINDS);
    expect(kinds).toContain('lock');
    const page = read('docs/reference/store.md');
    expect(kinds.filter((kind) => !page.includes(`| \`${kind}\``))).toEqual([]);
  });

  it('[ST8] name every table that the role of a service reads', () => {
    const tables = [...read('src/stores/sql/schema.ts').matchAll(/create table (jit_\w+)/g)].map(([, table]) => table as string);
    expect(tables).toContain('jit_schema');
    const page = read('docs/reference/sql.md');
    expect(tables.filter((table) => !page.includes(`\`${table}\``))).toEqual([]);
  });
});
