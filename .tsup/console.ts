import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin, Rolldown } from 'vite';
import type { PageFiles } from '../src/features/console/serve/files.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAIN = 'src/features/console/app/main.tsx';
/** The module that reads what this build makes. */
const READER = '/src/features/console/serve/files.ts';

/** The page of the console, and what its size and its licences need. */
export interface BuiltConsole {
  readonly files: PageFiles;
  /** The files that the first view loads, by name. All others load later. */
  readonly first: readonly string[];
  /** The packages whose code is in it. */
  readonly packages: readonly string[];
}

/**
 * Builds the page from its sources into texts, under names with a hash of their contents. `undefined`: this copy of the sources has no page.
 *
 * @param root the folder of the project
 */
export async function buildConsole(root = ROOT): Promise<BuiltConsole | undefined> {
  const main = join(root, MAIN);
  if (!existsSync(main)) return undefined;
  const output = await bundled(root, main);
  const chunks = output.filter((file) => file.type === 'chunk');
  const entry = chunks.find(({ isEntry }) => isEntry) as Rolldown.OutputChunk;
  const eager = new Set([entry]);
  for (const { imports } of eager) for (const chunk of chunks) if (imports.includes(chunk.fileName)) eager.add(chunk);
  const scripts = [...eager].map(({ fileName }) => fileName);
  const styles = [...eager].flatMap(({ viteMetadata }) => [...(viteMetadata?.importedCss ?? [])]);
  return {
    files: {
      script: entry.fileName,
      preload: scripts.slice(1),
      styles,
      texts: Object.fromEntries(output.map((file) => [file.fileName, file.type === 'chunk' ? file.code : String(file.source)])),
    },
    first: [...scripts, ...styles],
    packages: [
      ...new Set(
        chunks.flatMap(({ moduleIds }) => moduleIds).flatMap((id) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []),
      ),
    ],
  };
}

async function bundled(root: string, main: string): Promise<Rolldown.RolldownOutput['output']> {
  const { build } = await import('vite');
  // Vite sets it, and a program that runs the sources may read it.
  const { NODE_ENV } = process.env;
  try {
    const built = await build({
      root,
      configFile: false,
      envDir: false,
      publicDir: false,
      // It warns of `import.meta.url`, by which the page finds its base.
      logLevel: 'error',
      // The files lie side by side, and find each other from their own addresses.
      base: './',
      oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
      build: {
        write: false,
        target: 'es2022',
        assetsDir: '',
        modulePreload: false,
        reportCompressedSize: false,
        rolldownOptions: {
          input: { console: main },
          // What the first view needs is one file, because two would be larger.
          output: {
            codeSplitting: { groups: [{ name: (id, graph) => (isEager(main, id, graph) ? 'console' : null), debugName: 'first' }] },
          },
        },
      },
    });
    return (built as Rolldown.RolldownOutput).output;
  } finally {
    if (NODE_ENV === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = NODE_ENV;
  }
}

interface ModuleGraph {
  getModuleInfo(id: string): { readonly importedIds: readonly string[] } | null;
}

/** Whether the entry imports the module before it runs, also indirectly. */
function isEager(main: string, id: string, graph: ModuleGraph): boolean {
  const found = new Set([main]);
  for (const one of found) for (const to of graph.getModuleInfo(one)?.importedIds ?? []) found.add(to);
  return found.has(id);
}

/** The constant of {@link READER}, as code. */
export async function consoleConstant(): Promise<Readonly<Record<string, string>>> {
  return { JIT_ACCESS_CONSOLE: JSON.stringify((await buildConsole(process.cwd()))?.files ?? null) };
}

/** For Vitest: the handler then serves the page of the sources. It is built at the first import of the handler. */
export const consolePage = (): Plugin => ({
  name: 'console-page',
  async transform(code, id) {
    return id.endsWith(READER) ? `const JIT_ACCESS_CONSOLE = ${JSON.stringify((await buildConsole())?.files)};${code}` : undefined;
  },
});
