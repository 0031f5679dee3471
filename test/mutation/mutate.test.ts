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

/** Each in the form in which it matches nothing. */
const idle = (globs: readonly string[], paths: readonly string[]): string[] =>
  globs.flatMap(alternatives).filter((glob) => matching(glob, paths).length === 0);

describe('matching()', () => {
  it.each([
    ['src/{core,engine}/**/*.ts', ['src/core/time.ts', 'src/engine/a/b/c.ts'], ['src/kernel/ids.ts', 'src/core/time.js', 'src/core.ts']],
    ['src/{approvers,sinks}/*.ts', ['src/sinks/format.ts'], ['src/sinks/jsonl/sink.ts', 'src/sinks/format-ts']],
    ['test/mutation/lives.ts', ['test/mutation/lives.ts'], ['test/mutation/lives.tsx', 'a/test/mutation/lives.ts']],
  ])('takes of %s what globs do', (glob, yes, no) => {
    expect(matching(glob, [...yes, ...no])).toEqual(yes);
  });
});

describe('what npm run mutate changes', () => {
  it('is named by globs each of which matches a file', () => {
    expect(idle(CHANGED, sources)).toEqual([]);
  });

  it('is every file that jit-access itself loads, but for those that only hand on', () => {
    const loaded = new Set(['index']);
    for (const module of loaded)
      for (const { from, to, own, typesOnly } of imports) if (from === module && own && !typesOnly) loaded.add(to);
    const handsOn = (module: string) => /^(\s*export (type )?[*{][^;]*;)+\s*$/.test(readFileSync(`${root}src/${module}.ts`, 'utf8'));
    expect([...loaded].filter((module) => !changedFiles.includes(`src/${module}.ts`) && !handsOn(module))).toEqual([]);
  });

  it('is every file of the rooms that must have a score', () => {
    const strict = ROOMS.filter(({ least }) => least !== undefined);
    const files = sources.filter((path) => strict.some((room) => room === roomOf(path.slice('src/'.length))));
    expect(filesIn(strict)).toEqual(files);
    expect(files).toContain('src/core/scope.ts');
  });

  it('lies in rooms each part of which exists', () => {
    const parts = ROOMS.flatMap(({ holds }) => holds);
    expect(parts.filter((part) => !existsSync(`${root}src/${part}`))).toEqual([]);
    expect(ROOMS.filter((room) => filesIn([room]).length === 0)).toEqual([]);
  });
});

describe('the tests that npm run mutate asks', () => {
  it('are named by globs each of which matches a file, and so are those that it does not ask', () => {
    expect(idle(ASKED, tests)).toEqual([]);
    expect(idle(NOT_ASKED, included)).toEqual([]);
  });

  it('are put in order by places each of which has some', () => {
    expect(ORDER.filter((place) => !asked.some((path) => path.startsWith(place)))).toEqual([]);
  });

  it('leave out single ones that exist', () => {
    const texts = asked.map((path) => readFileSync(root + path, 'utf8'));
    expect([...TITLES_NOT_ASKED].filter((title) => !texts.some((text) => text.includes(`it('${title}'`)))).toEqual([]);
  });
});

describe('the survivors that are listed', () => {
  it('lie in rooms in which each must be listed, in a line that is still there', () => {
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
