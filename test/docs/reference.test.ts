import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './pages.js';
import { errorsPage } from './reference/errors.js';
import type { Page } from './reference/page.js';
import { readSources, type Sources } from './reference/sources.js';

const sources = readSources();

const PAGES: Readonly<Record<string, (sources: Sources) => Promise<Page>>> = {
  errors: errorsPage,
};

describe.each(Object.entries(PAGES))('docs/reference/%s.md', (_, pageOf) => {
  it('is what the declarations say: run `npx vitest run --project source test/docs/reference.test.ts -u`', async () => {
    const { path, text, problems } = await pageOf(sources);
    expect(problems).toEqual([]);
    await expect(text).toMatchFileSnapshot(join(root, path));
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
  ] as const)('is a problem of the page: %s %s %s', async (name, file, comment, problem) => {
    const text = readFileSync(join(root, file), 'utf8');
    expect(text).toMatch(comment);
    const edited = readSources(new Map([[file, text.replace(comment, '')]]));
    const { problems } = await (PAGES[name] as typeof errorsPage)(edited);
    expect(problems).toEqual([problem]);
  });
});
