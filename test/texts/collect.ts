import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A text that the library, or the play page, shows to a person. */
export interface Text {
  /** From the root of the project on. */
  readonly file: string;
  /** A placeholder is written as `{expression}`, or `{…}` where that is long. */
  readonly text: string;
}

/** The sources of the library and of the play page. */
export function sources(): string[] {
  return ['src', 'docs/play']
    .flatMap((folder) =>
      (readdirSync(root + folder, { recursive: true }) as string[]).map((path) => `${folder}/${path.replaceAll('\\', '/')}`),
    )
    .filter((path) => /(?<!\.d|\.config)\.tsx?$/.test(path))
    .sort();
}

/** The texts of one file, in the order in which they stand there. */
export function textsOf(file: string, source = readFileSync(root + file, 'utf8')): Text[] {
  const syntax = ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true);
  const found: Text[] = [];
  const visit = (node: ts.Node): void => {
    if (isForPrograms(node)) return;
    const text = literalText(node, syntax);
    if (text !== undefined && isForPeople(text)) found.push({ file, text });
    ts.forEachChild(node, visit);
  };
  visit(syntax);
  return found;
}

/** Module names, types, and the statements of SQL and Lua. */
function isForPrograms(node: ts.Node): boolean {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return true;
  return ts.isTaggedTemplateExpression(node) && ['sql', 'lua'].includes(node.tag.getText());
}

/** The text of a string or a template; `undefined`: the node is neither. */
export function literalText(node: ts.Node, syntax: ts.SourceFile): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map(({ expression, literal }) => placeholder(expression, syntax) + literal.text).join('');
}

/** An expression that is long has texts of its own, or is code that says nothing to a reader. */
function placeholder(expression: ts.Expression, syntax: ts.SourceFile): string {
  const code = expression.getText(syntax).replaceAll(/\s+/g, ' ');
  return code.length > 40 || code.includes('`') ? '{…}' : `{${code}}`;
}

/** Two words side by side, in what is no statement of SQL or Lua, no style sheet and no code. */
const isForPeople = (text: string): boolean => /[A-Za-z}'’,;:]\s+[A-Za-z{'‘]/.test(text.replaceAll(/\{[^}]*\}/g, '{}')) && !CODE.test(text);

const CODE =
  /[a-z-]+:[^ ]+;|<\/?[a-z]+[ >]|\bredis\.p?call\b|new JitEngine|^'?[a-z-]+-src |\b(?:select|union all|cross join|left join|lateral|collate|not null|order by|on conflict|for update|begin immediate)\b|jit_rows|jit_heads|jit_journal|^(?:panel|verdict|answer|key|edge) /;
