import type { Plugin } from 'esbuild';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { ENTRIES } from './entries.js';

const CORE = 'index';

/*
 * esbuild puts the modules that the same entries load into one file. With 20 entries, the core would be forty files, and opening them
 * would take most of the time of its import. So a light entry loads all modules of the core that any light entry loads, and every other
 * entry loads the whole core. Then the core is three files: its entry, what needs no engine, and the rest.
 */

/** Adds an import to each entry, which says what it loads. The import has no effect but the division into files. */
export const tiers = (): Plugin => ({
  name: 'tiers',
  setup(build) {
    const paths = Object.values((build.initialOptions.entryPoints ?? []) as readonly string[]);
    const loads = new Map(paths.map((path) => [nameOf(path), reachable(path)]));
    // A module of the import for each entry: what several entries import would be a file of its own, with nothing in it.
    build.onResolve({ filter: /^tier-of:/ }, ({ path }) => ({ path: path.slice('tier-of:'.length), namespace: 'tier', sideEffects: true }));
    build.onLoad({ filter: /./, namespace: 'tier' }, ({ path: entry }) => ({
      contents: [...modulesOfTier(loads, entry)].map((module) => `import ${JSON.stringify(`./${module}`)};`).join('\n'),
      resolveDir: process.cwd(),
    }));
    build.onLoad({ filter: /\.js$/ }, ({ path }) => {
      const entry = paths.find((one) => join(process.cwd(), one) === path);
      // The import adds no line, so that the map of the file stays right.
      return entry === undefined
        ? undefined
        : { contents: `import 'tier-of:${nameOf(entry)}';${readFileSync(path, 'utf8')}`, loader: 'js' };
    });
  },
});

/** The modules that each entry loads, by the name of the entry. */
type Loads = ReadonlyMap<string, ReadonlySet<string>>;

/** The entry of a file of the build. */
const nameOf = (path: string): string => relative('build', path).replace(/\.js$/, '');

const isLight = (entry: string): boolean => ENTRIES[entry]?.build === 'light';

/** The modules of the core that the entry loads as the other entries of its tier do. */
function modulesOfTier(loads: Loads, entry: string): ReadonlySet<string> {
  const core = loads.get(CORE);
  const tier = [...loads].filter(([other]) => isLight(other) || !isLight(entry));
  return new Set(tier.flatMap(([, modules]) => [...modules].filter((module) => core?.has(module))));
}

/** A module and all modules of the package that it imports, also indirectly. */
function reachable(entry: string): ReadonlySet<string> {
  const found = new Set([entry]);
  for (const module of found) {
    for (const { fileName } of ts.preProcessFile(readFileSync(module, 'utf8'), true, true).importedFiles) {
      if (fileName.startsWith('.')) found.add(join(dirname(module), fileName));
    }
  }
  return found;
}
