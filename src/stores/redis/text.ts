/*
 * How strings are stored in Redis. Redis orders the lines of a sorted set by their bytes, and the store's order is by UTF-16
 * code unit. The two orders differ for characters above U+FFFF.
 *
 * So each UTF-16 code unit becomes one code point, in the same order. Code units below the surrogates, which are almost all,
 * stay unchanged and readable in redis-cli.
 */

/**
 * Separates the columns of a row, and the parts of a line of the index. It is less than every character of an encoded text,
 * so that `a` sorts before `ab`.
 */
export const COLUMN = '\0';
/** The separators (`\x02` separates the rows in one field), the escape, and the code units that move to keep the order. */
const MOVED = /[\0-\x02\ud800-\uffff]/;
/** Added to a separator after the escape, so that an encoded text contains no separator. */
const ESCAPED = 3;
const SURROGATES = 0xd800;
const BEHIND = 0xe000;
const ASTRAL = 0x10000;

/**
 * Encodes any string, with lone surrogates too. The encoding is injective and leaves no separator in the result. It keeps the
 * order: the lesser string has the lesser bytes.
 */
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

/** Reverses {@link encodeText}. It never throws: any other text becomes some string, which the codec of records then checks. */
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

/** Like {@link encodeText}, for an optional value: '' for `undefined`, and a non-empty text for the empty string. */
export const encodeOptional = (text: string | undefined): string => (text === undefined ? '' : `+${encodeText(text)}`);
export const decodeOptional = (encoded: string): string | undefined => (encoded === '' ? undefined : decodeText(encoded.slice(1)));
