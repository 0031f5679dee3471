import { build } from 'esbuild';
import { chmodSync, readFileSync } from 'node:fs';
import type { Options } from 'tsup';
import { minify } from './minified.js';

const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Readonly<
  Record<'dependencies' | 'peerDependencies', Readonly<Record<string, string>>>
>;
const OUTSIDE = ['node:*', ...Object.keys({ ...dependencies, ...peerDependencies })];

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
