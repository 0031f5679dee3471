import { existsSync, readFileSync } from 'node:fs';
import { defineConfig } from 'tsup';
import { buildConsole } from './.tsup/console.js';
import { ENTRIES } from './.tsup/entries.js';
import { minified } from './.tsup/minified.js';
import { singleFiles } from './.tsup/single-files.js';
import { tiers } from './.tsup/tiers.js';

interface Manifest {
  readonly version: string;
  readonly exports: Readonly<Record<string, string | { readonly import: { readonly default: string } }>>;
}

const { version, exports } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const entries = Object.values(exports).flatMap((target) =>
  typeof target === 'string' ? [] : [target.import.default.replace(/^\.\/dist\/(.+)\.js$/, '$1')],
);
const alone = entries.filter((entry) => ENTRIES[entry]?.build === 'alone' && existsSync(`build/${entry}.js`));

// A test that builds has another value, with which Vite makes a page for development.
process.env['NODE_ENV'] = 'production';
const page = (await buildConsole(process.cwd()))?.files;

/** See `src/core/shared.ts`. */
const define = (format: string) => ({ JIT_ACCESS_BUILD: JSON.stringify(`${version} ${format}`) });

// One config for all declarations, also for those of the entries that are one file: else one engine's `#private` fields would not be
// assignable to another's. And with splitting on: an error that the core throws is an `instanceof` of the class that a store exports.
export default defineConfig({
  entry: entries.filter((entry) => !alone.includes(entry)).map((name) => `build/${name}.js`),
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  splitting: true,
  clean: true,
  sourcemap: true,
  esbuildPlugins: [tiers()],
  plugins: [minified(), singleFiles(alone, define, page)],
  esbuildOptions(options, { format }) {
    options.define = { ...options.define, ...define(format) };
    // The names of chunks depend on the paths of their modules: the same wherever a link leads that node_modules is.
    options.preserveSymlinks = true;
    // The package does not contain its TypeScript files, and a copy of them in the maps would double its size. A stack trace
    // needs only their names and lines.
    options.sourcesContent = false;
    // See `tiers`: its imports only say which modules belong together.
    options.logOverride = { 'ignored-bare-import': 'silent' };
  },
  // The package has no dependency: what is imported is a peer, or bundled. Most are published as ES modules only, and
  // `require('jit-access')` needs no Node that can require them, and no transform in jest. tsc imports tslib where a helper is needed.
  noExternal: ['@noble/hashes', 'canonicalize', 'tslib', /^zod(\/|$)/],
  dts: {
    entry: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
    // tsup sets baseUrl, which TypeScript 6 reports as deprecated. The entry of the custom element needs a document.
    compilerOptions: { ignoreDeprecations: '6.0', lib: ['es2023', 'esnext.disposable', 'dom'] },
    // Declarations that name AsyncDisposable must bring it along for consumers whose `lib` is es2022.
    banner: '/// <reference lib="esnext.disposable" />',
  },
});
