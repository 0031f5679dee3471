import { build, type Metafile, type Plugin } from 'esbuild';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin as VitePlugin } from 'vite';
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
  if (!existsSync(join(root, MAIN))) return undefined;
  const options = {
    absWorkingDir: root,
    entryPoints: { console: MAIN },
    outdir: 'assets',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    write: false,
    logOverride: { 'ignored-bare-import': 'silent' },
  } as const;
  const split = { ...options, splitting: true, loader: { '.css': 'empty' } } as const;
  const [divided, styles] = await Promise.all([
    build(split),
    // In one file, because no code loads the style sheet of a view that `import()` loads. It has the order of the imports.
    build(options),
  ]);
  const scripts = await build({ ...split, plugins: [together(root, divided.metafile)] });
  const sheets = styles.outputFiles.filter(({ path }) => path.endsWith('.css'));
  const files = [...scripts.outputFiles, ...sheets];
  const eager = eagerOf(scripts.metafile);
  return {
    files: {
      script: eager[0] as string,
      preload: eager.slice(1),
      styles: sheets.map(({ path }) => basename(path)),
      texts: Object.fromEntries(files.map((file) => [basename(file.path), file.text])),
    },
    first: [...eager, ...sheets.map(({ path }) => basename(path))],
    packages: packagesOf([scripts.metafile, styles.metafile]),
  };
}

/*
 * esbuild puts the modules that the same views load into one file, so the start of the page would be ten files. A small file has little
 * that compresses. So each view says that it loads all that the start of the page loads: one file.
 */
const together = (root: string, metafile: Metafile): Plugin => ({
  name: 'together',
  setup(build) {
    const start = [...loadedBy(metafile, MAIN)].flatMap((path) => Object.keys(metafile.outputs[path]?.inputs ?? {}));
    const scripts = start.filter((path) => /\.[jt]sx?$/.test(path) && path !== MAIN);
    build.onResolve({ filter: /^start-of-the-page$/ }, ({ path }) => ({ path, namespace: 'start', sideEffects: true }));
    build.onLoad({ filter: /./, namespace: 'start' }, () => ({
      contents: scripts.map((path) => `import ${JSON.stringify(`./${path}`)};`).join('\n'),
      resolveDir: root,
    }));
    build.onLoad({ filter: /\/app\/views\/[\w-]+\.tsx$/ }, ({ path }) => ({
      contents: `${readFileSync(path, 'utf8')}\nimport 'start-of-the-page';`,
      loader: 'tsx',
    }));
  },
});

/** The files that an entry loads before it runs, and itself. */
function loadedBy({ outputs }: Metafile, entry: string): ReadonlySet<string> {
  const paths = new Set(Object.keys(outputs).filter((path) => outputs[path]?.entryPoint === entry));
  for (const path of paths) for (const { kind, path: to } of outputs[path]?.imports ?? []) if (kind === 'import-statement') paths.add(to);
  return paths;
}

/** The script that starts the page, and all that it imports before it runs. */
const eagerOf = (metafile: Metafile): string[] => [...loadedBy(metafile, MAIN)].map((path) => basename(path));

const packagesOf = (metafiles: readonly Metafile[]): string[] => [
  ...new Set(
    metafiles.flatMap(({ inputs }) =>
      Object.keys(inputs).flatMap((input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []),
    ),
  ),
];

/** The constant of {@link READER}, as code. */
export async function consoleConstant(): Promise<Readonly<Record<string, string>>> {
  return { JIT_ACCESS_CONSOLE: JSON.stringify((await buildConsole(process.cwd()))?.files ?? null) };
}

/** For Vitest: the handler then serves the page of the sources. It is built at the first import of the handler. */
export const consolePage = (): VitePlugin => ({
  name: 'console-page',
  async transform(code, id) {
    return id.endsWith(READER) ? `const JIT_ACCESS_CONSOLE = ${JSON.stringify((await buildConsole())?.files)};${code}` : undefined;
  },
});
