/*
 * `npm run regexps`: checks each regular expression of the built package with recheck. Fails on one whose time may grow faster than the
 * length of its text, so that no text of a caller holds the event loop (L42). It takes no expression that is made at run time, except
 * those of zod.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { check } from 'recheck';
import ts from 'typescript';
import { iso } from 'zod/mini';

/** Expressions that are not linear, each with the reason why no caller chooses its text. One that is no longer in the package fails. */
const ALLOWED: Readonly<Record<string, string>> = {};

/**
 * How the expressions begin that zod makes at run time, in the bundled files. It makes them from a schema, never from a
 * text of a caller. It matches texts only by those of template literals, which no schema of this package has, and by {@link INSTANT}.
 */
const OF_ZOD = ['`^(${patterns.map(', '`^(${cleanRegex(pattern', '`^${dateSource}T', 'patternValues.length', 'vals.length'];

/** The only one of them that matches the text of a caller: an instant with an offset. */
const INSTANT = iso.datetime({ offset: true })._zod.pattern;

const folder = process.argv[2] ?? 'dist';

/** An expression of the package, as the source and the flags that it has. */
interface Found {
  readonly place: string;
  readonly source: string;
  readonly flags: string;
}

const nodesOf = (node: ts.Node): readonly ts.Node[] => [node, ...node.getChildren().flatMap(nodesOf)];

/** The expressions of a file; a text: the place of one whose source is not in the file. */
function expressionsOf(file: string): readonly (Found | string)[] {
  const parsed = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const nodes = nodesOf(parsed);
  const texts = new Map<string, string>();
  for (const node of nodes)
    if (ts.isVariableDeclaration(node) && node.initializer !== undefined && ts.isStringLiteralLike(node.initializer))
      texts.set(node.name.getText(), node.initializer.text);
  const textOf = (node: ts.Node): string | undefined => (ts.isStringLiteralLike(node) ? node.text : texts.get(node.getText()));
  return nodes.flatMap((node): readonly (Found | string)[] => {
    const place = `${file}:${parsed.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/');
      return [{ place, source: node.text.slice(1, end), flags: node.text.slice(end + 1) }];
    }
    if (!(ts.isNewExpression(node) || ts.isCallExpression(node)) || node.expression.getText() !== 'RegExp') return [];
    const [source, flags] = node.arguments ?? [];
    const text = source === undefined ? undefined : textOf(source);
    if (text === undefined && OF_ZOD.some((start) => source?.getText().replace(/\s/g, '').startsWith(start) === true)) return [];
    return [text === undefined ? place : { place, source: text, flags: flags === undefined ? '' : (textOf(flags) ?? '') }];
  });
}

/** What is wrong with an expression; `undefined`: its time grows with the length of the text. */
async function faultOf({ source, flags }: Found): Promise<string | undefined> {
  const checked = await check(source, flags, { timeout: 60_000 });
  if (checked.status === 'safe') return undefined;
  return checked.status === 'vulnerable' ? checked.complexity.summary : checked.status;
}

const found = new Map<string, Found>();
const faults: string[] = [];
const files = readdirSync(folder).filter((name) => name.endsWith('.js'));
for (const each of files.flatMap((name) => expressionsOf(`${folder}/${name}`))) {
  if (typeof each === 'string') faults.push(`${each}: an expression that is made at run time`);
  else found.set(`/${each.source}/${each.flags}`, each);
}
found.set(String(INSTANT), { place: 'zod, iso.datetime', source: INSTANT.source, flags: INSTANT.flags });
for (const [text, each] of found) {
  const fault = await faultOf(each);
  if (fault !== undefined && !Object.hasOwn(ALLOWED, text)) faults.push(`${each.place}: ${text} is ${fault}`);
}
for (const text of Object.keys(ALLOWED)) if (!found.has(text)) faults.push(`${text} is allowed, and no longer in the package`);
// An empty folder would pass every check.
if (found.size === 1) faults.push(`${folder} has no expression: run npm run build`);
console.log(`${found.size} regular expressions in ${files.length} files`);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
