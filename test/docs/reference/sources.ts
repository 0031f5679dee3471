import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../pages.js';

/** An entry point of the package, with the declarations that it exports. */
export interface Entry {
  /** `jit-access/work`, as a program imports it. */
  readonly specifier: string;
  readonly exports: readonly ts.Symbol[];
}

/** The declarations of the package, as the compiler reads them. */
export interface Sources {
  readonly checker: ts.TypeChecker;
  /** The files under src. */
  readonly files: readonly ts.SourceFile[];
  /** In the order of package.json. */
  readonly entries: readonly Entry[];
  /** The declaration of this name in a file, from the root: `src/model/entry.ts`. */
  find(path: string, name: string): ts.Declaration;
  /** Whether a declaration is part of the package, not of a library. */
  isOwn(declaration: ts.Node): boolean;
  /** The path of the file that has a declaration, from the root. */
  pathOf(declaration: ts.Node): string;
}

/** Texts that replace those of the files, by their paths from the root. */
export type Edits = ReadonlyMap<string, string>;

/** The folders of `src` without an entry. */
const PROGRAMS = ['src/console', 'src/cli'];

let last: ts.Program | undefined;

export function readSources(edits: Edits = new Map()): Sources {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { config: object };
  // With the entries that need a document, which have a project of their own, in one program with all others.
  const { options, fileNames } = ts.parseJsonConfigFileContent({ ...config, exclude: PROGRAMS }, ts.sys, root);
  options.lib = ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'];
  const host = ts.createCompilerHost(options);
  const known = host.getSourceFile.bind(host);
  const pathOf = (file: string): string => file.replaceAll('\\', '/').slice(root.length);
  host.getSourceFile = (file, language, ...rest) => {
    const text = edits.get(pathOf(file));
    if (text !== undefined) return ts.createSourceFile(file, text, language, true);
    // A file of the last program is reused, which makes a second program cheap.
    const same = last?.getSourceFile(file);
    return same !== undefined && same.text === ts.sys.readFile(file) ? same : known(file, language, ...rest);
  };
  const program = ts.createProgram({ rootNames: fileNames, options, host });
  if (edits.size === 0) last = program;
  const checker = program.getTypeChecker();
  const moduleOf = (path: string): ts.SourceFile => {
    const file = program.getSourceFile(join(root, path));
    if (file === undefined) throw new Error(`${path} is missing`);
    return file;
  };
  const exportsOf = (file: ts.SourceFile): readonly ts.Symbol[] => {
    const module = checker.getSymbolAtLocation(file);
    return module === undefined ? [] : checker.getExportsOfModule(module).map((symbol) => resolved(checker, symbol));
  };
  return {
    checker,
    files: program.getSourceFiles().filter(({ fileName }) => pathOf(fileName).startsWith('src/')),
    entries: entryNames().map((name) => ({
      specifier: name === 'index' ? 'jit-access' : `jit-access/${name}`,
      exports: exportsOf(moduleOf(`src/${name}.ts`)),
    })),
    find(path, name) {
      const declaration = exportsOf(moduleOf(path)).find((symbol) => symbol.name === name)?.declarations?.[0];
      if (declaration === undefined) throw new Error(`${path} does not export ${name}`);
      return declaration;
    },
    isOwn: (declaration) => pathOf(declaration.getSourceFile().fileName).startsWith('src/'),
    pathOf: (declaration) => pathOf(declaration.getSourceFile().fileName),
  };
}

const resolved = (checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

function entryNames(): readonly string[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, unknown> };
  return Object.keys(exports)
    .filter((subpath) => !subpath.endsWith('.json'))
    .map((subpath) => (subpath === '.' ? 'index' : subpath.slice(2)));
}
