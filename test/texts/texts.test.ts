import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BANNED } from './banned.js';
import { sources, textsOf } from './collect.js';
import { titlesOf } from './titles.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Each file with its texts below it, in the order in which they stand there. */
function table(): string {
  const files = sources().map((file) => [file, ...new Set(textsOf(file).map(({ text }) => `  ${JSON.stringify(text)}`))]);
  return `${files.flatMap((lines) => (lines.length > 1 ? [lines.join('\n')] : [])).join('\n\n')}\n`;
}

const tracked = (...paths: string[]): string[] =>
  execFileSync('git', ['ls-files', ...paths], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => /\.(ts|md)$/.test(file));

/** Old names on their page, reports of names, and a page of names of tests and laws. */
const OTHERS = ['docs/reference/migration.md', 'docs/api/', 'docs/explanation/laws.md'];

/** What people wrote of a file. What a command puts into a page comes from texts elsewhere. */
const written = (file: string): string =>
  readFileSync(join(root, file), 'utf8').replaceAll(/<!-- made by .*?<!-- end of what .*?-->/gs, (part) => part.replaceAll(/[^\n]/g, ''));

/** `file:line` of each banned phrase, and what to write instead. */
const bannedIn = (file: string, text: string, first = 1): string[] =>
  text.split('\n').flatMap((line, i) =>
    BANNED.flatMap(({ phrase, write }) => {
      const found = phrase.exec(line);
      return found === null ? [] : [`${file}:${i + first} has "${found[0]}"; write: ${write}`];
    }),
  );

/** A title may quote a phrase that its test is about. */
const withoutQuotes = (title: string): string => title.replaceAll(/"[^"]*"|`[^`]*`/g, '""');

const bannedTitlesIn = (file: string, source?: string): string[] =>
  titlesOf(file, source).flatMap(({ line, text }) => bannedIn(file, withoutQuotes(text), line));

describe('the texts that people read', () => {
  it('are all in one table, to be read from top to bottom: run `npx vitest run test/texts -u` after changing one', async () => {
    await expect(table()).toMatchFileSnapshot(join(root, 'test/texts/run-time-texts.txt'));
  });

  it('are collected from templates and constants, without statements for programs', () => {
    const source = [
      "import { a } from './not a text.js';",
      'throw new Error(`grant ${id} has ended (${cause}); call it again`);',
      "const RULE = 'a list of scopes';",
      "const statement = 'select id from jit_rows where id = 1';",
      "const kind = 'grant';",
    ].join('\n');
    expect(textsOf('a.ts', source).map(({ text }) => text)).toEqual(['grant {id} has ended ({cause}); call it again', 'a list of scopes']);
  });

  it.each(['src', 'docs', 'examples', '.changeset', '.github', 'README.md'])('name who acts and what is there: %s', (place) => {
    const files = tracked(place).filter((file) => !OTHERS.some((other) => file.startsWith(other)));
    expect(files.flatMap((file) => bannedIn(file, written(file)))).toEqual([]);
  });

  it('would be found with a banned phrase', () => {
    expect(bannedIn('a.ts', '// The engine is told.\n// It continues.\nconst nobody = 1;')).toEqual([
      'a.ts:1 has "is told"; write: is reported to `onError`; returns; notifies',
      'a.ts:3 has "nobody"; write: the caller; no reviewer; any subject',
    ]);
  });
});

describe('the titles of tests', () => {
  const source = [
    "describe.each([1, 2])('a store that is told', () => {",
    "  it.each([['a grant of nobody', 7], ['a grant']])('allows %s', (_, value) => expect(value).toBe('whatever'));",
    '  it(`is not "told of" ${place}`, () => undefined);',
    '});',
    "const cases = { 'an end by time': 1, name: 'a key on record', text: 'a text on record' };",
    "const rows = [['a scope of somebody', 'somebody else']];",
    "const approver = { name: 'nobody' };",
  ].join('\n');

  it('are collected with the names of cases in tables, without other texts', () => {
    expect(titlesOf('a.ts', source).map(({ line, text }) => `${line} ${text}`)).toEqual([
      '1 a store that is told',
      '2 allows %s',
      '2 a grant of nobody',
      '2 a grant',
      '3 is not "told of" {place}',
      '5 an end by time',
      '5 a key on record',
      '6 a scope of somebody',
    ]);
  });

  it('name who acts and what is there', () => {
    const files = tracked('test').filter((file) => file.endsWith('.ts') && !file.startsWith('test/texts/'));
    expect(files.length).toBeGreaterThan(300);
    expect(files.flatMap((file) => bannedTitlesIn(file))).toEqual([]);
  });

  it('would be found with a banned phrase, unless they quote it', () => {
    expect(bannedTitlesIn('a.ts', source).map((found) => found.replace(/; write.*/, ''))).toEqual([
      'a.ts:1 has "is told"',
      'a.ts:2 has "nobody"',
      'a.ts:5 has "an end by time"',
      'a.ts:5 has "on record"',
      'a.ts:6 has "somebody"',
    ]);
  });
});
