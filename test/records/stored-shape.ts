import ts from 'typescript';
import {
  anyText,
  count,
  flag,
  instant,
  isObject,
  pattern,
  set,
  text,
  whole,
  type AnyField,
  type Check,
  type RecordTable,
} from '../../src/records/fields.js';
import { LAYOUT } from '../../src/core/layout.js';
import { BOOKMARKS } from '../../src/records/bookmark.js';
import { KINDS } from '../../src/records/index.js';
import { NEW } from '../../src/records/layout.js';
import { declaredFields } from '../docs/reference/entry-types.js';
import { readSources } from '../docs/reference/sources.js';

/** Everything that a layout stores, each field in one line of words by its path. */
export interface StoredShape {
  /** The rows of records: the fields of each kind, at every depth. */
  readonly kinds: Shapes;
  /** The bodies of the rows of the engine's own data. */
  readonly bookmarks: Shapes;
  /** The fields of the `data` of each type of entry, with their declared types. */
  readonly entries: Shapes;
}

type Shapes = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The checks of values without parts. A check is one of them, or the shape would not show that it changes. */
const CHECKS = new Map<Check, string>([
  [text.is, 'text'],
  [anyText.is, 'any text'],
  [flag.is, 'flag'],
  [set.is, 'true'],
  [count.is, 'count'],
  [whole.is, 'whole'],
  [instant.is, 'instant'],
  [pattern.is, 'pattern'],
  [isObject, 'JSON object'],
]);

function nameOf(path: string, { is, list, values, newValues, fields, variants }: AnyField, layout: number): string {
  if (list !== undefined) return 'list';
  if (fields !== undefined) return 'object';
  if (variants !== undefined) return 'union';
  if (values !== undefined) return `one of ${values.filter((value) => isIn(newValues?.[String(value)], layout)).join(', ')}`;
  const name = CHECKS.get(is);
  if (name === undefined) throw new Error(`the check of ${path} has no name: add it to CHECKS of test/records/stored-shape.ts`);
  return name;
}

const isIn = (since: number | undefined, layout: number): boolean => (since ?? 1) <= layout;

/** A field, and all fields inside it, as far as a layout has them. */
function* linesOf(
  path: string,
  { silent, ...field }: RecordTable[string],
  layout: number,
): Generator<readonly [path: string, words: string]> {
  if (!isIn(field.since, layout)) return;
  if (silent !== undefined) {
    for (const [at, words] of linesOf(path, silent, layout)) yield [at, at === path ? `${words}; silent` : words];
    return;
  }
  const { column, as, optional, sparse, list, fields = {}, variants = [] } = field;
  const words = [
    nameOf(path, field, layout),
    ...(column === undefined ? [] : [`column ${column}`]),
    ...(as === undefined ? [] : [`as ${as}`]),
    ...(sparse === true ? ['sparse'] : optional === true ? ['optional'] : []),
  ];
  yield [path, words.join('; ')];
  if (list !== undefined) yield* linesOf(`${path}[]`, list, layout);
  yield* linesIn(`${path}.`, fields, layout);
  for (const variant of variants) {
    const [name, since] = nameOfVariant(variant);
    if (isIn(since, layout)) yield* linesIn(`${path}=${name}.`, variant.fields ?? {}, layout);
  }
}

/** The name of a variant is the one value of its first field. */
function nameOfVariant({ fields = {} }: AnyField): readonly [name: string, since: number | undefined] {
  const [key] = Object.values(fields);
  const name = String(key?.values?.[0]);
  return [name, key?.newValues?.[name]];
}

function* linesIn(prefix: string, table: RecordTable, layout: number): Generator<readonly [path: string, words: string]> {
  for (const [name, field] of Object.entries(table)) yield* linesOf(`${prefix}${name}`, field, layout);
}

/** The fields that a table has in a layout, at every depth. */
export const shapeOf = (table: RecordTable, layout: number): Readonly<Record<string, string>> =>
  Object.fromEntries(linesIn('', table, layout));

/** Every table, by the kind of its rows. */
const TABLES: readonly (readonly [of: 'kinds' | 'bookmarks', kind: string, table: RecordTable])[] = [
  ...Object.entries(KINDS).map(([kind, { fields }]) => ['kinds', kind, fields as unknown as RecordTable] as const),
  ...Object.entries(BOOKMARKS).map(([kind, table]) => ['bookmarks', kind, table] as const),
];

const introduced = (name: string): number | undefined => (NEW as Readonly<Record<string, number>>)[name];

const shapesOf = (wanted: 'kinds' | 'bookmarks', layout: number): Shapes =>
  Object.fromEntries(
    TABLES.flatMap(([of, kind, table]) => (of === wanted && isIn(introduced(kind), layout) ? [[kind, shapeOf(table, layout)]] : [])),
  );

/** A mark of a table, with its layout and what makes it useless. */
export interface Mark {
  readonly at: string;
  readonly layout: number;
  readonly problem: string | undefined;
}

/** Every mark of a table, at every depth. */
export function* marksOf(at: string, { silent, ...field }: RecordTable[string]): Generator<Mark> {
  const { since, newValues = {}, values = [], column, optional, list, fields = {}, variants = [] } = field;
  if (since !== undefined) {
    const problem = column !== undefined ? 'a column has no mark' : optional === true ? undefined : 'a row of an earlier layout lacks it';
    yield { at, layout: since, problem };
  }
  for (const [value, layout] of Object.entries(newValues)) {
    const problem = column !== undefined ? 'a column has no mark' : values.includes(value) ? undefined : 'it has no such value';
    yield { at: `${at}=${value}`, layout, problem };
  }
  if (silent !== undefined) yield* marksOf(at, silent);
  if (list !== undefined) yield* marksOf(`${at}[]`, list);
  for (const table of [fields, ...variants.map((variant) => variant.fields ?? {})]) {
    for (const [name, inner] of Object.entries(table)) yield* marksOf(`${at}.${name}`, inner);
  }
}

/** Every mark of these sources. */
export const marks = (): readonly Mark[] => [
  ...Object.entries(NEW).map(([at, layout]) => ({ at, layout, problem: undefined })),
  ...TABLES.flatMap(([, kind, table]) => Object.entries(table).flatMap(([name, field]) => [...marksOf(`${kind}.${name}`, field)])),
];

/** The fields of each type of entry, at every depth. An entry always has a field whose declared type lacks `undefined`. */
function entryShapes(): Shapes {
  const sources = readSources();
  return Object.fromEntries(
    [...declaredFields(sources)].map(([type, fields]) => [type, Object.fromEntries(declaredIn(sources.checker, '', fields))]),
  );
}

function* declaredIn(checker: ts.TypeChecker, prefix: string, fields: readonly ts.Symbol[]): Generator<readonly [string, string]> {
  for (const field of fields) yield* declaredLines(checker, `${prefix}${field.name}`, checker.getTypeOfSymbol(field));
}

function* declaredLines(checker: ts.TypeChecker, path: string, declared: ts.Type): Generator<readonly [path: string, words: string]> {
  const type = checker.getNonNullableType(declared);
  const item = checker.isArrayType(type) ? checker.getTypeArguments(type as ts.TypeReference)[0] : undefined;
  const parts = type.isUnion() ? type.types : [type];
  const objects = parts.filter((part) => (part.flags & ts.TypeFlags.Object) !== 0);
  const values = parts.flatMap((part) => (part.isStringLiteral() ? [part.value] : []));
  const name = item !== undefined ? 'list' : objects.length > 1 ? 'union' : objects.length === 1 ? 'object' : undefined;
  const words = name ?? (values.length > 0 ? 'one of these' : checker.typeToString(type));
  yield [path, type === declared ? words : `${words}; optional`];
  // The compiler orders the values of a union by when it has first seen each.
  for (const value of values.sort()) yield [`${path} ${value}`, 'value'];
  if (item !== undefined) yield* declaredLines(checker, `${path}[]`, item);
  else
    for (const object of objects) {
      const [first] = object.getProperties();
      const at = objects.length === 1 || first === undefined ? path : `${path}=${literalOf(checker, first)}`;
      yield* declaredIn(checker, `${at}.`, object.getProperties());
    }
}

/** The one value of the field by which the variants of a union differ. */
function literalOf(checker: ts.TypeChecker, field: ts.Symbol): string {
  const type = checker.getTypeOfSymbol(field);
  if (!type.isStringLiteral()) throw new Error(`the variants of ${field.name} have no name: its first field has not one value`);
  return type.value;
}

const ENTRIES = entryShapes();

/** What a process of a layout stores. The types of entries have the fields of today: an older process ignores those that it does not know. */
export const storedShape = (layout = LAYOUT): StoredShape => ({
  kinds: shapesOf('kinds', layout),
  bookmarks: shapesOf('bookmarks', layout),
  entries: Object.fromEntries(Object.entries(ENTRIES).filter(([type]) => isIn(introduced(type), layout))),
});
