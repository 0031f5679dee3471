import ts from 'typescript';
import { expect, it } from 'vitest';
import { readSources } from './reference/sources.js';

const { checker, entries, isOwn, pathOf } = readSources();

/** The declarations that an editor shows for a symbol: its own, and those of its members. */
function* shown(node: ts.Node): Generator<ts.Node> {
  yield node;
  if (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node) || ts.isTypeLiteralNode(node)) {
    for (const member of node.members) yield* shown(member);
  } else if (!ts.isBlock(node) && (ts.isTypeNode(node) || ts.isTypeAliasDeclaration(node) || ts.isPropertySignature(node))) {
    for (const child of childrenOf(node)) yield* shown(child);
  }
}

const childrenOf = (node: ts.Node): readonly ts.Node[] => {
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  return children;
};

/** The doc comments above a node, as an editor shows them. */
const commentsOf = (node: ts.Node): readonly string[] =>
  ts
    .getJSDocCommentsAndTags(node)
    .filter(ts.isJSDoc)
    .map((comment) => comment.getText());

it('[NC1] names no law in what an editor shows of an export', () => {
  const found = new Set<string>();
  for (const symbol of entries.flatMap(({ exports }) => exports)) {
    for (const declaration of (symbol.declarations ?? []).filter(isOwn)) {
      const said = [...shown(declaration)].flatMap(commentsOf).filter((comment) => /\bL\d{1,2}\b/.test(comment));
      for (const comment of said) found.add(`${pathOf(declaration)} ${symbol.name}: ${/.*\bL\d{1,2}\b.*/.exec(comment)?.[0].trim()}`);
    }
  }
  expect([...found]).toEqual([]);
});

/** Interfaces that only describe a value of another package. */
const FOREIGN =
  /(?:Like|^Node(?:Request|Response)|^Pg.*|^Sql(?:Database|iteHandle)|^PgliteResult|^JoseModule|^AiTool|^Mcp(?:Extra|ServerContext)|^Agent(?:RunContext|CallDetails))$/;

it('[A18] says in an editor what each field of an exported interface means', () => {
  const fields = entries.flatMap(({ exports }) =>
    exports
      .filter(({ name }) => !FOREIGN.test(name))
      .flatMap((symbol) =>
        (symbol.declarations ?? [])
          .filter((declaration) => isOwn(declaration) && ts.isInterfaceDeclaration(declaration))
          .flatMap((declaration) => (declaration as ts.InterfaceDeclaration).members.filter(ts.isPropertySignature))
          .map((member) => ({ field: `${symbol.name}.${member.name.getText()}`, comments: commentsOf(member) })),
      ),
  );
  expect(fields.length).toBeGreaterThan(900);
  const empty = fields.filter(({ comments }) => comments.length === 0);
  expect([...new Set(empty.map(({ field }) => field))]).toEqual([]);
});

/** Each parameter of an export, and of its methods. */
const parameters = entries.flatMap(({ exports }) =>
  exports.flatMap((symbol) =>
    (symbol.declarations ?? [])
      .filter(isOwn)
      .flatMap((declaration) => [
        { name: symbol.name, node: declaration },
        ...(ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration) ? declaration.members : []).map((member) => ({
          name: `${symbol.name}.${member.name?.getText()}`,
          node: member,
        })),
      ])
      .flatMap(({ name, node }) => (ts.isFunctionLike(node) ? node.parameters.map(({ type }) => ({ name, type })) : [])),
  ),
);

it('[A18] takes as WithWindow each ask that has `ttl` or `until`', () => {
  const asks = parameters.filter(({ type }) => {
    const fields =
      type === undefined
        ? []
        : checker
            .getTypeFromTypeNode(type)
            .getProperties()
            .map((field) => field.name);
    return fields.includes('ttl') && fields.includes('until');
  });
  expect(new Set(asks.map(({ name }) => name)).size).toBeGreaterThanOrEqual(10);
  // An amendment without a window keeps that of the request.
  const others = asks.filter(({ name, type }) => !name.endsWith('.amend') && !type?.getText().startsWith('WithWindow<'));
  expect(others.map(({ name }) => name)).toEqual([]);
});
