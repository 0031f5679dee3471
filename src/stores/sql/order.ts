/*
 * Pages go by UTF-16 code unit, as JavaScript compares strings. Databases compare UTF-8, byte by byte, and that differs
 * in one place: it puts U+E000 to U+FFFF before everything beyond U+FFFF, where UTF-16, with its surrogates, puts them
 * behind. So these characters are kept with U+10FFFF, the last character of all, in front. Then the bytes of what is kept
 * are in the order of the ids, two ids never become one, and an id of anything else is kept as it is.
 */

const LAST = '\u{10ffff}';
const MAY_MOVE = /[\ud800-\uffff]/;
const MOVED = /[\ue000-\uffff\u{10ffff}]/gu;
const MARKED = /\u{10ffff}(.)/gsu;
/** Stands for U+10FFFF itself: before all characters that are moved. */
const ITSELF = '\u0001';

/** An id or a kind in the form that a column keeps: UTF-8 byte order is the UTF-16 order of the ids. */
export function toColumn(id: string): string {
  return MAY_MOVE.test(id) ? id.replace(MOVED, (char) => LAST + (char === LAST ? ITSELF : char)) : id;
}

/** The id or kind that a column keeps. */
export function fromColumn(kept: string): string {
  return kept.includes(LAST) ? kept.replace(MARKED, (_, char: string) => (char === ITSELF ? LAST : char)) : kept;
}
