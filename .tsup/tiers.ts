import type { Plugin } from 'esbuild';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import ts from 'typescript';

const CORE = 'index';

/**
 * The entries that need no engine, in tiers. All other entries are the last tier.
 *
 * esbuild puts the modules that the same entries load into one file. With 28 entries, the core would be forty files, and opening them
 * would take most of the time of its import. So an entry loads all modules of the core that an entry of its tier, or of an earlier one,
 * loads. Then each tier adds one file to the core. A new entry belongs to the first tier whose modules it needs anyway.
 */
const TIERS: readonly (readonly string[])[] = [
  ['client', 'elements', 'react', 'cli', 'guard', 'express', 'fastify', 'fetch', 'hono', 'nest'],
  ['check', 'view'],
  ['journal', 'redis', 'sql', 'notify', 'webhook', 'policy', 'jsonl'],
  ['ai'],
];

/** Adds an import to each entry, which says what its tier loads. The import has no effect but the division into files. */
export const tiers = (): Plugin => ({
  name: 'tiers',
  setup(build) {
    const paths = Object.values((build.initialOptions.entryPoints ?? []) as readonly string[]);
    const folder = dirname(paths[0] ?? '');
    const core = reachable(join(folder, `${CORE}.js`));
    const tierOf = (path: string) => {
      const tier = TIERS.findIndex((entries) => entries.includes(basename(path, '.js')));
      return tier === -1 ? TIERS.length : tier;
    };
    const modulesOf = (tier: number): readonly string[] => {
      const loaded = paths.filter((path) => tierOf(path) <= tier).flatMap((path) => [...reachable(path)]);
      return [...new Set(loaded)].filter((module) => core.has(module));
    };
    build.onResolve({ filter: /^tier:/ }, ({ path }) => ({ path: path.slice('tier:'.length), namespace: 'tier', sideEffects: true }));
    build.onLoad({ filter: /./, namespace: 'tier' }, ({ path }) => ({
      contents: modulesOf(Number(path))
        .map((module) => `import ${JSON.stringify(`./${module}`)};`)
        .join('\n'),
      resolveDir: process.cwd(),
    }));
    build.onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (!paths.some((entry) => join(process.cwd(), entry) === path)) return undefined;
      const text = readFileSync(path, 'utf8');
      // A line for the interpreter stays first. The import adds no line, so that the map of the file stays right.
      const start = text.startsWith('#!') ? text.indexOf('\n') + 1 : 0;
      return { contents: `${text.slice(0, start)}import 'tier:${tierOf(path)}';${text.slice(start)}`, loader: 'js' };
    });
  },
});

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
