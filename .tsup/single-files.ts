import { build, type BuildOptions, type Plugin } from 'esbuild';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { parse } from 'node:path';
import type { Options } from 'tsup';
import type { PageFiles } from '../src/features/console/serve/files.js';
import { READER } from './console.js';
import { ENTRIES } from './entries.js';
import { minify } from './minified.js';

const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly peerDependencies: Readonly<Record<string, string>>;
};
const OUTSIDE = ['node:*', ...Object.keys(peerDependencies)];

/** The modules of the command line that its command `dev` loads. They load the entries, as a service does. */
const DEV = '/src/cli/dev/';

const entriesOfDev: Plugin = {
  name: 'entries-of-dev',
  setup(bundle) {
    bundle.onResolve({ filter: /^(\.\.\/)+[^/]+\.js$/ }, ({ path, importer }) => {
      const entry = path.replace(/^(\.\.\/)+(.+)\.js$/, '$2');
      return importer.includes(DEV) && Object.hasOwn(ENTRIES, entry) ? { path: `./${entry}.js`, external: true } : undefined;
    });
  },
};

/** The page of the console, for `import` and `require`: a copy in both forms of the entry would be a twentieth of the package. */
const PAGE = 'console-page.cjs';

const importOfPage: Plugin = {
  name: 'import-of-page',
  setup(bundle) {
    bundle.onLoad({ filter: new RegExp(`${READER}\\.js$`) }, ({ path }) => ({
      contents: `import JIT_ACCESS_CONSOLE from './${PAGE}';${readFileSync(path, 'utf8')}`,
    }));
    bundle.onResolve({ filter: new RegExp(`/${PAGE}$`) }, ({ path }) => ({ path, external: true }));
  },
};

/** The command line, a program of two files: `cli.js`, and `dev.js`, which only its command `dev` loads. Built from its sources. */
const PROGRAM = {
  entryPoints: { cli: 'src/cli/cli.ts' },
  splitting: true,
  chunkNames: '[name]',
  plugins: [entriesOfDev],
} satisfies BuildOptions;

/**
 * Builds each of these entries as one file, with a copy of each module that it needs: opening a file takes longer than reading a small
 * module. What the copies must share is in src/core/shared.ts. With them, builds the command line and the file of the page.
 *
 * @param page `undefined`: these sources have none
 */
export const singleFiles = (
  entries: readonly string[],
  define: (format: string) => Record<string, string>,
  page: PageFiles | undefined,
): NonNullable<Options['plugins']>[number] => ({
  name: 'single-files',
  async buildEnd() {
    const format = this.format as 'esm' | 'cjs';
    const files = (options: BuildOptions) =>
      build({
        outdir: 'dist',
        outbase: 'build',
        outExtension: { '.js': format === 'esm' ? '.js' : '.cjs' },
        bundle: true,
        external: OUTSIDE,
        format,
        platform: 'neutral',
        target: 'es2022',
        define: define(format),
        sourcemap: true,
        sourcesContent: false,
        logLevel: 'warning',
        ...options,
        metafile: true,
      });
    const entryPoints = entries.map((entry) => `build/${entry}.js`);
    const built = [await files({ entryPoints, plugins: page === undefined ? [] : [importOfPage] })];
    if (format === 'cjs' && page !== undefined)
      built.push(
        await files({ stdin: { contents: `module.exports = ${JSON.stringify(page)}`, sourcefile: PAGE }, entryNames: parse(PAGE).name }),
      );
    // No program loads the command line with `require`. The tests build copies of the sources without it.
    if (format === 'esm' && existsSync(PROGRAM.entryPoints.cli)) built.push(await files(PROGRAM));
    for (const file of built.flatMap(({ metafile }) => Object.keys(metafile.outputs)).filter((name) => !name.endsWith('.map'))) {
      await minify(file);
      if (readFileSync(file, 'utf8').startsWith('#!')) chmodSync(file, 0o755);
    }
  },
});
