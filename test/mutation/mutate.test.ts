import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root } from '../docs/pages.js';
import { imports, modules } from '../figures/modules.js';
import { CHANGED, changedFiles, filesIn } from './changed.js';
import { alternatives, matching } from './globs.js';
import { roomOf, ROOMS } from './rooms.js';
import { SURVIVORS } from './survivors.js';
import { ASKED, NOT_ASKED, ORDER, TITLES_NOT_ASKED } from './tests.js';

const sources = modules.map((module) => `src/${module}.ts`);
const tests = (readdirSync(`${root}test`, { recursive: true }) as string[]).map((path) => `test/${path.replaceAll('\\', '/')}`);

const included = tests.filter((path) => ASKED.some((glob) => matching(glob, [path]).length > 0));
const asked = included.filter((path) => !NOT_ASKED.some((glob) => matching(glob, [path]).length > 0));

/** Each in a form that matches nothing. */
const idle = (globs: readonly string[], paths: readonly string[]): string[] =>
  globs.flatMap(alternatives).filter((glob) => matching(glob, paths).length === 0);

describe('the files that npm run mutate changes', () => {
  it('are listed by globs that each match a file', () => {
    expect(idle(CHANGED, sources)).toEqual([]);
  });

  it('are every file that jit-access itself loads, except those that only re-export', () => {
    const loaded = new Set(['index']);
    for (const module of loaded)
      for (const { from, to, own, typesOnly } of imports) if (from === module && own && !typesOnly) loaded.add(to);
    const handsOn = (module: string) => /^(\s*export (type )?[*{][^;]*;)+\s*$/.test(readFileSync(`${root}src/${module}.ts`, 'utf8'));
    expect([...loaded].filter((module) => !changedFiles.includes(`src/${module}.ts`) && !handsOn(module))).toEqual([]);
  });

  it('are every file of the rooms that must have a score', () => {
    const strict = ROOMS.filter(({ least }) => least !== undefined);
    const files = sources.filter((path) => strict.some((room) => room === roomOf(path.slice('src/'.length))));
    expect(filesIn(strict)).toEqual(files);
    expect(files).toContain('src/core/scope.ts');
  });

  it('are in rooms whose parts all exist', () => {
    const parts = ROOMS.flatMap(({ holds }) => holds);
    expect(parts.filter((part) => !existsSync(`${root}src/${part}`))).toEqual([]);
    expect(ROOMS.filter((room) => filesIn([room]).length === 0)).toEqual([]);
  });
});

describe('the tests that npm run mutate runs', () => {
  it('are listed by globs that each match a file, as are the excluded ones', () => {
    expect(idle(ASKED, tests)).toEqual([]);
    expect(idle(NOT_ASKED, included)).toEqual([]);
  });

  it('are sorted by folders that each contain tests', () => {
    expect(ORDER.filter((place) => !asked.some((path) => path.startsWith(place)))).toEqual([]);
  });

  it('exclude only single tests that exist', () => {
    const texts = asked.map((path) => readFileSync(root + path, 'utf8'));
    expect([...TITLES_NOT_ASKED].filter((title) => !texts.some((text) => text.includes(`it('${title}'`)))).toEqual([]);
  });
});

describe('the listed survivors', () => {
  it('are in rooms where each must be listed, at a line that still exists', () => {
    const stale = SURVIVORS.filter(({ file, line }) => {
      const path = `${root}src/${file}`;
      const isStrict = roomOf(file)?.least !== undefined;
      return (
        !isStrict ||
        !existsSync(path) ||
        !readFileSync(path, 'utf8')
          .split('\n')
          .some((text) => text.trim() === line)
      );
    });
    expect(stale.map(({ file, line }) => `${file}: ${line}`)).toEqual([]);
  });

  it('are listed once', () => {
    const keys = SURVIVORS.map(({ file, mutator, line, from, to }) => [file, mutator, line, from, to].join('\n'));
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  });
});
