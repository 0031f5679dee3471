import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BANNED } from './banned.js';
import { textsOf } from './collect.js';
import { commentsOf } from './comments.js';
import { titlesOf } from './titles.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

const tracked = (...paths: string[]): string[] =>
  execFileSync('git', ['ls-files', ...paths], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => /\.(?:ts|js|md|yml|html|css)$/.test(file));

/** What people wrote of a file. What a command puts into a page comes from texts elsewhere. */
const written = (file: string): string =>
  readFileSync(join(root, file), 'utf8').replaceAll(/<!-- made by .*?<!-- end of what .*?-->/gs, (part) => part.replaceAll(/[^\n]/g, ''));

/** A line, and the next one without the mark of a comment: a phrase may be broken over both. */
const withNext = (line: string, next = ''): string => `${line.trimEnd()} ${next.replace(/^\s*(?:\*|\/\/)?\s*/, '')}`;

const ANY = new RegExp(BANNED.map(({ phrase }) => phrase.source).join('|'), 'i');

/** `file:line` of each banned phrase, and what to write instead. */
const bannedIn = (file: string, text: string, first = 1): string[] =>
  text.split('\n').flatMap((line, i, lines) => {
    const both = withNext(line, lines[i + 1]);
    if (!ANY.test(line) && !ANY.test(both)) return [];
    return BANNED.flatMap(({ phrase, write }) => {
      const found = phrase.exec(line) ?? phrase.exec(both);
      return found === null || found.index >= line.length ? [] : [`${file}:${i + first} has "${found[0]}"; write: ${write}`];
    });
  });

/** A title or a comment may quote a phrase that its test is about. */
const withoutQuotes = (title: string): string => title.replaceAll(/"[^"\n]*"|`[^`\n]*`/g, '""');

const bannedCommentsIn = (file: string, source?: string): string[] =>
  commentsOf(file, source).flatMap(({ line, text }) => bannedIn(file, withoutQuotes(text), line));

const bannedTitlesIn = (file: string, source?: string): string[] =>
  titlesOf(file, source).flatMap(({ line, text }) => bannedIn(file, withoutQuotes(text), line));

describe('the texts that people read', () => {
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
});

describe('the comments of tests', () => {
  it('name who acts and what is there', () => {
    const files = tracked('test').filter((file) => /\.[jt]s$/.test(file) && !file.startsWith('test/texts/'));
    expect(files.flatMap((file) => bannedCommentsIn(file))).toEqual([]);
  });
});

describe('the titles of tests', () => {
  it('name who acts and what is there', () => {
    const files = tracked('test').filter((file) => file.endsWith('.ts') && !file.startsWith('test/texts/'));
    expect(files.length).toBeGreaterThan(300);
    expect(files.flatMap((file) => bannedTitlesIn(file))).toEqual([]);
  });
});
