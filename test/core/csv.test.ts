import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toCsv } from '../../src/core/csv.js';

/** A reader of RFC 4180, of its own. */
function parsed(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let i = 0;
  while (i < text.length) {
    if (text[i++] !== '"') throw new Error(`no quote at ${i - 1}`);
    let cell = '';
    for (;;) {
      if (text[i] !== '"') cell += text[i++];
      else if (text[i + 1] === '"') {
        cell += '"';
        i += 2;
      } else break;
    }
    row.push(cell);
    i++;
    if (text[i] === ',') i++;
    else {
      if (text.slice(i, i + 2) !== '\r\n') throw new Error(`no end of the row at ${i}`);
      i += 2;
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

const body = (text: string): string => text.slice(1);
const cell = (value: string): string | undefined => parsed(body(toCsv([[value]])))[0]?.[0];

describe('toCsv', () => {
  it('begins with a byte order mark, quotes every cell, and ends each row with CRLF', () => {
    expect(toCsv([['a', 1, true, undefined, new Date(0)], ['b, "c"\n']])).toBe(
      '\uFEFF"a","1","true","","1970-01-01T00:00:00.000Z"\r\n"b, ""c""\n"\r\n',
    );
    expect(toCsv([])).toBe('\uFEFF');
  });

  it('removes NUL, before it looks for a formula', () => {
    expect([cell('a\0b'), cell('\0=1')]).toEqual(['ab', "'=1"]);
  });

  it.each([
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\tx',
    '\rx',
    ' =1',
    '\u00A0=1',
    '\u200B=1',
    '\u3164=1',
    '\uFE0F=1',
    '\u2800=1',
    '\u0007 @x',
    ' \t x',
    '\uFF1D1',
    '\uFF0B1',
    '\uFF0D1',
    '\uFF20x',
    '\uFEFF=1',
    "=cmd|' /C calc'!A0\"",
  ])('marks %j as text', (text) => {
    expect(cell(text)).toBe(`'${text}`);
  });

  it.each([
    ['done;=1+1;', "done;'=1+1;"],
    ['; \uFF1D1', ";' \uFF1D1"],
    ['a\n=1', "a\n'=1"],
    ['a\r\n@x', "a\r\n'@x"],
    ['a\r+1', "a\r'+1"],
    ['\n\u0007 @x', "'\n'\u0007 @x"],
    ["=cmd|' /C calc'!A0;-1", "'=cmd|' /C calc'!A0;'-1"],
  ])('marks %j where a list separator or a line end begins another cell', (text, marked) => {
    expect(cell(text)).toBe(marked);
  });

  it.each(['', 'a; b', 'a\nb', 'a=1', 'user:maya', "'=1", '1', '\u2212', 'x\t=1', ' a'])('leaves %j as it is', (text) => {
    expect(cell(text)).toBe(text);
  });

  it('restores any cells, except for NUL and the mark', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 })), (rows) => {
        const text = toCsv(rows);
        expect(text).not.toContain('\0');
        const read = parsed(body(text));
        expect(read.length).toBe(rows.length);
        for (const [r, row] of rows.entries()) {
          for (const [c, value] of row.entries()) {
            const plain = value.replaceAll('\0', '');
            const got = read[r]?.[c] ?? 'none';
            if (got.replaceAll("'", '') !== plain.replaceAll("'", ''))
              throw new Error(`${JSON.stringify(value)} became ${JSON.stringify(got)}`);
            if (/(?:^|[;\r\n])[\s\p{C}]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/u.test(got)) throw new Error(`a formula: ${JSON.stringify(got)}`);
          }
        }
      }),
    );
  });
});
