import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './pages.js';
import { ENTRY_TYPES } from '../../src/records/index.js';
import { fieldsByType } from './entries.js';
import { entryPages } from './reference/entry-pages.js';
import { declaredFields, entryTypesPage } from './reference/entry-types.js';
import { errorClasses, errorsPage } from './reference/errors.js';
import { readSources } from './reference/sources.js';

const sources = readSources();

const pages = [
  await errorsPage(sources),
  await entryTypesPage(sources),
  ...(await entryPages(sources, new Set(errorClasses(sources).map(({ name }) => name)))),
];

describe.each(pages)('$path', ({ path, text, problems }) => {
  it('is what the declarations say: run `npx vitest run test/docs/reference.test.ts -u`', async () => {
    await expect(text).toMatchFileSnapshot(join(root, path));
    expect(problems).toEqual([]);
  });
});

it('[NC1] docs/reference/entries has a page for each entry point with functions, and no other', () => {
  const folder = 'docs/reference/entries';
  const made = pages.map(({ path }) => path).filter((path) => path.startsWith(folder));
  expect(readdirSync(join(root, folder)).map((name) => `${folder}/${name}`)).toEqual(made.toSorted());
});

describe('the declared entries', () => {
  it('L27 list for each type of entry exactly the fields that it carries', async () => {
    const sorted = (fields: ReadonlyMap<string, Iterable<string>>) =>
      Object.fromEntries([...fields].map(([type, names]) => [type, [...names].sort()]));
    const declared = new Map([...declaredFields(sources)].map(([type, fields]) => [type, fields.map(({ name }) => name)]));
    expect([...declared.keys()]).toEqual(Object.keys(ENTRY_TYPES));
    expect(sorted(declared)).toEqual(sorted(await fieldsByType()));
  });
});
