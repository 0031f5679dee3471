import ts from 'typescript';
import { docOf } from './comments.js';
import type { Entry, Sources } from './sources.js';

/** A function, a constructor or a method that a program calls. */
export interface Callable {
  readonly name: string;
  /** `JitEngine` for its methods; `undefined`: a function. */
  readonly owner: string | undefined;
  /** The declarations that a caller sees: one for each overload. */
  readonly signatures: readonly ts.SignatureDeclaration[];
}

/** The functions of an entry, and the constants that are functions. */
export function functionsOf(entry: Entry): readonly Callable[] {
  return entry.exports.flatMap((symbol) => {
    const signatures = (symbol.declarations ?? []).flatMap((declaration): readonly ts.SignatureDeclaration[] => {
      if (ts.isFunctionDeclaration(declaration)) return [declaration];
      const value = ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined;
      return value !== undefined && ts.isArrowFunction(value) ? [value] : [];
    });
    return signatures.length === 0 ? [] : [{ name: symbol.name, owner: undefined, signatures: visible(signatures) }];
  });
}

/** The public methods of a class or an interface, in order; without those of a port, which its implementers know. */
export function methodsOf({ checker, pathOf }: Sources, declaration: ts.ClassDeclaration | ts.InterfaceDeclaration): readonly Callable[] {
  const above = (declaration.heritageClauses ?? []).flatMap((clause) => clause.types.map((type) => checker.getTypeAtLocation(type)));
  const ofPorts = new Set(
    above
      .filter(({ symbol }) => symbol?.declarations?.some((base) => pathOf(base).startsWith('src/core/')))
      .flatMap((type) => checker.getPropertiesOfType(type).map(({ name }) => name)),
  );
  const byName = new Map<string, ts.SignatureDeclaration[]>();
  for (const member of declaration.members) {
    const isMethod = ts.isMethodDeclaration(member) || ts.isMethodSignature(member);
    if (!isMethod || !ts.isIdentifier(member.name) || isHidden(member) || ofPorts.has(member.name.text)) continue;
    byName.set(member.name.text, [...(byName.get(member.name.text) ?? []), member]);
  }
  const owner = declaration.name?.text;
  return [...byName].map(([name, signatures]) => ({ name, owner, signatures: visible(signatures) }));
}

const isHidden = (member: ts.Declaration): boolean =>
  (ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected | ts.ModifierFlags.Static)) !== 0;

/** Where there are overloads, a caller sees these, and not the signature of the implementation. */
function visible(signatures: readonly ts.SignatureDeclaration[]): readonly ts.SignatureDeclaration[] {
  const overloads = signatures.filter((signature) => (signature as ts.FunctionLikeDeclaration).body === undefined);
  return overloads.length > 0 ? overloads : signatures;
}

/** The class of this name that an entry exports. */
export const classesOf = (entry: Entry): readonly ts.ClassDeclaration[] =>
  entry.exports.flatMap((symbol) => (symbol.declarations ?? []).filter(ts.isClassDeclaration));

/** The constructor of a class, where it takes arguments. */
export function constructorOf(declaration: ts.ClassDeclaration): Callable | undefined {
  const constructor = declaration.members.find(ts.isConstructorDeclaration);
  return constructor === undefined ? undefined : { name: `new ${declaration.name?.text}`, owner: undefined, signatures: [constructor] };
}

/** The exported interface with methods that a function resolves or returns: a handle, whose methods its page lists, too. */
export function handleOf(sources: Sources, entry: Entry, callable: Callable): ts.InterfaceDeclaration | undefined {
  const { checker, isOwn, pathOf } = sources;
  const [signature] = callable.signatures;
  if (signature === undefined) return undefined;
  const returned = checker.getSignatureFromDeclaration(signature)?.getReturnType();
  const type = returned && (checker.getAwaitedType(returned) ?? returned);
  const symbol = type && ((type.aliasSymbol ?? type.symbol) as ts.Symbol | undefined);
  const declaration = symbol?.declarations?.find(ts.isInterfaceDeclaration);
  if (declaration === undefined || !isOwn(declaration) || !entry.exports.some(({ name }) => name === symbol?.name)) return undefined;
  // A port is for its implementer, and has a guide.
  return pathOf(declaration).startsWith('src/core/') || methodsOf(sources, declaration).length === 0 ? undefined : declaration;
}

/** The doc comment of a callable, also that of the constant which is an arrow function. */
export function docOfCallable({ signatures }: Callable) {
  const docs = signatures.map((signature) => docOf(ts.isArrowFunction(signature) ? signature.parent : signature));
  return docs.find(({ text }) => text !== '') ?? docOf(signatures[0]);
}
