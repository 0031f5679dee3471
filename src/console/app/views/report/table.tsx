import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { More } from '../../parts/list.js';
import { sortedBy, type Value } from './sorted.js';

export interface Column<Row> {
  readonly label: string;
  /** What the rows are sorted by. Numbers begin with the largest. */
  readonly value: (row: Row) => Value;
  /** Default: the value. */
  readonly shows?: (row: Row) => ComponentChildren;
}

export interface TableProps<Row> {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** The first one names the row. */
  readonly columns: readonly Column<Row>[];
  /** The index of the column by which it is sorted first, the largest first. */
  readonly first: number;
}

/** How many more rows one press shows. */
const STEP = 100;

/** A table whose columns sort it. Where it is too narrow for a table, each row is a card. */
export function Table<Row>({ label, rows, keyOf, columns, first }: TableProps<Row>): JSX.Element {
  const [{ by, isDescending }, setSorting] = useState({ by: first, isDescending: true });
  const [limit, setLimit] = useState(STEP);
  const value = columns[by]?.value;
  const sorted = value === undefined ? rows : sortedBy(rows, value, isDescending);
  const sort = (index: number) => setSorting({ by: index, isDescending: by === index ? !isDescending : index > 0 });
  return (
    <>
      <table class="report-table" role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column, index) => (
              <th
                key={column.label}
                role="columnheader"
                scope="col"
                aria-sort={index !== by ? undefined : isDescending ? 'descending' : 'ascending'}
              >
                <button type="button" class="plain" onClick={() => sort(index)}>
                  {column.label}
                  <span aria-hidden="true">{index !== by ? '↕' : isDescending ? '↓' : '↑'}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {sorted.slice(0, limit).map((row) => (
            <tr key={keyOf(row)} role="row">
              {columns.map(({ label: name, value: valueOf, shows = valueOf }, index) =>
                index === 0 ? (
                  <th key={name} role="rowheader" scope="row">
                    {shows(row)}
                  </th>
                ) : (
                  <td key={name} role="cell" data-label={name}>
                    {shows(row) ?? '–'}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > limit && <More onPress={() => setLimit(limit + STEP)} />}
    </>
  );
}
