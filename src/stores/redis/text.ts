/*
 * How strings lie in Redis. It orders the lines of a sorted set by their bytes, and a store's order is that of UTF-16
 * code units; the two differ for what lies beyond U+FFFF. So each code unit becomes one code point of its own, in the
 * same order. What is below the surrogates, which is nearly everything, stays as it is and can be read in redis-cli.
 */

/** Between the columns of a row and the parts of a line: below every character of an encoded text, so that `a` sorts before `ab`. */
export const COLUMN = '\0';
/** The separators, `\x02` between the rows that one field names, and what has to move for the order's sake. */
const MOVED = /[\0-\x02\ud800-\uffff]/;
/** Behind an escape a separator stands as another character, so that none is left. */
const ESCAPED = 3;
const SURROGATES = 0xd800;
const BEHIND = 0xe000;
const ASTRAL = 0x10000;

/** One text for one string, without a separator in it; of two strings the lesser one's bytes are less. Lone surrogates too. */
export function encodeText(text: string): string {
  if (!MOVED.test(text)) return text;
  let encoded = '';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit <= 2) encoded += `\x01${String.fromCharCode(unit + ESCAPED)}`;
    else if (unit < SURROGATES) encoded += String.fromCharCode(unit);
    else if (unit < BEHIND) encoded += String.fromCharCode(BEHIND + unit - SURROGATES);
    else encoded += String.fromCodePoint(ASTRAL + unit - BEHIND);
  }
  return encoded;
}

const ENCODED = /\x01|[\ud800-\uffff]/;

/** The string that {@link encodeText} was given. What it never gave decodes to something, too: the codec of the core judges it. */
export function decodeText(encoded: string): string {
  if (!ENCODED.test(encoded)) return encoded;
  let text = '';
  let escaped = false;
  for (const char of encoded) {
    const point = char.codePointAt(0) as number;
    if (point === 1 && !escaped) {
      escaped = true;
      continue;
    }
    if (escaped) text += String.fromCharCode(point - ESCAPED);
    else if (point >= ASTRAL) text += String.fromCharCode(BEHIND + point - ASTRAL);
    else text += String.fromCharCode(point >= BEHIND ? SURROGATES + point - BEHIND : point);
    escaped = false;
  }
  return text;
}

/** Like {@link encodeText}, for what may be absent: nothing for `undefined`, and something for the empty string. */
export const encodeOptional = (text: string | undefined): string => (text === undefined ? '' : `+${encodeText(text)}`);
export const decodeOptional = (encoded: string): string | undefined => (encoded === '' ? undefined : decodeText(encoded.slice(1)));
