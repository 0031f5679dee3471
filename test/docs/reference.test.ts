import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './pages.js';
import { ENTRY_TYPES } from '../../src/records/index.js';
import { fieldsByType } from './entries.js';
import { declaredFields, entryTypesPage } from './reference/entry-types.js';
import { errorClasses, errorsPage } from './reference/errors.js';
import { optionsPage } from './reference/options.js';
import type { Page } from './reference/page.js';
import { readSources, type Sources } from './reference/sources.js';
import { verbsPage } from './reference/verbs.js';

const sources = readSources();

const PAGES: Readonly<Record<string, (sources: Sources) => Promise<Page>>> = {
  options: optionsPage,
  verbs: (given) => verbsPage(given, new Set(errorClasses(given).map(({ name }) => name))),
  errors: errorsPage,
  'entry-types': entryTypesPage,
};

describe.each(Object.entries(PAGES))('docs/reference/%s.md', (_, pageOf) => {
  it('is what the declarations say: run `npx vitest run test/docs/reference.test.ts -u`', async () => {
    const { path, text, problems } = await pageOf(sources);
    await expect(text).toMatchFileSnapshot(join(root, path));
    expect(problems).toEqual([]);
  });
});

describe('the declared entries', () => {
  it('L27 list for each type of entry exactly the fields that it carries', async () => {
    const sorted = (fields: ReadonlyMap<string, Iterable<string>>) =>
      Object.fromEntries([...fields].map(([type, names]) => [type, [...names].sort()]));
    const declared = declaredFields(sources);
    expect([...declared.keys()]).toEqual(Object.keys(ENTRY_TYPES));
    expect(sorted(declared)).toEqual(sorted(await fieldsByType()));
  });
});
