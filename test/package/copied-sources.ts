import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ENTRIES } from '../../.tsup/entries.js';
import { fileOfModule, imports, modules, textOfModule } from '../figures/modules.js';
import { root } from './entries.js';

const run = promisify(execFile);
const program = (name: string, file: string) => join(createRequire(import.meta.url).resolve(`${name}/package.json`), '..', file);

/** What `npm run compile` compiles, in its order. */
const PROJECTS = ['.', 'src/elements', 'src/features/react'];

/** The folders under src/features. */
export const features: readonly string[] = [...new Set(modules.flatMap((module) => /^features\/([^/]+)\//.exec(module)?.[1] ?? []))];

/** The programs that use the package by its entries. A copy without one of these entries goes without the program. */
const programs = ['console/app', 'cli'];

const isDoor = (module: string) => Object.hasOwn(ENTRIES, module);
const folderOf = (feature: string) => `features/${feature}`;

/** The files that are removed from src with some features. */
export interface Deletion {
  readonly features: readonly string[];
  /**
   * The modules that compose a feature: all that import it, directly or not, except the entry points and the features themselves. And the
   * programs that import an entry point of `doors`.
   */
  readonly composing: readonly string[];
  /** The features' own entry points, and every other that has no export left. */
  readonly doors: readonly string[];
  /** The entry points that lose some exports, with their remaining text. */
  readonly narrowed: Readonly<Record<string, string>>;
}

export function deletionOf(deleted: readonly string[]): Deletion {
  const gone = new Set(modules.filter((module) => deleted.some((feature) => module.startsWith(`${folderOf(feature)}/`))));
  const own = gone.size;
  for (const module of gone) for (const { from, to } of imports) if (to === module && !isDoor(from)) gone.add(from);
  const doors: string[] = [];
  const narrowed: Record<string, string> = {};
  for (const door of modules.filter(isDoor)) {
    const text = textOfModule(door);
    const rest = withoutExports(text, gone);
    if (deleted.includes(door) || !/\bfrom '/.test(rest)) doors.push(door);
    else if (rest !== text) narrowed[door] = rest;
  }
  for (const program of programs.map((folder) => modules.filter((module) => module.startsWith(`${folder}/`))))
    if (imports.some(({ from, to }) => program.includes(from) && doors.includes(to))) for (const module of program) gone.add(module);
  return { features: deleted, composing: [...gone].slice(own), doors, narrowed };
}

/** An entry point consists of exports, each from one module. */
const withoutExports = (text: string, gone: ReadonlySet<string>): string =>
  text.replace(/^(?:export|import)\b[^;]* from '\.\.?\/([^']+)\.js';\n/gm, (statement, module: string) =>
    gone.has(module) ? '' : statement,
  );

/** The files of the feature that docs/explanation/architecture.md adds, by their path. */
export function featureInDocs(): Readonly<Record<string, string>> {
  const text = readFileSync(join(root, 'docs/explanation/architecture.md'), 'utf8');
  const blocks = text.matchAll(/^ {3}<!-- new: (\S+) -->\n\n {3}```typescript\n(.*?)^ {3}```$/gms);
  return Object.fromEntries([...blocks].map(([, path, code]) => [path as string, (code as string).replace(/^ {3}/gm, '')]));
}

interface Target {
  readonly import: { readonly types: string; readonly default: string };
}
type Exports = Record<string, string | Target>;

/** A copy of the sources, with the build configuration. */
export class CopiedSources implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'jit-sources-'));
  readonly #manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly exports: Exports };

  constructor() {
    for (const name of ['src', '.tsup', 'tsconfig.json', 'tsup.config.ts'])
      cpSync(join(root, name), join(this.#folder, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'), 'junction');
  }

  delete({ features: deleted, composing, doors, narrowed }: Deletion): void {
    for (const feature of deleted) rmSync(join(this.#folder, 'src', folderOf(feature)), { recursive: true });
    for (const module of [...composing, ...doors]) rmSync(join(this.#folder, 'src', fileOfModule(module)), { force: true });
    for (const [door, text] of Object.entries(narrowed)) writeFileSync(join(this.#folder, `src/${door}.ts`), text);
    for (const door of doors) delete this.#manifest.exports[`./${door}`];
  }

  /** @param files by their path; each entry point among them becomes an entry */
  add(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.#folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      const door = /^src\/([^/]+)\.ts$/.exec(path)?.[1];
      if (door !== undefined)
        this.#manifest.exports[`./${door}`] = { import: { types: `./dist/${door}.d.ts`, default: `./dist/${door}.js` } };
    }
  }

  /**
   * Checks the types, builds, loads every entry, and runs a program next to them.
   *
   * @param code of a module in the folder of the copy
   * @returns the output of the commands: nothing where all is well and the program prints nothing
   */
  async build(code = ''): Promise<string> {
    writeFileSync(join(this.#folder, 'package.json'), JSON.stringify(this.#manifest));
    const entries = Object.values(this.#manifest.exports).flatMap((target) => (typeof target === 'string' ? [] : [target.import.default]));
    const load = `await Promise.all(${JSON.stringify(entries)}.map((entry) => import(entry)));\n`;
    try {
      for (const project of PROJECTS.map((folder) => join(this.#folder, folder)).filter((folder) => existsSync(folder)))
        await this.#run(program('typescript', 'lib/tsc.js'), '--pretty', 'false', '-p', project);
      await this.#run(program('tsup', 'dist/cli-default.js'), '--no-dts', '--silent');
      return await this.#run('--input-type=module', '--eval', load + code);
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      if (stdout + stderr === '') throw error;
      return stdout + stderr;
    }
  }

  async #run(...args: readonly string[]): Promise<string> {
    return (await run(process.execPath, args, { cwd: this.#folder })).stdout;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
