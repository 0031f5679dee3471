import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A comment, with its marks, on the lines on which it stands. */
export interface Comment {
  readonly line: number;
  readonly text: string;
}

/** The comments of one file, in the order in which they stand there. */
export function commentsOf(file: string, source = readFileSync(root + file, 'utf8')): Comment[] {
  const syntax = ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true);
  const found = new Map<number, Comment>();
  const visit = (node: ts.Node): void => {
    const ranges = [
      ...(ts.getLeadingCommentRanges(source, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(source, node.getEnd()) ?? []),
    ];
    for (const { pos, end } of ranges)
      found.set(pos, { line: syntax.getLineAndCharacterOfPosition(pos).line + 1, text: source.slice(pos, end) });
    ts.forEachChild(node, visit);
  };
  visit(syntax);
  return [...found.values()].sort((a, b) => a.line - b.line);
}
