import type { Plugin } from 'esbuild';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { ENTRIES, TIERS } from './entries.js';

const CORE = 'index';

const GUARDS = Object.keys(ENTRIES).filter((entry) => ENTRIES[entry]?.from.includes('guards'));

/*
 * esbuild puts the modules that the same entries load into one file. With 28 entries, the core would be forty files, and opening them
 * would take most of the time of its import. So an entry loads all modules of the core that an entry of its tier, or of an earlier one,
 * loads. Then each tier adds one file to the core.
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
      contents: [...new Set([...coreOfTier(loads, tierOf(entry)), ...(GUARDS.includes(entry) ? sharedByGuards(loads) : [])])]
        .map((module) => `import ${JSON.stringify(`./${module}`)};`)
        .join('\n'),
      resolveDir: process.cwd(),
    }));
    build.onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (!paths.some((entry) => join(process.cwd(), entry) === path)) return undefined;
      const text = readFileSync(path, 'utf8');
      // A line for the interpreter stays first. The import adds no line, so that the map of the file stays right.
      const start = text.startsWith('#!') ? text.indexOf('\n') + 1 : 0;
      return { contents: `${text.slice(0, start)}import 'tier-of:${nameOf(path)}';${text.slice(start)}`, loader: 'js' };
    });
  },
});

/** The modules that each entry loads, by the name of the entry. */
type Loads = ReadonlyMap<string, ReadonlySet<string>>;

/** The entry of a file of the build. */
const nameOf = (path: string): string => relative('build', path).replace(/\.js$/, '');

/** The command line is no entry: it is in the tier of its client. */
function tierOf(entry: string): number {
  const { tier } = ENTRIES[entry === 'cli' ? 'client' : entry] ?? {};
  return tier === undefined ? TIERS.length : TIERS.indexOf(tier);
}

/** The modules of the core that the entries of this tier and of the earlier ones load. */
function coreOfTier(loads: Loads, tier: number): readonly string[] {
  const core = loads.get(CORE);
  return [...loads].flatMap(([entry, modules]) => (tierOf(entry) <= tier ? [...modules].filter((module) => core?.has(module)) : []));
}

/** A guard is small: it loads what any two guards load, as one file. */
function sharedByGuards(loads: Loads): readonly string[] {
  const loaded = GUARDS.flatMap((guard) => [...(loads.get(guard) ?? [])]);
  return loaded.filter((module, index) => loaded.indexOf(module) !== index);
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
