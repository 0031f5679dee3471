/** A value of a cell. An instant is a `Date`. `undefined`: an empty cell. */
export type CsvCell = string | number | boolean | Date | undefined;

/**
 * A text that a spreadsheet may take for a formula: it begins, after blanks and controls, with a sign of one, also in its full-width form;
 * or a tab or a carriage return is among the blanks, at which some programs begin another cell.
 */
const FORMULA = /^[\p{Z}\p{C}\p{DI}\u2800]*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/u;

/** Makes Excel read UTF-8. */
const BYTE_ORDER_MARK = '\uFEFF';

function quoted(cell: CsvCell): string {
  const text = cell instanceof Date ? cell.toISOString() : String(cell ?? '').replaceAll('\0', '');
  return `"${FORMULA.test(text) ? "'" : ''}${text.replaceAll('"', '""')}"`;
}

/**
 * Rows as CSV of RFC 4180, for a file in UTF-8: with a byte order mark, every cell quoted, and CRLF after each row. Instants are in UTC.
 * A text that a spreadsheet may take for a formula gets a leading `'`.
 */
export function toCsv(rows: Iterable<readonly CsvCell[]>): string {
  let text = BYTE_ORDER_MARK;
  for (const row of rows) text += `${row.map(quoted).join(',')}\r\n`;
  return text;
}
