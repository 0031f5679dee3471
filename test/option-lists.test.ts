import ts from 'typescript';
import { expect, it } from 'vitest';
import { readSources } from './docs/reference/sources.js';

const sources = readSources();
const { checker } = sources;

const textsOf = (type: ts.Type): readonly string[] =>
  (type.isUnion() ? type.types : [type]).flatMap((part) => (part.isStringLiteral() ? [part.value] : []));

/** The options of a call of `readOptions<keyof Options>(argument, given, list)` that the list lacks. */
function missingIn(call: ts.CallExpression): readonly string[] {
  const [names] = call.typeArguments ?? [];
  const [, , list] = call.arguments;
  if (names === undefined || list === undefined) return [];
  const items = checker.getIndexTypeOfType(checker.getTypeAtLocation(list), ts.IndexKind.Number);
  const listed = items === undefined ? [] : textsOf(items);
  return textsOf(checker.getTypeFromTypeNode(names)).filter((name) => !listed.includes(name));
}

it('each list of options has every option of its type: `readOptions` refuses one that it lacks', () => {
  let calls = 0;
  const missing: string[] = [];
  for (const file of sources.files) {
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'readOptions') {
        calls += 1;
        missing.push(...missingIn(node).map((name) => `${sources.pathOf(node)}: ${name}`));
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  expect(missing).toEqual([]);
  expect(calls).toBeGreaterThan(60);
});
