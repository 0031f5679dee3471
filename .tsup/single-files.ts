import { build, type Plugin } from 'esbuild';
import { chmodSync, readFileSync } from 'node:fs';
import type { Options } from 'tsup';
import { ENTRIES } from './entries.js';
import { minify } from './minified.js';

const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Readonly<
  Record<'dependencies' | 'peerDependencies', Readonly<Record<string, string>>>
>;
const OUTSIDE = ['node:*', ...Object.keys({ ...dependencies, ...peerDependencies })];

/** The command line loads the entries that its `dev` uses from their own files, and only for `dev`. */
const entriesOfService = (format: 'esm' | 'cjs'): Plugin => ({
  name: 'entries-of-service',
  setup(bundle) {
    bundle.onResolve({ filter: /^(\.\.\/)+[^/]+\.js$/ }, ({ path, importer }) => {
      const entry = path.replace(/^(\.\.\/)+(.+)\.js$/, '$2');
      const isService = importer.includes('/command-line/dev/') && Object.hasOwn(ENTRIES, entry);
      return isService ? { path: `./${entry}${format === 'esm' ? '.js' : '.cjs'}`, external: true } : undefined;
    });
  },
});

/**
 * Builds each of these entries as one file, with a copy of each module that it needs: opening a file takes longer than reading a small
 * module. What the copies must share is in src/core/shared.ts.
 */
export const singleFiles = (
  entries: readonly string[],
  define: (format: string) => Record<string, string>,
): NonNullable<Options['plugins']>[number] => ({
  name: 'single-files',
  async buildEnd() {
    const format = this.format as 'esm' | 'cjs';
    const { metafile } = await build({
      entryPoints: entries.map((entry) => `build/${entry}.js`),
      outdir: 'dist',
      outbase: 'build',
      outExtension: { '.js': format === 'esm' ? '.js' : '.cjs' },
      bundle: true,
      external: OUTSIDE,
      plugins: [entriesOfService(format)],
      format,
      platform: 'neutral',
      target: 'es2022',
      define: define(format),
      sourcemap: true,
      sourcesContent: false,
      metafile: true,
      logLevel: 'warning',
    });
    for (const file of Object.keys(metafile.outputs).filter((name) => !name.endsWith('.map'))) {
      await minify(file);
      if (readFileSync(file, 'utf8').startsWith('#!')) chmodSync(file, 0o755);
    }
  },
});
