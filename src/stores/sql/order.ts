/*
 * Pages are ordered by UTF-16 code unit, as JavaScript compares strings. Databases compare the bytes of UTF-8. The two
 * orders differ in one place: U+E000 to U+FFFF come before everything above U+FFFF in UTF-8, and after it in UTF-16, because
 * of its surrogates.
 *
 * So a column stores each of these characters with the prefix U+10FFFF, the greatest character. Then the byte order of the
 * columns is the order of the ids. The encoding is injective, and leaves all other ids unchanged.
 */

const LAST = '\u{10ffff}';
const MAY_MOVE = /[\ud800-\uffff]/;
const MOVED = /[\ue000-\uffff\u{10ffff}]/gu;
const MARKED = /\u{10ffff}(.)/gsu;
/** Encodes U+10FFFF itself, after the prefix. It is less than every character that gets the prefix. */
const ITSELF = '\u0001';

/** The form in which a column stores an id or a kind: its UTF-8 byte order is the UTF-16 order of the ids. */
export function toColumn(id: string): string {
  return MAY_MOVE.test(id) ? id.replace(MOVED, (char) => LAST + (char === LAST ? ITSELF : char)) : id;
}

/** Decodes an id or a kind from its column. */
export function fromColumn(kept: string): string {
  return kept.includes(LAST) ? kept.replace(MARKED, (_, char: string) => (char === ITSELF ? LAST : char)) : kept;
}
