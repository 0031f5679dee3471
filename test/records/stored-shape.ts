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
  type Table,
} from '../../src/records/fields.js';
import { KINDS } from '../../src/records/index.js';
import { declaredFields } from '../docs/reference/entry-types.js';
import { readSources } from '../docs/reference/sources.js';

/** Everything that a layout stores, each field in one line of words by its path. */
export interface StoredShape {
  /** The rows of records: the fields of each kind, at every depth. */
  readonly kinds: Shapes;
  /** The fields of the `data` of each type of entry. Those of records are below their kinds at every depth. */
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

function nameOf(path: string, { is, list, values, fields, variants }: AnyField): string {
  if (list !== undefined) return 'list';
  if (fields !== undefined) return 'object';
  if (variants !== undefined) return 'union';
  if (values !== undefined) return `one of ${values.map(String).join(', ')}`;
  const name = CHECKS.get(is);
  if (name === undefined) throw new Error(`the check of ${path} has no name: add it to CHECKS of test/records/stored-shape.ts`);
  return name;
}

/** A field, and all fields inside it. */
function* linesOf(path: string, field: AnyField): Generator<readonly [path: string, words: string]> {
  const { column, as, optional, sparse, list, fields, variants } = field;
  const words = [
    nameOf(path, field),
    ...(column === undefined ? [] : [`column ${column}`]),
    ...(as === undefined ? [] : [`as ${as}`]),
    ...(sparse === true ? ['sparse'] : optional === true ? ['optional'] : []),
  ];
  yield [path, words.join('; ')];
  if (list !== undefined) yield* linesOf(`${path}[]`, list);
  yield* linesIn(`${path}.`, fields ?? {});
  for (const { fields: ofVariant = {} } of variants ?? []) {
    const [key] = Object.values(ofVariant);
    yield* linesIn(`${path}=${String(key?.values?.[0])}.`, ofVariant);
  }
}

function* linesIn(prefix: string, table: Table): Generator<readonly [path: string, words: string]> {
  for (const [name, field] of Object.entries(table)) yield* linesOf(`${prefix}${name}`, field);
}

/** The fields of a table, at every depth. */
export const shapeOf = (table: Table): Readonly<Record<string, string>> => Object.fromEntries(linesIn('', table));

/** The fields of each type of entry. An entry always has a field whose declared type lacks `undefined`. */
function entryShapes(): Shapes {
  const sources = readSources();
  const isOptional = (field: ts.Symbol): boolean => {
    const type = sources.checker.getTypeOfSymbol(field);
    return (type.isUnion() ? type.types : [type]).some(({ flags }) => (flags & ts.TypeFlags.Undefined) !== 0);
  };
  return Object.fromEntries(
    [...declaredFields(sources)].map(([type, fields]) => [
      type,
      Object.fromEntries(fields.map((field) => [field.name, isOptional(field) ? 'optional' : 'always'])),
    ]),
  );
}

/** What these sources store. */
export const storedShape = (): StoredShape => ({
  kinds: Object.fromEntries(Object.entries(KINDS).map(([kind, { fields }]) => [kind, shapeOf(fields as unknown as Table)])),
  entries: entryShapes(),
});
