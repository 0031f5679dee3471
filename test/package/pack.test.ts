import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { entries, root } from './entries.js';

/** Runs a script in the folder of the installed package, with a Node that cannot `require` ES modules, and parses its output as JSON. */
function run(kind: 'module' | 'commonjs', script: string): unknown {
  const args = ['--no-experimental-require-module', `--input-type=${kind}`, '--eval', script];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: inject('installed'), encoding: 'utf8' }));
}

const imported = (specifier: string) =>
  run('module', `console.log(JSON.stringify(Object.keys(await import('${specifier}')).sort()))`) as string[];
const required = (specifier: string) =>
  run('commonjs', `console.log(JSON.stringify(Object.keys(require('${specifier}')).sort()))`) as string[];

const tarball = () => join(inject('installed'), 'node_modules/jit-access');

/** The links of a page, and the pages that another file names. */
const linksOf = (file: string, text: string): readonly string[] =>
  file.endsWith('.md')
    ? [...text.replace(/^```.*?^```/gms, '').matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)].map(
        ([, link, image]) => link ?? image ?? '',
      )
    : [...text.matchAll(/(?<!!)\bdocs\/[\w/-]+\.md\b/g)].map(([page]) => posix.relative(posix.dirname(file), page));

/** Whether a link of a file leads to one of the tarball, or to one of this repository by its address. Others are not followed. */
function leadsSomewhere(file: string, link: string): boolean {
  const [, own] =
    /^https:\/\/(?:raw\.githubusercontent\.com|github\.com)\/[\w-]+\/jit-access\/(?:blob\/)?v[\d.]+\/([^#]+)/.exec(link) ?? [];
  if (own !== undefined) return existsSync(join(root, own));
  const [path = ''] = link.split('#');
  return path === '' || /^(?:https|mailto):/.test(path) || existsSync(join(tarball(), posix.dirname(file), path));
}

describe('the packed package', () => {
  it('contains the build and the documents, and nothing else', () => {
    const under = (folder: string, name: RegExp) =>
      (readdirSync(join(root, folder), { recursive: true }) as string[])
        .filter((file) => name.test(file))
        .map((file) => `${folder}/${file}`);
    const papers = [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'THIRD_PARTY_NOTICES',
      // Reports are read on the site: laws and their tests, long proofs, measured speed.
      ...under('docs', /^(?!api\/|explanation\/(?:assurance|laws|performance)\.md).*\.md$/),
      ...under('examples', /\.[jt]s$|^[^/]+(?<!tsconfig)\.json$/),
      'package.json',
      'schema/policy.schema.json',
    ].sort();
    expect(
      inject('packed')
        .filter((path) => !/^dist\/(?:[a-z-]+\/)?[^/]+\.(js|cjs|d\.ts|d\.cts)$/.test(path))
        .sort(),
    ).toEqual(papers);
  });

  it('has at most 7 MB, without maps, pictures and API reports', () => {
    const megabytes = inject('unpackedSize') / 1e6;
    console.info(`${inject('packed').length} files, ${megabytes.toFixed(2)} MB unpacked`);
    expect(megabytes).toBeLessThanOrEqual(7);
    expect(inject('packed').filter((path) => /^docs\/api\/|\.(?:map|webp)$/.test(path))).toEqual([]);
  });

  it('[A36] has no dead link: what it lacks is a link to the repository', () => {
    const dead = inject('packed').flatMap((file) => {
      const links = linksOf(file, readFileSync(join(tarball(), file), 'utf8'));
      return links.filter((link) => !leadsSomewhere(file, link)).map((link) => `${file} -> ${link}`);
    });
    expect(dead).toEqual([]);
    expect(leadsSomewhere('docs/README.md', 'api/index.api.md')).toBe(false);
    expect(leadsSomewhere('docs/README.md', 'start/quickstart.md#next')).toBe(true);
  });

  it('[A36] has a package.json without the scripts, the tools and the settings of this repository', () => {
    const packed = JSON.parse(readFileSync(join(tarball(), 'package.json'), 'utf8')) as object;
    const { scripts, devDependencies, overrides, allowScripts, ...rest } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    ) as Readonly<Record<string, unknown>>;
    expect(packed).toEqual(rest);
    for (const own of [scripts, devDependencies, overrides, allowScripts]) expect(own).toBeTypeOf('object');
  });

  it('[A36] is packed from a copy: no file of the repository changes, not even for a moment', () => {
    const state = () => [manifestText(), execFileSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' })];
    const manifestText = () => readFileSync(join(root, 'package.json'), 'utf8');
    const before = state();
    execFileSync(process.execPath, ['.ci/pack.js', inject('installed'), '--json'], { cwd: root });
    expect(state()).toEqual(before);
  });

  it.each(entries)('exports the same names for import and require: $specifier', ({ specifier }) => {
    const names = imported(specifier);
    expect(names).not.toEqual([]);
    expect(required(specifier)).toEqual(names);
  });

  it.each(entries)('has no default export: $specifier', ({ specifier }) => {
    expect(imported(specifier)).not.toContain('default');
  });

  it('exposes its package.json for import and require', () => {
    expect(run('commonjs', `console.log(JSON.stringify(require('jit-access/package.json').name))`)).toBe('jit-access');
  });

  it('exports the JSON Schema of a policy', () => {
    const title = `console.log(JSON.stringify(require('jit-access/policy.schema.json').title))`;
    expect(run('commonjs', title)).toBe('A policy of jit-access');
  });

  it('exports only its entries', () => {
    const attempt = `import('jit-access/dist/index.js').catch((error) => console.log(JSON.stringify(error.code)))`;
    expect(run('module', attempt)).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });

  // With a copy of the classes in each entry, an error of one entry would be no instance of another's class.
  it.each([
    ['module', `const [core, testing] = [await import('jit-access'), await import('jit-access/testing')];`],
    ['commonjs', `const [core, testing] = [require('jit-access'), require('jit-access/testing')];`],
  ] as const)('shares its error classes between entries: %s', (kind, load) => {
    const script = `${load}
      let error;
      try { new testing.ManualClock('soon'); } catch (thrown) { error = thrown; }
      console.log(JSON.stringify([error?.code, error instanceof core.InvalidArgumentError, core.isJitError(error)]));`;
    expect(run(kind, script)).toEqual(['ERR_JIT_INVALID_ARGUMENT', true, true]);
  });

  it('recognises its errors across two copies of the package', () => {
    const script = `
      const cjs = require('jit-access');
      import('jit-access').then((esm) => {
        const error = new cjs.ClosedError();
        console.log(JSON.stringify([error instanceof esm.ClosedError, esm.isJitError(error)]));
      });`;
    expect(run('commonjs', script)).toEqual([false, true]);
  });
});
