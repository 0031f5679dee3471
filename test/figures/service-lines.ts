import { readdirSync, readFileSync } from 'node:fs';
import { format } from 'prettier';
import ts from 'typescript';

const BEGIN = '// service: begin';
const END = '// service: end';

/** An example that contains a service between two marker comments. */
export interface Service {
  readonly file: string;
  readonly lines: number;
}

/**
 * The lines of the service in a text: the lines between the markers that hold code after prettier at width 100, which do not depend
 * on the width of this repository. `undefined`: the text has no markers.
 */
export async function serviceLines(text: string): Promise<number | undefined> {
  if (!text.includes(BEGIN)) return undefined;
  const [, service = '', ...others] = text.split(new RegExp(`^${BEGIN}$|^${END}$`, 'm'));
  if (others.length !== 1) throw new Error(`expected one line '${BEGIN}' and one line '${END}' after it`);
  const formatted = await format(service, { parser: 'typescript', printWidth: 100, singleQuote: true });
  return linesOfCode(ts.createSourceFile('service.ts', formatted, ts.ScriptTarget.ES2022, true));
}

/** The services in the examples, in the order of their files. */
export async function services(): Promise<readonly Service[]> {
  const examples = new URL('../../examples/', import.meta.url);
  const found: Service[] = [];
  for (const file of readdirSync(examples).sort()) {
    if (!file.endsWith('.ts')) continue;
    const lines = await serviceLines(readFileSync(new URL(file, examples), 'utf8'));
    if (lines !== undefined) found.push({ file, lines });
  }
  return found;
}

/** The number of lines that a token covers. Comments and blank lines are no tokens. */
function linesOfCode(file: ts.SourceFile): number {
  const lines = new Set<number>();
  const lineOf = (position: number) => file.getLineAndCharacterOfPosition(position).line;
  const visit = (node: ts.Node): void => {
    const children = node.getChildren(file).filter((child) => !ts.isJSDoc(child));
    for (const child of children) visit(child);
    if (children.length > 0 || node.getStart(file) === node.getEnd()) return;
    for (let line = lineOf(node.getStart(file)); line <= lineOf(node.getEnd()); line++) lines.add(line);
  };
  visit(file);
  return lines.size;
}
