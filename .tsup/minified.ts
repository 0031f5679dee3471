import { transform } from 'esbuild';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute } from 'node:path';
import type { Options } from 'tsup';
import ts from 'typescript';

/*
 * The annotation by which a user's bundler drops an unused constant. esbuild would remove it with the comments. So an operand replaces
 * it meanwhile, which binds as tightly as the call. Each replacement keeps the columns of the map: the spaces behind the operand are
 * removed, and the short annotation has its length.
 */
const PURE = '/* @__PURE__ */ ';
const SHORT_PURE = '/*@__PURE__*/';
const OPERAND = '__IS_PURE__**';

/** The most columns of a line that can be broken: Node prints the whole line of an uncaught error above its message. */
const COLUMNS = 120;

/**
 * Removes the white space and the comments from each file. The names of functions and classes stay: a stack trace is then readable
 * without the maps, and shorter names make the import hardly faster.
 *
 * At the end of the build, because tsup's own step for CommonJS cannot read such files.
 */
export const minified = (): NonNullable<Options['plugins']>[number] => ({
  name: 'minified',
  async buildEnd({ writtenFiles }) {
    for (const { name } of writtenFiles.filter((file) => /\.c?js$/.test(file.name))) await minify(name);
  },
});

export async function minify(file: string): Promise<void> {
  const map = readFileSync(`${file}.map`).toString('base64');
  const text = readFileSync(file, 'utf8')
    .replace(`//# sourceMappingURL=${basename(file)}.map`, '')
    .replaceAll(PURE, OPERAND.padEnd(PURE.length));
  const { code, map: composed } = await transform(`${text}\n//# sourceMappingURL=data:application/json;base64,${map}`, {
    // No `minifySyntax`: it unwraps functions that are called at once, and their contents have no annotation.
    minifyWhitespace: true,
    // esbuild breaks a line at the first place behind the limit.
    lineLimit: COLUMNS / 2,
    target: 'es2022',
    sourcemap: 'external',
    sourcefile: basename(file),
    sourcesContent: false,
  });
  // An operator may end a line, and a comment after `return` may not: the value would be a statement of its own. The break goes before it.
  const whole = code.replaceAll(/\b(return|throw) ?__IS_PURE__\*\*\n/g, `\n$1 ${OPERAND}`);
  const annotated = whole.replaceAll(OPERAND, SHORT_PURE);
  if (annotated.includes('__IS_PURE__')) throw new Error(`an annotation is lost in ${file}`);
  const { sources, mappings, ...rest } = JSON.parse(composed) as { readonly sources: readonly string[]; readonly mappings: string };
  const broken = breakLongLines(annotated, mappings);
  if ((await onOneLine(broken.code)) !== (await onOneLine(await onOneLine(text))))
    throw new Error(`a break of a line changes what ${file} does`);
  // The package contains no maps: names are enough to read a trace.
  writeFileSync(file, broken.code);
  // What esbuild adds between modules has the file itself as its source, by its path on this machine, or the name of a constant.
  writeFileSync(
    `${file}.map`,
    JSON.stringify({
      ...rest,
      mappings: broken.mappings,
      sources: sources.map((source) => (isAbsolute(source) || source.startsWith('<') ? basename(file) : source)),
    }),
  );
}

/** The program on one line, but for its texts: by it, two programs that differ in breaks alone are the same. */
async function onOneLine(code: string): Promise<string> {
  const { code: line } = await transform(code, { minifyWhitespace: true, target: 'es2022' });
  return line.replaceAll(OPERAND, SHORT_PURE);
}

/**
 * Puts the statements and the members of classes of a line that is too long on lines of their own: esbuild breaks few lines between them.
 * What is longer then is one text, or one regular expression.
 */
function breakLongLines(code: string, mappings: string): { readonly code: string; readonly mappings: string } {
  const lines = mappings.split(';');
  const pieces: string[] = [];
  let from = 0;
  for (const at of placesOf(code)) {
    if (code.indexOf('\n', at) - code.lastIndexOf('\n', at) <= COLUMNS) continue;
    pieces.push(code.slice(from, at));
    from = at;
    // The map has nothing for the new line, and what follows keeps its own.
    lines[code.slice(0, at).split('\n').length - 1] += ';';
  }
  return { code: [...pieces, code.slice(from)].join('\n'), mappings: lines.join(';') };
}

/** Where each statement and each member of a class begins, in their order. */
function placesOf(code: string): readonly number[] {
  const found = new Set<number>();
  const find = (node: ts.Node): void => {
    if (ts.isStatement(node) || ts.isClassElement(node)) found.add(node.pos);
    node.forEachChild(find);
  };
  find(ts.createSourceFile('', code, ts.ScriptTarget.ES2022));
  return [...found];
}
