import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BANNED } from './banned.js';
import { sources, textsOf } from './collect.js';
import { commentsOf } from './comments.js';
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
    .filter((file) => /\.(?:ts|js|md|yml|html|css)$/.test(file));

/** What people wrote of a file. What a command puts into a page comes from texts elsewhere. */
const written = (file: string): string =>
  readFileSync(join(root, file), 'utf8').replaceAll(/<!-- made by .*?<!-- end of what .*?-->/gs, (part) => part.replaceAll(/[^\n]/g, ''));

/** A line, and the next one without the mark of a comment: a phrase may be broken over both. */
const withNext = (line: string, next = ''): string => `${line.trimEnd()} ${next.replace(/^\s*(?:\*|\/\/)?\s*/, '')}`;

/** `file:line` of each banned phrase, and what to write instead. */
const bannedIn = (file: string, text: string, first = 1): string[] =>
  text.split('\n').flatMap((line, i, lines) =>
    BANNED.flatMap(({ phrase, write }) => {
      const found = phrase.exec(line) ?? phrase.exec(withNext(line, lines[i + 1]));
      return found === null || found.index >= line.length ? [] : [`${file}:${i + first} has "${found[0]}"; write: ${write}`];
    }),
  );

/** A title or a comment may quote a phrase that its test is about. */
const withoutQuotes = (title: string): string => title.replaceAll(/"[^"\n]*"|`[^`\n]*`/g, '""');

const bannedCommentsIn = (file: string, source?: string): string[] =>
  commentsOf(file, source).flatMap(({ line, text }) => bannedIn(file, withoutQuotes(text), line));

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
    const files = tracked(place).filter((file) => !file.startsWith('docs/api/'));
    expect(files.flatMap((file) => bannedIn(file, written(file)))).toEqual([]);
  });

  it('would be found with a banned phrase', () => {
    expect(bannedIn('a.ts', '// The engine is told.\n// It continues.\nconst nobody = 1;')).toEqual([
      'a.ts:1 has "told"; write: is reported to `onError`; returns; notifies; distinguishes',
      'a.ts:3 has "nobody"; write: the caller; no reviewer; any subject',
    ]);
  });

  it('would be found with a banned phrase that is broken over two lines', () => {
    expect(bannedIn('a.md', 'A late call is held\nup.\n\nIt runs\n\nout.')).toEqual(['a.md:1 has "held up"; write: delays; delayed']);
    expect(bannedIn('a.ts', '/**\n * A late call runs\n * out.\n */')).toEqual(['a.ts:2 has "runs out"; write: expires; is used up']);
  });
});

describe('the comments of tests', () => {
  it('name who acts and what is there', () => {
    const files = tracked('test').filter((file) => /\.[jt]s$/.test(file) && !file.startsWith('test/texts/'));
    expect(files.flatMap((file) => bannedCommentsIn(file))).toEqual([]);
  });

  it('would be found with a banned phrase, unless they quote it', () => {
    const source = "// A call is held up.\nconst text = '// for good'; // Not `all the same`.\n/**\n * For\n * good.\n */\nrun();";
    expect(bannedCommentsIn('a.ts', source)).toEqual([
      'a.ts:1 has "held up"; write: delays; delayed',
      'a.ts:4 has "For good"; write: permanently',
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
      'a.ts:1 has "told"',
      'a.ts:2 has "nobody"',
      'a.ts:5 has "an end by time"',
      'a.ts:5 has "on record"',
      'a.ts:6 has "somebody"',
    ]);
  });
});
