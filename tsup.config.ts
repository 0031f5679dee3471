import { readFileSync } from 'node:fs';
import { defineConfig } from 'tsup';
import { minified } from './.tsup/minified.js';
import { tiers } from './.tsup/tiers.js';

interface Conditions {
  readonly import: { readonly default: string };
}

/** The package's entry points, by the name of their file: the `exports` of package.json are the one list. */
const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, string | Conditions> };
const entries = Object.values(exports).flatMap((target) =>
  typeof target === 'string' ? [] : [target.import.default.replace(/^\.\/dist\/(.+)\.js$/, '$1')],
);

// One config for all entries, with splitting on: else each entry would carry classes of its own, and an error thrown by
// one would be no `instanceof` of another's, nor one engine's `#private` fields assignable to another's.
export default defineConfig({
  // The command line is a program, and no entry: nothing can import it.
  entry: [...entries, 'cli'].map((name) => `build/${name}.js`),
  format: ['esm', 'cjs'],
  platform: 'neutral',
  target: 'es2022',
  splitting: true,
  clean: true,
  sourcemap: true,
  esbuildPlugins: [tiers()],
  plugins: [minified()],
  esbuildOptions(options) {
    // The package does not contain its TypeScript files, and a copy of them in the maps would double its size. A stack trace
    // needs only their names and lines.
    options.sourcesContent = false;
    // See `tiers`: its imports only say which modules belong together.
    options.logOverride = { 'ignored-bare-import': 'silent' };
  },
  // Both are published as ES modules only. Bundled, `require('jit-access')` needs nothing of a CommonJS user: no Node
  // that can require ES modules, no transform in jest. tslib, a dependency, stays outside.
  noExternal: ['@noble/hashes', 'canonicalize', /^zod(\/|$)/],
  dts: {
    entry: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
    // tsup sets baseUrl, which TypeScript 6 reports as deprecated.
    compilerOptions: { ignoreDeprecations: '6.0' },
    // Declarations that name AsyncDisposable must bring it along for consumers whose `lib` is es2022.
    banner: '/// <reference lib="esnext.disposable" />',
  },
});
