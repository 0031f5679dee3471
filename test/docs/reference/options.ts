import ts from 'typescript';
import { classesOf, constructorOf, docOfCallable, functionsOf, handleOf, methodsOf, type Callable } from './callables.js';
import { docOf, docOfSymbol, sentence, splitDefault } from './comments.js';
import { defaultsInCode, normalForm } from './defaults.js';
import { anchorOf, code, PageWriter, type Page } from './page.js';
import type { Entry, Sources } from './sources.js';
import { dataTypeIn, membersOf, presenceOf, typeOf, unitOf } from './types.js';

/** The parameters that are objects with named parts. */
const PARAMETERS = ['options', 'target', 'ask', 'query', 'run', 'definition'];

const INTRODUCTION = `# Options

Every option of the functions and constructors of each entry point, and every part of the arguments of verbs. A test generates this page from the declarations. [Verbs](verbs.md) lists the functions.

- **Type** omits \`readonly\` and \`undefined\`. Every function refuses an option that it does not know.
- **Unit**: a \`duration\` is a number of milliseconds or a string such as \`'30m'\`. \`ms\` is a whole number of milliseconds. An \`instant\` is epoch milliseconds or a \`Date\`. A \`count\` is a whole number.
- **Default**: an argument without a default is \`required\`, \`optional\`, or an \`alternative\`: part of one of several forms.`;

/** A table of one type of options. */
interface Table {
  readonly title: string;
  /** The name of the type, by which other tables link to it. */
  readonly name: string;
  readonly about: string;
  readonly type: ts.Type;
  readonly users: Set<string>;
  /** The doc comments of the parameters of an inline type, and of types whose members have none. */
  readonly params: ReadonlyMap<string, string>;
  /** Whether each optional option must say what its absence means. */
  isStrict: boolean;
}

export async function optionsPage(sources: Sources): Promise<Page> {
  const page = new PageWriter('docs/reference/options.md');
  page.add(INTRODUCTION);
  const tables = new Map<ts.Node, Table>();
  for (const entry of sources.entries) {
    const known = new Set(tables.keys());
    const again = new Set<ts.Node>();
    for (const callable of callablesOf(sources, entry)) {
      for (const [node, table] of tablesOf(sources, callable)) {
        const before = tables.get(node);
        if (before === undefined) add(sources, tables, node, table);
        else for (const user of table.users) before.users.add(user);
        if (before !== undefined) before.isStrict ||= table.isStrict;
        if (known.has(node)) again.add(node);
      }
    }
    for (const [node, table] of otherTablesOf(sources, entry)) if (!tables.has(node)) add(sources, tables, node, table);
    const added = [...tables].filter(([node]) => !known.has(node)).map(([, table]) => table);
    if (added.length + again.size === 0) continue;
    page.add(`## ${code(entry.specifier)}`);
    if (again.size > 0) page.add(`See also: ${[...again].map((node) => linkTo(tables.get(node))).join(', ')}.`);
    for (const table of added) write(sources, page, tables, table, entry);
  }
  return page.page();
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

/** The types of a union: `AccessAsk | RunAsk` has two tables. */
const partsOf = (node: ts.TypeNode): readonly ts.TypeNode[] => (ts.isUnionTypeNode(node) ? node.types : [node]);

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

function write(sources: Sources, page: PageWriter, tables: ReadonlyMap<ts.Node, Table>, table: Table, entry: Entry): void {
  const isTwice = [...tables.values()].some((other) => other !== table && other.title === table.title);
  page.add(`### ${table.title}${isTwice ? ` of ${code(entry.specifier)}` : ''}`, table.about);
  if (table.name !== '' && table.users.size > 0) page.add(`Used by: ${[...table.users].join(', ')}.`);
  const rows = membersOf(sources, table.type).map((member) => rowOf(sources, page, tables, table, member));
  page.table(['option', 'type', 'unit', 'default', 'meaning'], rows);
}

function rowOf(
  sources: Sources,
  page: PageWriter,
  tables: ReadonlyMap<ts.Node, Table>,
  table: Table,
  member: ts.Symbol,
): readonly string[] {
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
  const inner = tables.get(dataTypeIn(sources, sources.checker.getTypeOfSymbol(member)) as ts.Node);
  return [
    code(member.name),
    inner === undefined || inner === table ? code(type) : `[${code(type)}](#${anchorOf(inner.name)})`,
    unitOf(type, member.name, text),
    preset ?? presence,
    page.need(sentence(rest), named, 'description'),
  ];
}

const linkTo = (table: Table | undefined): string => (table === undefined ? '' : `[${table.title}](#${anchorOf(table.name)})`);
