import ts from 'typescript';
import type { Sources } from './sources.js';

const printer = ts.createPrinter({ removeComments: true });

export const print = (node: ts.Node): string =>
  printer
    .printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\breadonly /g, '')
    .replace(/;$/, '');

/** A type in few words: without `readonly`, and without `undefined` where a reader knows of it. */
function shortType(node: ts.TypeNode, keepsUndefined: boolean): string {
  if (!ts.isUnionTypeNode(node) || keepsUndefined) return print(node).replace(/^\| /, '');
  const rest = node.types.filter((part) => part.kind !== ts.SyntaxKind.UndefinedKeyword);
  const [first] = rest;
  if (rest.length === 1 && first !== undefined) return print(ts.isParenthesizedTypeNode(first) ? first.type : first);
  return rest.map(print).join(' | ');
}

/** The type of a member as it is declared; as the compiler infers it, where the declaration depends on a type parameter. */
export function typeOf({ checker }: Sources, member: ts.Symbol, keepsUndefined: boolean): string {
  const [declaration, ...others] = new Set(member.declarations);
  const declared =
    declaration !== undefined &&
    (ts.isPropertySignature(declaration) || ts.isPropertyDeclaration(declaration) || ts.isParameter(declaration))
      ? declaration.type
      : undefined;
  if (declaration !== undefined && declared !== undefined && others.length === 0 && !isInAlias(declaration)) {
    const isLeftOut = (declaration as ts.ParameterDeclaration).questionToken !== undefined;
    const type = shortType(declared, keepsUndefined);
    return keepsUndefined && isLeftOut && !type.endsWith('undefined') ? `${type} | undefined` : type;
  }
  if (declaration !== undefined && ts.isMethodSignature(declaration)) {
    const { parameters, type } = declaration;
    return `(${parameters.map(print).join(', ')}) => ${type === undefined ? 'void' : print(type)}`;
  }
  const text = checker.typeToString(checker.getTypeOfSymbol(member), undefined, ts.TypeFormatFlags.NoTruncation);
  return text
    .replaceAll('"', "'")
    .replaceAll(/\breadonly /g, '')
    .replace(keepsUndefined ? /(?!)/ : / \| undefined$/, '');
}

/** Whether a member stands in the alias of a generic type, whose parameters its type may name. */
function isInAlias(declaration: ts.Node): boolean {
  const alias = ts.findAncestor(declaration, ts.isTypeAliasDeclaration);
  return alias?.typeParameters !== undefined;
}

/** The members of a type, those of each part of a union. */
export function membersOf({ checker }: Sources, type: ts.Type): readonly ts.Symbol[] {
  const parts = type.isUnion() ? type.types : [type];
  const byName = new Map<string, ts.Symbol>();
  for (const part of parts) {
    for (const member of checker.getPropertiesOfType(part)) {
      // A member that several parts have, optional in one of them, is one member of the union.
      if (!byName.has(member.name)) byName.set(member.name, checker.getPropertyOfType(type, member.name) ?? member);
    }
  }
  return [...byName.values()];
}

/** Whether a caller must give a member: always, never, or in some of the forms of a union. */
export function presenceOf({ checker }: Sources, type: ts.Type, name: string): 'required' | 'optional' | 'alternative' {
  const members = (type.isUnion() ? type.types : [type]).map((part) => checker.getPropertyOfType(part, name));
  const isGiven = (member: ts.Symbol | undefined) => member !== undefined && (member.flags & ts.SymbolFlags.Optional) === 0;
  if (members.every(isGiven)) return 'required';
  return members.some(isGiven) ? 'alternative' : 'optional';
}

/** The interface of this package that a type names, alone or as the items of a list, where it only holds data. */
export function dataTypeIn(sources: Sources, type: ts.Type): ts.InterfaceDeclaration | undefined {
  const { checker } = sources;
  const parts = (type.isUnion() ? type.types : [type]).map((part) => checker.getIndexTypeOfType(part, ts.IndexKind.Number) ?? part);
  for (const part of parts) {
    const declaration = (part.aliasSymbol ?? part.symbol)?.declarations?.[0];
    if (declaration === undefined || !ts.isInterfaceDeclaration(declaration) || !sources.isOwn(declaration)) continue;
    const members = membersOf(sources, part);
    if (
      members.length > 0 &&
      members.every((member) => checker.getSignaturesOfType(checker.getTypeOfSymbol(member), ts.SignatureKind.Call).length === 0)
    )
      return declaration;
  }
  return undefined;
}

/** The unit in which a value is given, by its type and its name. */
export function unitOf(type: string, name: string, text: string): string {
  if (type.includes('{')) return '';
  if (/\bDuration\b/.test(type) || (/\bstring\b/.test(type) && /milliseconds/.test(text))) return 'duration';
  if (/\bInstant\b/.test(type)) return 'instant';
  if (!/\bnumber\b/.test(type) || type.includes('=>')) return '';
  if (/[Ee]poch milliseconds/.test(text)) return 'epoch ms';
  return /Ms$/.test(name) ? 'ms' : 'count';
}
