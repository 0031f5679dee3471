import ts from 'typescript';
import { classesOf } from './callables.js';
import { docOf, docOfSymbol, firstSentence, sentence } from './comments.js';
import { anchorOf, code, PageWriter, type Page } from './page.js';
import type { Entry, Sources } from './sources.js';
import { typeOf } from './types.js';

const INTRODUCTION = `# Errors

Every error class of the package: when it is thrown, its fields, and what the caller should do. A test generates this page from the declarations.

Distinguish the errors by their \`code\`, as in [concepts](../start/concepts.md#errors). Codes and fields follow semantic versioning; messages are for people and may change. \`isJitError\` recognises an error with a code, also across two copies of the package. \`instanceof\` is not promised across entries: the small entries, such as \`jit-access/check\`, have classes of their own. \`cause\` holds the error of a store, a clock or an approver, if there is one.`;

/** An error class, with the entry that exports it. */
interface ErrorClass {
  readonly name: string;
  /** `undefined`: it is no `JitError`. */
  readonly code: string | undefined;
  readonly entry: Entry;
  readonly declaration: ts.ClassDeclaration;
}

/** Every error that a program can receive, in the order of the entries. */
export function errorClasses(sources: Sources): readonly ErrorClass[] {
  const seen = new Set<ts.Node>();
  return sources.entries.flatMap((entry) =>
    classesOf(entry).flatMap((declaration) => {
      const isKnown = seen.has(declaration) || !isError(sources, declaration) || isAbstract(declaration);
      seen.add(declaration);
      return isKnown ? [] : [{ name: declaration.name?.text ?? '', code: codeOf(declaration), entry, declaration }];
    }),
  );
}

export async function errorsPage(sources: Sources): Promise<Page> {
  const page = new PageWriter('docs/reference/errors.md');
  const all = [...errorClasses(sources)].sort((a, b) => Number(a.code === undefined) - Number(b.code === undefined));
  page.add(INTRODUCTION);
  const summary = all.map(({ name, code: literal, declaration }) => [
    code(literal ?? ''),
    `[${code(name)}](#${anchorOf(name)})`,
    firstSentence(docOf(declaration).text),
  ]);
  page.table(['code', 'class', 'when'], summary);
  for (const error of all) write(sources, page, error);
  return page.page();
}

function write(sources: Sources, page: PageWriter, { name, code: literal, entry, declaration }: ErrorClass): void {
  const { text, remarks } = docOf(declaration);
  page.add(`## ${code(name)}`);
  page.add(`${literal === undefined ? 'No code' : code(literal)}, exported by ${code(entry.specifier)}.`);
  page.add(page.need(text, name, 'description'), `**What to do:** ${page.need(remarks, name, '@remarks: what the caller should do')}`);
  const rows = fieldsOf(sources, declaration).map(({ field, type, what }) => [
    code(field),
    code(type),
    page.need(sentence(what), `${name}.${field}`, 'description'),
  ]);
  if (rows.length > 0) page.table(['field', 'type', 'meaning'], rows);
}

/** The fields that an error has beyond those of every error. */
function fieldsOf(sources: Sources, declaration: ts.ClassDeclaration): readonly { field: string; type: string; what: string }[] {
  const params = new Map(declaration.members.filter(ts.isConstructorDeclaration).flatMap((member) => [...docOf(member).params]));
  const type = sources.checker.getTypeAtLocation(declaration);
  return type.getProperties().flatMap((member) => {
    const declared = member.declarations?.find((node) => node.getSourceFile() === declaration.getSourceFile());
    const isOwn = declared?.parent === declaration || declared?.parent.parent === declaration;
    const isField = declared !== undefined && (ts.isParameter(declared) || ts.isPropertyDeclaration(declared));
    if (!isOwn || !isField || ['name', 'code', 'message'].includes(member.name)) return [];
    return [{ field: member.name, type: typeOf(sources, member, true), what: docOfSymbol(member).text || params.get(member.name) || '' }];
  });
}

function isError({ checker }: Sources, declaration: ts.ClassDeclaration): boolean {
  const type = checker.getTypeAtLocation(declaration);
  return ['name', 'message', 'stack'].every((name) => checker.getPropertyOfType(type, name) !== undefined);
}

const isAbstract = (declaration: ts.ClassDeclaration): boolean =>
  (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Abstract) !== 0;

/** The literal of `readonly code = 'ERR_JIT_...'`. */
function codeOf(declaration: ts.ClassDeclaration): string | undefined {
  const property = declaration.members.find((member) => ts.isPropertyDeclaration(member) && member.name.getText() === 'code');
  const value = property !== undefined && ts.isPropertyDeclaration(property) ? property.initializer : undefined;
  return value !== undefined && ts.isStringLiteral(value) ? value.text : undefined;
}
