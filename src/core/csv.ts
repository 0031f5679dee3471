/** A value of a cell. An instant is a `Date`. `undefined`: an empty cell. */
export type CsvCell = string | number | boolean | Date | undefined;

/**
 * A text that a spreadsheet may take for a formula: it begins, after blanks and controls, with a sign of one, also in its full-width form;
 * or a tab or a carriage return is among the blanks, at which some programs begin another cell.
 */
const FORMULA = /^[\p{Z}\p{C}\p{DI}\u2800]*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/u;

/**
 * The same within a text. Where the list separator of the system is a semicolon, Excel reads only the first cell of a row as quoted: each
 * `;` and each line end after it begins another cell.
 */
const LATER_FORMULA = /(;|\r\n?|\n)(?=[\p{Z}\p{C}\p{DI}\u2800]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/gu;

/** Makes Excel read UTF-8. */
const BYTE_ORDER_MARK = '\uFEFF';

function quoted(cell: CsvCell): string {
  const text = cell instanceof Date ? cell.toISOString() : String(cell ?? '').replaceAll('\0', '');
  return `"${FORMULA.test(text) ? "'" : ''}${text.replace(LATER_FORMULA, "$1'").replaceAll('"', '""')}"`;
}

/**
 * Rows as CSV of RFC 4180, for a file in UTF-8: with a byte order mark, every cell quoted, and CRLF after each row. Instants are in UTC.
 * A text gets a `'` before each place at which a spreadsheet may begin a formula.
 */
export function toCsv(rows: Iterable<readonly CsvCell[]>): string {
  let text = BYTE_ORDER_MARK;
  for (const row of rows) text += `${row.map(quoted).join(',')}\r\n`;
  return text;
}
