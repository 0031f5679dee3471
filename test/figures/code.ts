import ts from 'typescript';
import { modules, syntaxOf, textOfModule } from './modules.js';

export interface Size {
  /** A module, or `module#function`. */
  readonly name: string;
  readonly lines: number;
  readonly allowed: number;
}

const ALLOWED_IN_A_FUNCTION = 60;
const ALLOWED_IN_A_FILE = 300;

/** The engine has one short method for each verb, with its documentation. */
const allowedIn = (module: string): number => (module === 'engine/engine' ? 600 : ALLOWED_IN_A_FILE);

/** The modules of src and their lines, longest first. */
export function fileSizes(): Size[] {
  return bySize(
    modules.map((module) => ({ name: module, lines: textOfModule(module).trimEnd().split('\n').length, allowed: allowedIn(module) })),
  );
}

/** The functions of a module and their lines, from the first of the signature to the last of the body. */
function functionsOf(module: string): Size[] {
  const file = syntaxOf(module);
  const lineOf = (position: number) => file.getLineAndCharacterOfPosition(position).line;
  const found: Size[] = [];
  const visit = (node: ts.Node, outer: string): void => {
    let inside = outer;
    if (ts.isClassLike(node)) inside = node.name?.text ?? outer;
    else if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      inside = nameOf(node, outer);
      const lines = lineOf(node.getEnd()) - lineOf(node.getStart(file)) + 1;
      found.push({ name: `${module}#${inside}`, lines, allowed: ALLOWED_IN_A_FUNCTION });
    }
    ts.forEachChild(node, (child) => visit(child, inside));
  };
  visit(file, '');
  return found;
}

export const functionSizes = (): Size[] => bySize(modules.flatMap((module) => functionsOf(module)));

export const beyond = (sizes: readonly Size[]): Size[] => sizes.filter(({ lines, allowed }) => lines > allowed);

/** The name of a function, or of the call that it is passed to, with the class or function around it. */
function nameOf(node: ts.SignatureDeclaration, outer: string): string {
  const path = (name: string) => (outer === '' ? name : `${outer}.${name}`);
  if (ts.isConstructorDeclaration(node)) return path('constructor');
  if (node.name !== undefined) return path(node.name.getText());
  const { parent } = node;
  if ((ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) && ts.isFunctionLike(node)) return path(parent.name.getText());
  if (ts.isCallExpression(parent)) return path(`${parent.expression.getText().replace(/\s+/g, '')}()`);
  return path('(unnamed)');
}

function bySize(sizes: readonly Size[]): Size[] {
  return [...sizes].sort((a, b) => b.lines - a.lines || (a.name < b.name ? -1 : 1));
}
