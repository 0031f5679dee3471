import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const src = fileURLToPath(new URL('../../src/', import.meta.url));

export interface Import {
  readonly from: string;
  readonly to: string;
  /** Of src; an external package may have the name of a module, as Express has. */
  readonly own: boolean;
  readonly typesOnly: boolean;
}

/** Modules are named by their path under src, without extension. */
export const modules: readonly string[] = (readdirSync(src, { recursive: true }) as string[])
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => /(?<!\.d)\.tsx?$/.test(path))
  .map((path) => path.replace(/\.tsx?$/, ''))
  .sort();

/** The file of a module, by its path under src. */
export const fileOfModule = (module: string): string => (existsSync(`${src}${module}.tsx`) ? `${module}.tsx` : `${module}.ts`);

export const textOfModule = (module: string): string => readFileSync(`${src}${fileOfModule(module)}`, 'utf8');

/** Without types: the syntax tree of a module, with the parents that name a function. */
export const syntaxOf = (module: string, text = textOfModule(module)): ts.SourceFile =>
  ts.createSourceFile(fileOfModule(module), text, ts.ScriptTarget.ES2022, true);

function importsOf(from: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, typesOnly: boolean) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const { text } = specifier;
    const own = text.startsWith('.');
    const to = own ? posix.join(posix.dirname(from), text).replace(/\.js$/, '') : text;
    found.push({ from, to, own, typesOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  visit(syntaxOf(from));
  return found;
}

export const imports: readonly Import[] = modules.flatMap(importsOf);

/** The modules on an import cycle, type imports included. */
export function modulesOnCycles(arrows: readonly Pick<Import, 'from' | 'to'>[] = imports.filter(({ own }) => own)): string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of arrows) next.set(from, [...(next.get(from) ?? []), to]);
  return [...next.keys()].filter((module) => {
    const reached = new Set(next.get(module));
    for (const one of reached) for (const to of next.get(one) ?? []) reached.add(to);
    return reached.has(module);
  });
}
