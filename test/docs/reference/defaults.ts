import ts from 'typescript';
import { posix } from 'node:path';
import type { Sources } from './sources.js';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A default in one form, whether code or a comment gives it: `'8h'`, `8 hours` and `28_800_000` are one. */
export function normalForm(text: string): string | number {
  const bare = text.replaceAll(/[`'_,]/g, '');
  const duration = /^(\d+) ?(ms|milliseconds?|s|seconds?|m|minutes?|h|hours?|d|days?)$/.exec(bare);
  if (duration !== null)
    return Number(duration[1]) * (UNITS[/^m(s|illi)/.test(duration[2] ?? '') ? 'ms' : (duration[2]?.[0] ?? '')] ?? NaN);
  return bare !== '' && Number.isFinite(Number(bare)) ? Number(bare) : bare;
}

/** The defaults that the code of a folder gives a name: `{ maxTtl = '8h' } = options`. Only literals count. */
export function defaultsInCode(sources: Sources, declaration: ts.Node, name: string): readonly (string | number)[] {
  const folder = posix.dirname(sources.pathOf(declaration));
  return (bindingsOf(sources).get(folder)?.get(name) ?? []).map(normalForm);
}

const known = new WeakMap<Sources, ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>>();

/** By folder and name, the literals that destructuring gives as defaults. */
function bindingsOf(sources: Sources): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> {
  const before = known.get(sources);
  if (before !== undefined) return before;
  const folders = new Map<string, Map<string, string[]>>();
  for (const file of sources.files) {
    const folder = posix.dirname(sources.pathOf(file));
    const names = folders.get(folder) ?? new Map<string, string[]>();
    folders.set(folder, names);
    const visit = (node: ts.Node): void => {
      if (ts.isBindingElement(node) && node.initializer !== undefined && isLiteral(node.initializer)) {
        const name = (node.propertyName ?? node.name).getText();
        names.set(name, [...(names.get(name) ?? []), node.initializer.getText()]);
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  known.set(sources, folders);
  return folders;
}

const isLiteral = (node: ts.Expression): boolean =>
  (ts.isStringLiteral(node) && node.text !== '') ||
  ts.isNumericLiteral(node) ||
  node.kind === ts.SyntaxKind.TrueKeyword ||
  node.kind === ts.SyntaxKind.FalseKeyword;
