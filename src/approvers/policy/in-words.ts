import { utf8Length } from '../../core/parse.js';

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

/** A duration in the form of the options, such as `1h30m`. */
export function inWords(ms: number): string {
  let left = ms;
  return UNITS.map(([unit, size]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return count === 0 ? '' : `${count}${unit}`;
  }).join('');
}

/** Shortens a text to a number of bytes of UTF-8: a reason that is too long would count as a failure of the approver. */
export function cut(text: string, bytes: number): string {
  if (utf8Length(text) <= bytes) return text;
  let kept = '';
  let left = bytes - '...'.length;
  for (const char of text) {
    left -= utf8Length(char);
    if (left < 0) break;
    kept += char;
  }
  return `${kept}...`;
}
