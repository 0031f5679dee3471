import { escapeUnshown } from '../../core/parse.js';
import type { Phrase } from './notice.js';

/*
 * A message has fixed words around ids, scopes and texts that callers wrote. Such a text must not break a line, or hide or
 * reorder the text around it. It must not mention a person, or become a link, a picture, a heading or code.
 */

const MAX_NAME = 128;
const MAX_REMARK = 400;
const MAX_LISTED = 5;

/** Ids, scopes and words that need no quotes: they hold no comma, no space and no character that ends code. */
const PLAIN = /^[\w.~@/+=:*-]+$/;

/** Fixed words around phrases. */
export function say(words: TemplateStringsArray, ...parts: readonly Phrase[]): Phrase {
  const join = (form: keyof Phrase) => words.reduce((text, word, i) => text + (parts[i - 1] as Phrase)[form] + word);
  return { text: join('text'), markdown: join('markdown') };
}

/** Words of this package, or of its configuration. */
export const words = (text: string): Phrase => ({ text, markdown: text });

/** An id, a scope or a group. In Markdown it is code, so that `db:key:read` becomes no emoji, mention or link. */
export function name(id: string): Phrase {
  // Invisible characters are escaped, never dropped: two different ids must not look alike.
  const text = shorten(escapeUnshown(id), MAX_NAME);
  if (PLAIN.test(id)) return { text, markdown: `\`${text}\`` };
  const quoted = `"${text.replaceAll('"', "'")}"`;
  return { text: quoted, markdown: escapeMarkdown(quoted) };
}

/** A text that a person wrote. */
export function remark(given: string): Phrase {
  const text = shorten(oneLine(given), MAX_REMARK);
  return { text, markdown: escapeMarkdown(text) };
}

/** The first phrases, and the number of the others. */
export function list(phrases: readonly Phrase[]): Phrase {
  const shown = phrases.slice(0, MAX_LISTED);
  const left = phrases.length - shown.length;
  const more = left > 0 ? ` and ${left} more` : '';
  const join = (form: keyof Phrase) => shown.map((phrase) => phrase[form]).join(', ') + more;
  return { text: join('text'), markdown: join('markdown') };
}

export const names = (ids: readonly string[]): Phrase => list(ids.map(name));

/** Turns line breaks and other white space into spaces, removes invisible characters, and replaces control characters. */
function oneLine(text: string): string {
  return text
    .replace(/[\s\p{Z}]+/gu, ' ')
    .replace(/[\p{Cf}\p{DI}]/gu, '')
    .replace(/[\p{Cc}\p{Cs}]/gu, '\ufffd')
    .trim();
}

function shorten(text: string, max: number): string {
  const characters = Array.from(text);
  return characters.length > max ? `${characters.slice(0, max - 1).join('')}…` : text;
}

/** An invisible character that separates its neighbours. */
const JOINER = '\u2060';

/**
 * Escapes for CommonMark with the additions of GitHub, GitLab, Teams and Slack. Markup of the Markdown parser gets a backslash.
 * `<`, `>` and `&` are written as Slack expects them. These services find mentions, references, emojis and bare addresses after
 * they have removed backslashes, so an invisible character separates those.
 */
function escapeMarkdown(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('`', "'")
    .replace(/[\\*_[\]~|$]/g, '\\$&')
    .replace(/[@#!]|:(?=\S)/g, `$&${JOINER}`)
    .replace(/(?<=[\p{L}\p{M}\p{N}\p{S}])\./gu, `${JOINER}$&`);
}
