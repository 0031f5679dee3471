import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { literalText } from './collect.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A title of a test or of a group, or a part of one: the name of a case in a table. */
export interface Title {
  /** From the root of the project on. */
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** The titles of one file under test, in the order in which they stand there. */
export function titlesOf(file: string, source = readFileSync(root + file, 'utf8')): Title[] {
  const syntax = ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true);
  const titles = new Map<ts.Node, Title>();
  const visit = (node: ts.Node): void => {
    for (const title of titlesIn(node)) {
      const text = literalText(title, syntax);
      if (text !== undefined) titles.set(title, { file, line: syntax.getLineAndCharacterOfPosition(title.getStart()).line + 1, text });
    }
    ts.forEachChild(node, visit);
  };
  visit(syntax);
  return [...titles.values()];
}

function titlesIn(node: ts.Node): readonly ts.Node[] {
  if (ts.isCallExpression(node) && isTest(node.expression)) return node.arguments.flatMap(cellsOf);
  if (ts.isPropertyAssignment(node)) return caseOf(node);
  return isRow(node) ? node.elements.slice(0, 1).filter(isPhrase) : [];
}

/** `it`, `describe.each`, `describeRedis`, and what a call of `it.each` returns. */
function isTest(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return /^(?:it|test|describe(?:[A-Z]\w*)?)$/.test(callee.text);
  return (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) && isTest(callee.expression);
}

/** A title, or the cells of a table. */
function cellsOf(argument: ts.Node): readonly ts.Node[] {
  if (!ts.isArrayLiteralExpression(argument)) return [argument];
  return argument.elements.flatMap((row) => (ts.isArrayLiteralExpression(row) ? [...row.elements] : [row]));
}

/** The name of a case in an object: its key, or its field `what` or `name`. */
function caseOf({ name, initializer }: ts.PropertyAssignment): readonly ts.Node[] {
  const text = /^(?:what|name)$/.test(name.getText()) ? initializer : name;
  return isPhrase(text) ? [text] : [];
}

/** A row of a table that has a name, such as the list of cases above a call of `it.each`. */
const isRow = (node: ts.Node): node is ts.ArrayLiteralExpression =>
  ts.isArrayLiteralExpression(node) && ts.isArrayLiteralExpression(node.parent);

/** Two words or more: one word is an id or a value. */
const isPhrase = (node: ts.Node): boolean =>
  (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) && /\S\s+\S/.test(node.getText());
