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
  const { name, detail, avatarUrl } = value as Partial<Record<keyof Person, unknown>>;
  if (!isLine(name)) return undefined;
  return { name, ...(isLine(detail) && { detail }), ...(isAvatar(avatarUrl) && { avatarUrl }) };
}

/** A text to read, in one line, without the characters that reorder the text after them. */
const LINE = /^(?=.*[\p{L}\p{N}\p{S}])[^\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]{1,200}$/u;
const isLine = (value: unknown): value is string => typeof value === 'string' && LINE.test(value);

/** `//` and `/\` begin another origin. Browsers remove tabs and line ends before they read a URL. */
const AVATAR = /^(?:\/(?![/\\])|data:image\/[\w.+-]+[;,])[!-[\]-~]*$/;
const isAvatar = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_AVATAR && AVATAR.test(value);
