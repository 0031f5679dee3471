import { posix } from 'node:path';
import ts from 'typescript';
import { format } from 'prettier';
import { classesOf, constructorOf, docOfCallable, functionsOf, handleOf, methodsOf, type Callable } from './callables.js';
import { docOf, sentence } from './comments.js';
import { OptionTables } from './options.js';
import { anchorOf, code, PageWriter, type Page } from './page.js';
import type { Entry, Sources } from './sources.js';
import { print } from './types.js';

/**
 * One page for each entry point, with a section for each function.
 *
 * @param errors the names of the classes that have a section on the page of errors
 */
export async function entryPages(sources: Sources, errors: ReadonlySet<string>): Promise<readonly Page[]> {
  const firstEntry = new Map<ts.Node, string>();
  const tables = new OptionTables(sources);
  const pages: Page[] = [];
  for (const entry of sources.entries) {
    const page = new PageWriter(pathOf(entry.specifier));
    const writer = new VerbWriter(page, errors, tables);
    page.add(`# \`${entry.specifier}\``, INTRODUCTION);
    const { fresh, again } = split(entry, firstEntry);
    const classes = classesOf(entry).filter((declaration) => methodsOf(sources, declaration).length > 0 && sources.isOwn(declaration));
    for (const declaration of classes) await writer.type(sources, declaration, constructorOf(declaration));
    for (const callable of fresh) {
      await writer.callable(callable, 2);
      const handle = handleOf(sources, entry, callable);
      if (handle !== undefined && writer.isNew(handle)) await writer.type(sources, handle);
    }
    tables.writeOthers(page, entry);
    for (const [name, specifier] of again) page.add(`${code(name)} is that of [${code(specifier)}](${posix.basename(pathOf(specifier))}).`);
    if (fresh.length + again.length + classes.length > 0) pages.push(await page.page());
  }
  return pages;
}

const INTRODUCTION =
  'Made from the declarations. [Entry points](../entry-points.md#how-to-read-a-page) says how to read it, [errors](../errors.md) what to do with each error.';

/** The page of an entry point, from the root. */
const pathOf = (specifier: string): string =>
  `docs/reference/entries/${specifier.replace(/^jit-access\/?/, '').replaceAll('/', '-') || 'core'}.md`;

/** The functions of an entry, those apart that an earlier entry exports too. */
function split(entry: Entry, firstEntry: Map<ts.Node, string>) {
  const fresh: Callable[] = [];
  const again: (readonly [name: string, specifier: string])[] = [];
  for (const callable of functionsOf(entry)) {
    const node = callable.signatures[0] as ts.Node;
    const first = firstEntry.get(node);
    if (first === undefined) fresh.push(callable);
    else again.push([callable.name, first]);
    if (first === undefined) firstEntry.set(node, entry.specifier);
  }
  return { fresh, again };
}

class VerbWriter {
  readonly #page: PageWriter;
  readonly #errors: ReadonlySet<string>;
  readonly #tables: OptionTables;
  readonly #types = new Set<ts.Node>();

  constructor(page: PageWriter, errors: ReadonlySet<string>, tables: OptionTables) {
    this.#page = page;
    this.#errors = errors;
    this.#tables = tables;
  }

  /** Whether this type has no section yet. */
  isNew(declaration: ts.Node): boolean {
    return !this.#types.has(declaration);
  }

  /** Writes a class or a handle: its comment, its constructor and its methods, under the headings of its source. */
  async type(sources: Sources, declaration: ts.ClassDeclaration | ts.InterfaceDeclaration, constructor?: Callable): Promise<void> {
    this.#types.add(declaration);
    const name = declaration.name?.text ?? '';
    const { text, throws } = docOf(declaration);
    this.#page.add(`## ${code(name)}`, this.#page.need(text, name, 'description'), ...this.#throws(throws));
    if (constructor !== undefined && constructor.signatures.some(({ parameters }) => parameters.length > 0))
      await this.callable(constructor, 3);
    let group = '';
    for (const callable of methodsOf(sources, declaration)) {
      const heading = headings(declaration).findLast(([at]) => at < (callable.signatures[0]?.pos ?? 0) + leading(callable))?.[1] ?? '';
      if (heading !== group) this.#page.add(`### ${(group = heading)}`);
      await this.callable(callable, group === '' ? 3 : 4);
    }
  }

  async callable(callable: Callable, level: number): Promise<void> {
    const { name, owner } = callable;
    const named = owner === undefined ? name : `${owner}.${name}`;
    const { text, params, returns, throws } = docOfCallable(callable);
    this.#page.add(`${'#'.repeat(level)} ${code(name)}`, await signaturesOf(callable));
    this.#page.add(markGotchas(this.#page.need(text || (params.size > 0 ? ' ' : ''), named, 'description').trim()));
    if (params.size > 0) this.#page.add([...params].map(([parameter, what]) => `- ${code(parameter)}: ${what}`).join('\n'));
    this.#tables.write(this.#page, callable, level + 1);
    if (returns !== undefined) this.#page.add(`**Returns** ${returns}${/[.:]$/.test(returns) ? '' : '.'}`);
    this.#page.add(...this.#throws(throws));
  }

  #throws(throws: readonly string[]): readonly string[] {
    const [only] = throws;
    if (only === undefined) return [];
    const items = throws.map((item) => sentence(this.#linked(item)));
    return items.length === 1 ? [`**Throws** ${items[0]}`] : ['**Throws**', items.map((item) => `- ${item}`).join('\n')];
  }

  /** Links each error to its section. */
  #linked(text: string): string {
    return text.replaceAll(/\b[A-Z]\w+Error\b(?!`)/g, (name) =>
      this.#errors.has(name) ? `[${code(name)}](../errors.md#${anchorOf(name)})` : code(name),
    );
  }
}

const markGotchas = (text: string): string => text.replaceAll(/^Gotcha:/gm, '**Gotcha:**');

/** The headings in the source of a class: `// ---- Asking ----`, with their places. */
function headings(declaration: ts.Node): readonly (readonly [at: number, title: string])[] {
  const text = declaration.getSourceFile().text;
  return [...text.matchAll(/^ {2}\/\/ -{4} ([^-\n]+) -+$/gm)].map((match) => [match.index, match[1] as string]);
}

/** The length of what stands before a declaration: comments and empty lines. */
const leading = ({ signatures: [signature] }: Callable): number => (signature === undefined ? 0 : signature.getStart() - signature.pos);

/** The signatures as a caller sees them, in a block of code. */
async function signaturesOf({ name, signatures }: Callable): Promise<string> {
  const lines = signatures.map((signature) => {
    const parameters = signature.parameters.map((parameter) => {
      const isOptional = parameter.questionToken !== undefined || parameter.initializer !== undefined;
      const rest = parameter.dotDotDotToken === undefined ? '' : '...';
      const named = ts.isIdentifier(parameter.name) ? parameter.name.text : 'options';
      return `${rest}${named}${isOptional ? '?' : ''}: ${parameter.type === undefined ? 'unknown' : print(parameter.type)}`;
    });
    const types = signature.typeParameters === undefined ? '' : `<${signature.typeParameters.map(print).join(', ')}>`;
    const made = name.startsWith('new ') ? name.slice(4) : undefined;
    const returned = signature.type === undefined ? (made ?? 'unknown') : print(signature.type);
    return `${made === undefined ? name : 'new '}${types}(${parameters.join(', ')}): ${returned};`;
  });
  const formatted = await format(`interface Signatures {\n${lines.join('\n')}\n}`, {
    parser: 'typescript',
    singleQuote: true,
    printWidth: 78,
  });
  const body = formatted
    .trim()
    .split('\n')
    .slice(1, -1)
    .map((line) => line.slice(2));
  return `\`\`\`typescript\n${body.join('\n')}\n\`\`\``;
}
