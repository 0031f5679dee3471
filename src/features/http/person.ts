import { isObject } from '../../records/index.js';

/** What the service says about a person. Another value than a text of one line is omitted. */
export interface Person {
  /** At most 200 characters. */
  readonly name: string;
  /** Such as a team. At most 200 characters. */
  readonly detail?: string | undefined;
  /** A path of the own origin, such as `/avatars/7.png`, or a `data:` image of at most 8 KiB. */
  readonly avatarUrl?: string | undefined;
}

/** A person whom a search has found. */
export interface FoundPerson extends Person {
  /** As in the engine. */
  readonly id: string;
}

/** The longest path of an avatar, and the longest `data:` URL. Characters, which are all ASCII. */
const MAX_AVATAR = 8_192;

/** A person without what is wrong. `undefined`: it has no name. */
export function personIn(value: unknown): Person | undefined {
  if (!isObject(value)) return undefined;
  const { avatarUrl, ...given } = value as Partial<Record<keyof Person, unknown>>;
  const [name, detail] = [lineIn(given.name), lineIn(given.detail)];
  if (name === undefined) return undefined;
  return { name, ...(detail !== undefined && { detail }), ...(isAvatar(avatarUrl) && { avatarUrl }) };
}

/**
 * A text to read, in one line, without the characters that reorder the text after them, and without those that show nothing: two names
 * that differ by one would look the same. Inside a line, words of Persian and Hindi and emoji need some of them. Not more than four
 * combining marks in a row (UTS 39): more of them cover the lines around it.
 */
const LINE =
  /^(?=.*[\p{L}\p{N}\p{S}])(?!.*[\p{Mn}\p{Me}]{5})(?:[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|[\u061c\u200c-\u200f]|(?<=\p{Extended_Pictographic})\ufe0f|(?<!\p{Extended_Pictographic})\ufe0f(?=\u20e3)){1,200}$/u;
/** Characters without a width that join or direct the text beside them: at the edge, that is the text around the line. */
const EDGE = /[\u061c\u200b-\u200f\u2060\ufeff]/;
/** The longest text that is looked at. UTF-16 units. */
const MAX_LOOK = 500;

/** The line without such characters at its edges. `undefined`: the value is no text of one line. */
export function lineIn(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_LOOK) return undefined;
  let [begin, end] = [0, value.length];
  while (EDGE.test(value.charAt(begin))) begin++;
  while (end > begin && EDGE.test(value.charAt(end - 1))) end--;
  const line = value.slice(begin, end);
  return LINE.test(line) ? line : undefined;
}

/** `//` and `/\` begin another origin. Browsers remove tabs and line ends before they read a URL. */
const AVATAR = /^(?:\/(?![/\\])|data:image\/[\w.+-]+[;,])[!-[\]-~]*$/;
const isAvatar = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_AVATAR && AVATAR.test(value);
