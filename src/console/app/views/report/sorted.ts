/** What a column shows of a row, for comparing. `undefined`: the row has no value there. */
export type Value = number | string | undefined;

/** Rows by one value. Equal ones keep their order, and rows without a value are last in both directions. */
export function sortedBy<Row>(rows: readonly Row[], valueOf: (row: Row) => Value, isDescending: boolean): readonly Row[] {
  const compared = rows.map((row) => ({ row, value: valueOf(row) }));
  const compare = (a: number | string, b: number | string) =>
    (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b))) * (isDescending ? -1 : 1);
  return compared
    .sort(({ value: a }, { value: b }) =>
      a === undefined || b === undefined ? Number(a === undefined) - Number(b === undefined) : compare(a, b),
    )
    .map(({ row }) => row);
}
