import { posix } from 'node:path';
import ts from 'typescript';
import { classesOf, constructorOf, docOfCallable, functionsOf, handleOf, methodsOf, type Callable } from './callables.js';
import { docOf, docOfSymbol, sentence, splitDefault } from './comments.js';
import { defaultsInCode, normalForm } from './defaults.js';
import { anchorOf, code, type PageWriter } from './page.js';
import type { Entry, Sources } from './sources.js';
import { dataTypeIn, membersOf, presenceOf, typeOf, unitOf } from './types.js';

/** The parameters that are objects with named parts. */
const PARAMETERS = ['options', 'target', 'ask', 'query', 'run', 'definition'];

/** A table of one type of options. */
interface Table {
  readonly title: string;
  /** The name of the type, which its heading and the links to it show. Empty: a type without a name. */
  readonly name: string;
  readonly about: string;
  readonly type: ts.Type;
  readonly users: Set<string>;
  /** The doc comments of the parameters of an inline type, and of types whose members have none. */
  readonly params: ReadonlyMap<string, string>;
  /** Whether each optional option must say what its absence means. */
  readonly isStrict: boolean;
  /** The page that has the table, from the root. */
  page?: string;
}

/** The tables of the options of all entries. Each stands once, in the section of the first function that takes it. */
export class OptionTables {
  readonly #sources: Sources;
  readonly #tables = new Map<ts.Node, Table>();

  constructor(sources: Sources) {
    this.#sources = sources;
    for (const entry of sources.entries) {
      for (const callable of callablesOf(sources, entry)) {
        for (const [node, table] of tablesOf(sources, callable)) {
          const before = this.#tables.get(node);
          if (before === undefined) add(sources, this.#tables, node, table);
          else for (const user of table.users) before.users.add(user);
        }
      }
      for (const [node, table] of otherTablesOf(sources, entry)) if (!this.#tables.has(node)) add(sources, this.#tables, node, table);
    }
  }

  /** Writes the tables of a callable's arguments, and links to those that stand elsewhere. */
  write(page: PageWriter, callable: Callable, level: number): void {
    const own = tablesOf(this.#sources, callable).flatMap(([node]) => this.#tables.get(node) ?? []);
    const known = own.filter(({ page: path }) => path !== undefined);
    if (known.length > 0) page.add(`Takes ${[...new Set(known.map((table) => linkTo(page, table)))].join(' or ')}.`);
    for (const table of own) if (table.page === undefined) this.#writeTable(page, table, level);
  }

  /** Writes the exported types of options that no function of the entry names. */
  writeOthers(page: PageWriter, entry: Entry): void {
    for (const [node] of otherTablesOf(this.#sources, entry)) {
      const table = this.#tables.get(node);
      if (table !== undefined && table.page === undefined) this.#writeTable(page, table, 2);
    }
  }

  /** Writes a table, and behind it those of the types that it names. */
  #writeTable(page: PageWriter, table: Table, level: number): void {
    table.page = page.path;
    if (table.name !== '') page.add(`${'#'.repeat(Math.min(level, 6))} ${table.title}`, table.about);
    if (table.name !== '' && table.users.size > 1) page.add(`Used by: ${[...table.users].join(', ')}.`);
    const members = membersOf(this.#sources, table.type);
    const inner = new Set(members.flatMap((member) => this.#innerOf(member) ?? []).filter((each) => each.page === undefined));
    for (const each of inner) each.page = page.path;
    page.table(
      ['option', 'meaning', 'default', 'unit', 'type'],
      members.map((member) => this.#rowOf(page, table, member)),
    );
    for (const each of inner) this.#writeTable(page, each, level);
  }

  #rowOf(page: PageWriter, table: Table, member: ts.Symbol): readonly string[] {
    const sources = this.#sources;
    const named = `${table.name === '' ? table.title : table.name}.${member.name}`;
    const type = typeOf(sources, member, false);
    const texts = [docOfSymbol(member).text, table.params.get(member.name) ?? ''];
    // A function may say more of an option than its declaration, such as its default.
    const text = texts.find((given) => splitDefault(given).preset !== undefined) ?? (texts[0] || texts[1] || '');
    const { rest, preset } = splitDefault(text);
    const presence = presenceOf(sources, table.type, member.name);
    const declaration = member.declarations?.[0];
    // The members that Nest declares have its own texts.
    if (declaration !== undefined && sources.isOwn(declaration)) {
      if (presence === 'optional' && table.isStrict) page.need(preset, named, 'default');
      const inCode = preset === undefined ? [] : defaultsInCode(sources, declaration, member.name);
      const isTrue = preset === undefined || inCode.length === 0 || inCode.includes(normalForm(preset));
      if (!isTrue) page.need('', named, `default ${inCode.join(' or ')}, as in the code`);
    }
    const inner = this.#innerOf(member);
    return [
      code(member.name),
      page.need(sentence(rest), named, 'description'),
      preset ?? presence,
      unitOf(type, member.name, text),
      inner === undefined || inner === table ? code(type) : linkTo(page, inner, type),
    ];
  }

  #innerOf(member: ts.Symbol): Table | undefined {
    return this.#tables.get(dataTypeIn(this.#sources, this.#sources.checker.getTypeOfSymbol(member)) as ts.Node);
  }
}

function callablesOf(sources: Sources, entry: Entry): readonly Callable[] {
  const functions = functionsOf(entry);
  const classes = classesOf(entry).filter((declaration) => sources.isOwn(declaration));
  const handles = new Set(functions.flatMap((callable) => handleOf(sources, entry, callable) ?? []));
  return [
    ...classes.flatMap((declaration) => constructorOf(declaration) ?? []),
    ...functions,
    ...[...classes, ...handles].flatMap((type) => methodsOf(sources, type)),
  ];
}

/** The exported types of options that no parameter names, as those of a plug-in of a framework. */
function otherTablesOf(sources: Sources, entry: Entry): readonly (readonly [ts.Node, Table])[] {
  const declarations = entry.exports.flatMap((symbol) => (symbol.declarations ?? []).filter(ts.isInterfaceDeclaration));
  return declarations
    .filter((declaration) => declaration.name.text.endsWith('Options'))
    .map((declaration) => {
      const name = declaration.name.text;
      const type = sources.checker.getTypeAtLocation(declaration.name);
      const about = docOf(declaration).text;
      return [declaration, { title: code(name), name, about, type, users: new Set<string>(), params: new Map(), isStrict: true }] as const;
    });
}

/** The types of the parameters of a callable that hold options, each with its table. */
function tablesOf(sources: Sources, callable: Callable): readonly (readonly [ts.Node, Table])[] {
  return callable.signatures.flatMap((signature) =>
    signature.parameters
      .filter((parameter) => PARAMETERS.includes(parameter.name.getText()) && parameter.type !== undefined)
      .flatMap((parameter) =>
        partsOf(parameter.type as ts.TypeNode).flatMap((node) => tableOf(sources, callable, parameter.name.getText(), node)),
      ),
  );
}

/** The types of a union: `AccessAsk | RunAsk` has two tables, also in `WithWindow<AccessAsk | RunAsk, Window>`. */
function partsOf(node: ts.TypeNode): readonly ts.TypeNode[] {
  if (ts.isUnionTypeNode(node)) return node.types;
  const [asks] = ts.isTypeReferenceNode(node) && node.typeName.getText() === 'WithWindow' ? (node.typeArguments ?? []) : [];
  return asks === undefined ? [node] : partsOf(asks);
}

function tableOf(sources: Sources, callable: Callable, parameter: string, node: ts.TypeNode): readonly (readonly [ts.Node, Table])[] {
  const { checker } = sources;
  const type = checker.getTypeAtLocation(node);
  const user = code(callable.owner === undefined ? callable.name : `${callable.owner}.${callable.name}`);
  const common = { type, users: new Set([user]), params: paramsOf(callable, parameter), isStrict: callable.owner === undefined };
  // A string, such as the id in `string | BundleTarget`, has methods, but no options.
  if (type.flags & ts.TypeFlags.StringLike || membersOf(sources, type).length === 0) return [];
  if (!ts.isTypeReferenceNode(node)) {
    const title = `${parameter[0]?.toUpperCase()}${parameter.slice(1)} of ${user}`;
    return [[node, { ...common, title, name: '', about: '' }]];
  }
  const symbol = checker.getSymbolAtLocation(node.typeName);
  const declaration = symbol && (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol).declarations?.[0];
  if (declaration === undefined || !sources.isOwn(declaration) || sources.pathOf(declaration).startsWith('src/core/')) return [];
  const name = node.typeName.getText();
  return [[declaration, { ...common, title: code(name), name, about: docOf(declaration).text }]];
}

/** What the comment of a callable says of the parts of a parameter: `@param options.follow`. */
function paramsOf(callable: Callable, parameter: string): ReadonlyMap<string, string> {
  const params = [...docOfCallable(callable).params].filter(([name]) => name.startsWith(`${parameter}.`));
  return new Map(params.map(([name, text]) => [name.slice(parameter.length + 1), text]));
}

/** Adds a table, and those of the types of its options that only hold data. */
function add(sources: Sources, tables: Map<ts.Node, Table>, node: ts.Node, table: Table): void {
  tables.set(node, table);
  for (const member of membersOf(sources, table.type)) {
    const inner = dataTypeIn(sources, sources.checker.getTypeOfSymbol(member));
    if (inner === undefined || tables.has(inner)) continue;
    const name = inner.name.text;
    const users = new Set([`${code(member.name)} of ${table.title}`]);
    const type = sources.checker.getTypeAtLocation(inner);
    add(sources, tables, inner, {
      title: code(name),
      name,
      about: docOf(inner).text,
      type,
      users,
      params: new Map(),
      isStrict: table.isStrict,
    });
  }
}

/** Links to the section of a table. */
function linkTo(page: PageWriter, table: Table, text = table.name): string {
  const path = table.page === page.path || table.page === undefined ? '' : posix.basename(table.page);
  return `[${code(text)}](${path}#${anchorOf(table.name)})`;
}
