import { readFileSync } from 'node:fs';
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

describe('a declaration without its description', () => {
  it.each([
    [
      'errors',
      'src/core/errors/refusals.ts',
      /^ \* @remarks Correct the argument.*\n/m,
      'InvalidArgumentError has no @remarks: what the caller should do',
    ],
    ['errors', 'src/core/errors/refusals.ts', /^ {3}\* @param rule .*\n/m, 'InvalidArgumentError.rule has no description'],
    ['errors', 'src/core/errors/refusals.ts', /^ \* An argument broke a rule.*\n/m, 'InvalidArgumentError has no description'],
    [
      'options',
      'src/kernel/settings/limits.ts',
      /^ {2}\/\*\* The longest window that a request may ask for.*\n/m,
      'Limits.maxTtl has no description',
    ],
    ['options', 'src/kernel/settings/limits.ts', / Default: 8 hours\./, 'Limits.maxTtl has no default'],
    ['verbs', 'src/engine/engine.ts', /^ {2}\/\*\* A grant with its status\..*\n/m, 'JitEngine.getGrant has no description'],
    ['entry-types', 'src/records/entry-data.ts', /^ {2}\/\*\* The approver named the quorum\..*\n/m, 'request.assigned has no description'],
  ] as const)('is a problem of the page: %s %s %s', async (name, file, comment, problem) => {
    const text = readFileSync(join(root, file), 'utf8');
    expect(text).toMatch(comment);
    const edited = readSources(new Map([[file, text.replace(comment, '')]]));
    const { problems } = await (PAGES[name] as typeof errorsPage)(edited);
    expect(problems).toContain(problem);
  });

  it('is a problem of a default, too, that is not the one in the code', async () => {
    const file = 'src/kernel/settings/limits.ts';
    const text = readFileSync(join(root, file), 'utf8').replace('Default: 8 hours', 'Default: 9 hours');
    const { problems } = await optionsPage(readSources(new Map([[file, text]])));
    expect(problems).toEqual(['Limits.maxTtl has no default 28800000, as in the code']);
  });
});
