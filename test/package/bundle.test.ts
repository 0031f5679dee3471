import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { ENTRIES } from '../../.tsup/entries.js';
import { sourcesOf } from '../figures/contents.js';
import { root } from './entries.js';

const dist = join(root, 'dist');
const read = (file: string) => readFileSync(join(dist, file), 'utf8');
const code = (readdirSync(dist, { recursive: true }) as string[]).filter((file) => /\.c?js$/.test(file));

const alone = Object.keys(ENTRIES).filter((entry) => ENTRIES[entry]?.build === 'alone');

/** The files of the build that a file names in its imports. */
const importsOf = (file: string): readonly string[] =>
  ts
    .preProcessFile(read(file), true, true)
    .importedFiles.filter(({ fileName }) => fileName.startsWith('./'))
    .map(({ fileName }) => fileName.slice(2));

/** All files of the build that loading a file loads, and itself. */
function filesOf(file: string): ReadonlySet<string> {
  const files = new Set([file]);
  for (const loaded of files) for (const other of importsOf(loaded)) files.add(other);
  return files;
}

/** The most columns of a line that can be broken. */
const COLUMNS = 120;

/** The lines that are longer without what cannot be broken: a text, or a regular expression. */
function longLinesOf(text: string): readonly string[] {
  const long = text.split('\n').filter((line) => line.length > COLUMNS);
  if (long.length === 0) return [];
  const texts: string[] = [];
  const find = (node: ts.Node): void => {
    if (ts.isLiteralExpression(node) || ts.isTemplateMiddleOrTemplateTail(node) || ts.isTemplateHead(node))
      texts.push(...text.slice(node.pos, node.end).split('\n'));
    node.forEachChild(find);
  };
  find(ts.createSourceFile('', text, ts.ScriptTarget.ES2022));
  return long.filter((line) => texts.every((part) => !line.includes(part) || line.length - part.length > COLUMNS));
}

describe('the files of the build', () => {
  it.each(['index.js', 'index.cjs'])('are at most three for the core: %s', (file) => {
    expect([...filesOf(file)].length).toBeLessThanOrEqual(3);
  });

  it.each(alone)('are one for a small entry: %s', (entry) => {
    // The page of the console is too large for two copies.
    const page = entry === 'console' ? ['console-page.cjs'] : [];
    for (const file of [`${entry}.js`, `${entry}.cjs`]) expect([...filesOf(file)]).toEqual([file, ...page]);
  });

  it('are one for the commands of an incident: only `dev` loads a second, which loads the entries as a service does', () => {
    expect(importsOf('cli.js')).toEqual(['dev.js']);
    expect(read('cli.js')).toContain('import("./dev.js")');
    expect([...new Set(importsOf('dev.js'))].sort()).toEqual(['console.js', 'http.js', 'index.js', 'journal.js', 'policy.js', 'sql.js']);
  });

  it('contain each module once in a format, except in entries that are one file', () => {
    for (const format of [/\.js$/, /\.cjs$/]) {
      const sources = code
        .filter((file) => format.test(file) && ![...alone, 'cli'].includes(file.replace(/\.c?js$/, '')))
        .flatMap((file) => sourcesOf(join(dist, file)).filter((source) => /\.ts$/.test(source)))
        .map((source) => source.replace(/^(?:\.\.\/)+/, ''));
      expect(sources.filter((source, i) => sources.indexOf(source) !== i)).toEqual([]);
    }
  });

  it('contain the engine once in a format: an import of the package inside the package would copy it, and `kernelOf` refuses a copy', () => {
    const having = code.filter((file) => /\bclass JitEngine\b|\bJitEngine\d* ?= ?class\b/.test(read(file)));
    expect(having.map((file) => file.replace(/^.*\.(c?js)$/, '$1')).sort()).toEqual(['cjs', 'js']);
  });

  it('have no comment but annotations, and name no map: the package contains none', () => {
    for (const file of code.filter((name) => !name.startsWith('policy') && !name.startsWith('http'))) {
      const comments = read(file).match(/^\s*\/\/.*$|sourceMappingURL/gm) ?? [];
      expect([file, comments]).toEqual([file, []]);
    }
  });

  it('[A15] have at most 120 columns a line, except where one text is longer', () => {
    expect(code.flatMap((file) => longLinesOf(read(file)).map((line) => `${file}: ${line.length} columns: ${line.slice(0, 40)}`))).toEqual(
      [],
    );
  });

  it('keep the annotations by which a bundler drops what is not used', () => {
    expect(code.filter((file) => read(file).includes('__IS_PURE__'))).toEqual([]);
    const annotations = (folder: string, name: RegExp) =>
      (readdirSync(folder, { recursive: true }) as string[])
        .filter((file) => name.test(file))
        .reduce((sum, file) => sum + (readFileSync(join(folder, file), 'utf8').match(/\/\* ?@__PURE__ ?\*\//g) ?? []).length, 0);
    expect(annotations(dist, /\.js$/)).toBeGreaterThan(0.9 * annotations(join(root, 'build'), /\.js$/));
  });
});

// They say which module is in which file: see test/figures/contents.ts.
describe('the map of each file', () => {
  it('is there, without a copy of the sources', () => {
    for (const file of code) {
      const map = JSON.parse(read(`${file}.map`)) as { readonly sourcesContent?: readonly unknown[] };
      expect([file, (map.sourcesContent ?? []).filter((content) => content !== null)]).toEqual([file, []]);
    }
  });

  it('names files of the package and of the packages in it, by relative paths', () => {
    for (const file of code) {
      const sources = sourcesOf(join(dist, file)).filter((source) => source !== basename(file));
      expect([file, sources.filter((source) => !/^(?:\.\.\/)+(?:src|.*node_modules)\//.test(source))]).toEqual([file, []]);
    }
  });
});

describe('an error of the build', () => {
  const PROGRAM = (load: string) => `
    const { JitEngine, MemoryGrantStore, reviewers } = ${load};
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: ['user:sam'] }) });
    await engine.isAllowed('user:maya', 'no scope!').catch((error) => {
      console.log(JSON.stringify([error.name, error.constructor.name, error.stack]));
    });`;
  const run = (load: string) => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', PROGRAM(load)], {
      encoding: 'utf8',
      cwd: root,
    });
    expect(stderr).toBe('');
    return JSON.parse(stdout) as [name: string, constructor: string, stack: string];
  };

  it.each([
    ['import', `await import('./dist/index.js')`, 'InvalidArgumentError'],
    // tsup's step for CommonJS rewrites classes with fields as expressions without a name.
    ['require', `(await import('node:module')).createRequire(import.meta.url)('./dist/index.cjs')`, expect.any(String)],
  ])('has its name, and a stack that names its functions without maps: %s', (_, load, className) => {
    const [name, constructor, stack] = run(load);
    expect([name, constructor]).toEqual(['InvalidArgumentError', className]);
    expect(stack).toContain('at readScope ');
  });
});

describe('an error that no code catches', () => {
  it.each([
    ['index.js', 'module', 'import { JitEngine, reviewers } from "./dist/index.js";'],
    ['index.cjs', 'commonjs', 'const { JitEngine, reviewers } = require("./dist/index.cjs");'],
  ])('[A15] begins with one short line of the package: %s', (file, type, load) => {
    const script = `${load} new JitEngine({ approver: reviewers({ members: ["user:sam"] }) });`;
    const { stderr } = spawnSync(process.execPath, [`--input-type=${type}`, '--eval', script], { encoding: 'utf8', cwd: root });
    const [place = '', line = '', caret = '', ...rest] = stderr.split('\n');
    expect(place).toMatch(/[\\/]dist[\\/][\w-]+\.c?js:\d+$/);
    expect([file, line.length, caret.trim()]).toEqual([
      file,
      expect.toSatisfy((length: number) => length <= COLUMNS),
      expect.stringMatching(/^\^+$/),
    ]);
    expect(rest.slice(0, 2)).toEqual(['', expect.stringMatching(/^InvalidArgumentError: store must /)]);
  });
});

describe('five exports of the core', () => {
  const NAMES = ['DeniedError', 'encodeScope', 'consoleSink', 'reviewers', 'MemoryGrantStore'];
  const weigh = async (folder: string): Promise<number> => {
    const { outputFiles } = await build({
      stdin: { contents: `export { ${NAMES.join(', ')} } from './${folder}/index.js';`, resolveDir: root },
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      write: false,
      logLevel: 'error',
    });
    return gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length;
  };

  it('weigh from the packed core at most 1.1 times what they weigh from the sources', async () => {
    expect(await weigh('dist')).toBeLessThanOrEqual(1.1 * (await weigh('build')));
    expect(await weigh('dist')).toBeGreaterThan(1_000);
  });
});
