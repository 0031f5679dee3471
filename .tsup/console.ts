import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin, Rolldown } from 'vite';
import type { PageFiles } from '../src/features/console/serve/files.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The folder of the page. */
export const APP = 'src/console/app';
/** The folder of its translations. */
const LANGUAGES = 'src/console/languages';
/** The folder to which the browser tests write the coverage of the page, if any. The page is then not minified, and has source maps. */
export const coverageFolder = (): string | undefined => process.env['JIT_PAGE_COVERAGE'];
/** The module that reads what this build makes, without its extension. */
export const READER = '/features/console/serve/files';

/** The page of the console, and what its size and its licences need. */
export interface BuiltConsole {
  readonly files: PageFiles;
  /** The files that the page loads as it starts, by name: it shows My access. */
  readonly first: readonly string[];
  /** Those, and the file of Ask, Inbox and Request. */
  readonly requests: readonly string[];
  /** The modules of `src` whose code is in it, by their path there without extension. */
  readonly modules: readonly string[];
  /** The packages whose code is in it. */
  readonly packages: readonly string[];
  /** The source maps of the scripts, by name. None without a {@link coverageFolder}. */
  readonly maps: Readonly<Record<string, { readonly sources: readonly string[] }>>;
}

/**
 * Builds the page from its sources into texts, under names with a hash of their contents. `undefined`: this copy of the sources has no page.
 *
 * @param root the folder of the project
 */
export async function buildConsole(root = ROOT): Promise<BuiltConsole | undefined> {
  const main = join(root, APP, 'main.tsx');
  if (!existsSync(main)) return undefined;
  const output = (await bundled(main)).filter(({ fileName }) => !fileName.endsWith('.map'));
  const chunks = output.filter((file) => file.type === 'chunk');
  /** A script, and all that it imports before it runs. */
  const scriptsOf = (name: string): string[] => {
    const found = new Set(chunks.filter((chunk) => chunk.name === name));
    for (const { imports } of found) for (const chunk of chunks) if (imports.includes(chunk.fileName)) found.add(chunk);
    return [...found].map(({ fileName }) => fileName);
  };
  const [script = '', ...preload] = scriptsOf('console');
  const styles = output.filter((file) => file.type === 'asset').map(({ fileName }) => fileName);
  const ids = chunks.flatMap(({ moduleIds }) => moduleIds);
  return {
    files: {
      script,
      preload,
      styles,
      texts: Object.fromEntries(output.map((file) => [file.fileName, file.type === 'chunk' ? file.code : String(file.source)])),
      languages: translations(root),
    },
    first: [script, ...preload, ...styles],
    requests: [...new Set([script, ...preload, ...styles, ...scriptsOf('requests')])],
    modules: ids.flatMap((id) => /\/src\/(.+)\.tsx?$/.exec(id)?.[1] ?? []),
    packages: [...new Set(ids.flatMap((id) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []))],
    maps: Object.fromEntries(chunks.flatMap(({ fileName, map }) => (map === null ? [] : [[fileName, map]]))),
  };
}

type Texts = Readonly<Record<string, unknown>>;

/**
 * The translations by language, as JSON without keys, which would be a third of it: the texts of each table of English texts, in its order,
 * under its first key. `addMessages` of the page finds them there. Texts for answers of the API have their keys: the page has none in English.
 */
function translations(root: string): Readonly<Record<string, string>> {
  const files = readdirSync(join(root, APP), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.messages.ts'));
  const tables = files.sort().map((name) => keysOf(readFileSync(join(root, APP, name), 'utf8')));
  return Object.fromEntries(
    readdirSync(join(root, LANGUAGES)).map((name) => {
      const texts = JSON.parse(readFileSync(join(root, LANGUAGES, name), 'utf8')) as Texts;
      const lists = tables.map((keys) => [keys[0], keys.map((key) => texts[key] ?? null)] as const);
      const answers = Object.entries(texts).filter(([key]) => !tables.some((keys) => keys.includes(key)));
      return [
        name.replace('.json', ''),
        JSON.stringify({ lists: Object.fromEntries(lists) as Texts, answers: Object.fromEntries(answers) }),
      ];
    }),
  );
}

/** The keys of a table of texts, in their order. */
const keysOf = (source: string): readonly string[] => [...source.matchAll(/^ {2}'([^']+)':/gm)].map(([, key = '']) => key);

async function bundled(main: string): Promise<Rolldown.RolldownOutput['output']> {
  const { build } = await import('vite');
  // Vitest sets another, with which Vite would add its help for developers. A program that runs the sources may read it.
  const { NODE_ENV } = process.env;
  process.env['NODE_ENV'] = 'production';
  try {
    const built = await build({
      configFile: false,
      envDir: false,
      publicDir: false,
      // It warns of `import.meta.url`, by which the page finds its base.
      logLevel: 'error',
      base: './',
      plugins: [plainImport, throughDoors],
      oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
      build: {
        write: false,
        target: 'es2022',
        assetsDir: '',
        modulePreload: false,
        // One style sheet, because small files compress badly.
        cssCodeSplit: false,
        reportCompressedSize: false,
        ...(coverageFolder() !== undefined && { minify: false, sourcemap: 'hidden' }),
        rolldownOptions: {
          input: { console: main },
          output: {
            codeSplitting: {
              // A module takes along what it imports, unless a file before has it.
              groups: FILES.map((file, i) => ({
                name: (id, graph) => (fileOf(main, id, graph) === file ? file : null),
                priority: FILES.length - i,
                debugName: file,
              })),
            },
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

/** Vite wraps each `import()` for style sheets and preloads that this page does not have. */
const plainImport: Plugin = {
  name: 'plain-import',
  enforce: 'pre',
  load: (id) => (id === '\0vite/preload-helper.js' ? 'export const __vitePreload = (load) => load();' : undefined),
};

/**
 * Replaces the import of a door by imports of the modules that it exports from. Otherwise each part of the page would need all that the
 * door exports, and {@link fileOf} could divide nothing.
 */
const throughDoors: Plugin = {
  name: 'through-doors',
  enforce: 'pre',
  transform(code, id) {
    const direct = code.replaceAll(
      /^import \{([^}]+)\} from '([./]+\/(?:internal\/)?[\w-]+)\.js';/gm,
      (statement, names: string, path: string) => {
        const door = `${join(dirname(id), path)}.ts`;
        if (!isDoor(door)) return statement;
        const used = names.split(',').map((name) => name.trim());
        const imports = used
          .filter((name) => !/^(?:type |$)/.test(name))
          .map((name) => `import { ${name} } from '${originOf(door, name)}';`);
        // On as many lines, so that the lines of the module stay.
        return imports.join(' ') + '\n'.repeat(statement.split('\n').length - 1);
      },
    );
    return { code: direct, map: null };
  },
};

/** `src/index.ts`, `src/internal/page.ts`: modules that only export names of others. */
const isDoor = (file: string): boolean => /\/src\/(?:internal\/)?[\w-]+\.ts$/.test(file);

/** The file of the module that a door exports a name from. */
function originOf(door: string, name: string): string {
  for (const [, names = '', path = ''] of readFileSync(door, 'utf8').matchAll(/^export \{([^}]+)\} from '(.+)\.js';/gm))
    if (names.split(',').some((exported) => exported.trim() === name)) return `${join(dirname(door), path)}.ts`;
  throw new Error(`${door} does not export ${name} from a module`);
}

interface ModuleGraph {
  getModuleInfo(id: string): { readonly importedIds: readonly string[]; readonly dynamicallyImportedIds: readonly string[] } | null;
}

/** The scripts of the page, in the order in which modules go to them. */
const FILES = ['console', 'shared', 'requests', 'dialogs', 'overviews'] as const;
type File = (typeof FILES)[number];

/**
 * The file of a part that loads later: a view with which a person asks or decides, another view, or what opens rarely. Break-glass is
 * with what opens rarely: both need the texts of the views of requests, and the other views do not.
 */
function fileOfPart(id: string): File {
  if (/\/views\/(ask|inbox|request)\.tsx$/.test(id)) return 'requests';
  if (id.endsWith('/views/break-glass.tsx')) return 'dialogs';
  return /\/views\/[\w-]+\.tsx$/.test(id) ? 'overviews' : 'dialogs';
}

/**
 * The file of a module: that of the start of the page, of the only parts that need it, or of what they share. What dialogs share with the
 * views of requests is with those, and what they share with the other views is with the dialogs. A file for each part would be a tenth
 * more to load in all, because small files compress badly.
 */
function fileOf(main: string, id: string, graph: ModuleGraph): File {
  const needed = new Set(laterParts(main, graph).flatMap((part) => (loadedBy([part], graph).has(id) ? [fileOfPart(part)] : [])));
  if (loadedBy([main], graph).has(id)) return 'console';
  if (needed.size === 2 && needed.has('dialogs')) needed.delete(needed.has('requests') ? 'dialogs' : 'overviews');
  const [file] = needed;
  return needed.size === 1 && file !== undefined ? file : 'shared';
}

/** The modules that load by `import()`, also those that such a module loads. */
function laterParts(main: string, graph: ModuleGraph): readonly string[] {
  const found = new Set<string>();
  for (let from = [main]; from.length > 0;) {
    const next = [...loadedBy(from, graph)].flatMap((id) => graph.getModuleInfo(id)?.dynamicallyImportedIds ?? []);
    from = next.filter((id) => !found.has(id));
    for (const id of from) found.add(id);
  }
  return [...found];
}

/** The modules that are loaded before one of these runs, and themselves. */
function loadedBy(modules: readonly string[], graph: ModuleGraph): ReadonlySet<string> {
  const found = new Set(modules);
  for (const from of found) for (const to of graph.getModuleInfo(from)?.importedIds ?? []) found.add(to);
  return found;
}

/** For Vitest: the handler then serves the page of the sources. It is built at the first import of the handler. */
export const consolePage = (): Plugin => ({
  name: 'console-page',
  async transform(code, id) {
    return id.endsWith(`/src${READER}.ts`)
      ? `const JIT_ACCESS_CONSOLE = ${JSON.stringify((await buildConsole())?.files)};${code}`
      : undefined;
  },
});
