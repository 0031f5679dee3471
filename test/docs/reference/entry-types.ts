import ts from 'typescript';
import { docOf, docOfSymbol } from './comments.js';
import { code, PageWriter, type Page } from './page.js';
import type { Sources } from './sources.js';
import { membersOf, typeOf, unitOf } from './types.js';

const INTRODUCTION = `# Entry types

Every type of entry of [the journal](journal.md), with the fields of its \`data\`. A test generates this page from the declarations in \`src/records\`, and another compares the fields with those that a played engine records.

\`data\` holds every field that the transition wrote, as JSON. A field that is \`undefined\` is missing. A \`version\` is that of the record after the transition; the entry itself names the record (\`requestId\`, \`grantId\`). **Access** says whether an entry may give access, may end access, or does neither.`;

/** The types of these files have sections of their own, where a field names them. */
const TYPES = /^src\/model\/(request|grant|provisioning|ends|entry)\.ts$/;

/** Writes the tables of types, and remembers the types that they name. */
class TypeTables {
  readonly #sources: Sources;
  readonly #page: PageWriter;
  /** The types that a table names, in the order in which they are first named. */
  readonly #named = new Map<string, ts.InterfaceDeclaration | ts.TypeAliasDeclaration>();

  constructor(sources: Sources, page: PageWriter) {
    this.#sources = sources;
    this.#page = page;
  }

  table(name: string, type: ts.Type): void {
    const rows = membersOf(this.#sources, type).map((member) => {
      const text = docOfSymbol(member).text;
      const typeText = typeOf(this.#sources, member, true);
      const meaning = this.#page.need(text, `${declaredBy(member) ?? name}.${member.name}`, 'description');
      return [code(member.name), this.#link(member, typeText), unitOf(typeText, member.name, text), meaning];
    });
    this.#page.table(['field', 'type', 'unit', 'meaning'], rows);
  }

  /** Writes a section for each named type, and for each that these name. */
  values(): void {
    for (const [name, declaration] of this.#named) {
      this.#page.add(`### ${code(name)}`, this.#page.need(docOf(declaration).text, name, 'description'));
      this.table(name, this.#sources.checker.getTypeAtLocation(declaration.name));
    }
  }

  /** Links a type to its section, where its declaration names a type of records that has one. */
  #link(member: ts.Symbol, text: string): string {
    let named: string | undefined;
    const visit = (node: ts.Node): void => {
      if (ts.isTypeReferenceNode(node) && ts.isIdentifier(node.typeName)) named ??= this.#nameOf(node.typeName);
      ts.forEachChild(node, visit);
    };
    const declaration = member.declarations?.[0];
    if (declaration !== undefined && ts.isPropertySignature(declaration) && declaration.type !== undefined) visit(declaration.type);
    return named === undefined ? code(text) : `[${code(text)}](#${named.toLowerCase()})`;
  }

  #nameOf(identifier: ts.Identifier): string | undefined {
    const { checker } = this.#sources;
    const symbol = checker.getSymbolAtLocation(identifier);
    const resolved = symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const declaration = resolved?.declarations?.[0];
    const isType = declaration !== undefined && (ts.isInterfaceDeclaration(declaration) || ts.isTypeAliasDeclaration(declaration));
    if (!isType || !TYPES.test(this.#sources.pathOf(declaration))) return undefined;
    this.#named.set(identifier.text, declaration);
    return identifier.text;
  }
}

/** The interface that declares a member. */
const declaredBy = (member: ts.Symbol): string | undefined =>
  ts.findAncestor(member.declarations?.[0], ts.isInterfaceDeclaration)?.name.text;

/** The members of `EntryData`, by the type of entry. */
const dataOf = (sources: Sources): readonly ts.Symbol[] =>
  membersOf(sources, sources.checker.getTypeAtLocation(sources.find('src/records/entry-data.ts', 'EntryData')));

/** The fields of each type of entry, as they are declared. */
export const declaredFields = (sources: Sources): ReadonlyMap<string, readonly ts.Symbol[]> =>
  new Map(dataOf(sources).map((member) => [member.name, membersOf(sources, sources.checker.getTypeOfSymbol(member))]));

export async function entryTypesPage(sources: Sources): Promise<Page> {
  const { checker } = sources;
  const page = new PageWriter('docs/reference/entry-types.md');
  const tables = new TypeTables(sources, page);
  const entries = dataOf(sources);
  const effects = checker.getTypeOfSymbol(
    checker.getSymbolAtLocation((sources.find('src/model/entry-types.ts', 'ENTRY_TYPES') as ts.VariableDeclaration).name) as ts.Symbol,
  );
  page.add(INTRODUCTION);
  const summary = entries.map((member) => {
    const effect = checker.getPropertyOfType(effects, member.name);
    const access = effect === undefined ? '' : checker.typeToString(checker.getTypeOfSymbol(effect)).replaceAll('"', '');
    return [`[${code(member.name)}](#${anchor(member.name)})`, page.need(docOfSymbol(member).text, member.name, 'description'), access];
  });
  page.table(['type', 'recorded when', 'access'], summary);
  page.add('## Fields of every entry');
  tables.table('AuditEntry', checker.getTypeAtLocation(sources.find('src/model/entry.ts', 'AuditEntry')));
  page.add('## Fields of `data`');
  const firstOf = new Map<ts.Type, string>();
  for (const member of entries) {
    const type = checker.getTypeOfSymbol(member);
    const first = firstOf.get(type);
    page.add(`### ${code(member.name)}`, docOfSymbol(member).text);
    if (first === undefined) tables.table(member.name, type);
    else page.add(`The fields are those of [${code(first)}](#${anchor(first)}).`);
    if (first === undefined) firstOf.set(type, member.name);
  }
  page.add('## Values');
  tables.values();
  return page.page();
}

const anchor = (type: string): string => type.replaceAll('.', '').toLowerCase();
