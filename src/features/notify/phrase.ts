import { escapeUnshown } from '../../core/parse.js';
import type { Phrase } from './notice.js';

/*
 * Messages are our words around what comes from outside: ids, scopes, and what people wrote. None of that may break a
 * line, hide or reorder what stands beside it, call somebody, or become a link, a picture, a heading or code.
 */

const MAX_NAME = 128;
const MAX_REMARK = 400;
const MAX_LISTED = 5;

/** Ids, scopes and words that need no quotes; neither a comma nor a space is among them, nor anything that ends code. */
const PLAIN = /^[\w.~@/+=:*-]+$/;

/** Our words around phrases. */
export function say(words: TemplateStringsArray, ...parts: readonly Phrase[]): Phrase {
  const join = (form: keyof Phrase) => words.reduce((said, word, i) => said + (parts[i - 1] as Phrase)[form] + word);
  return { text: join('text'), markdown: join('markdown') };
}

/** Words of ours, or of the configuration's. */
export const words = (text: string): Phrase => ({ text, markdown: text });

/** An id, a scope or a group. As code in Markdown: there is no mention, no link and no emoji in `db:key:read`. */
export function name(id: string): Phrase {
  // Never without a character that doesn't show: two ids that differ must not read alike.
  const text = shorten(escapeUnshown(id), MAX_NAME);
  if (PLAIN.test(id)) return { text, markdown: `\`${text}\`` };
  const quoted = `"${text.replaceAll('"', "'")}"`;
  return { text: quoted, markdown: escapeMarkdown(quoted) };
}

/** What somebody wrote. */
export function remark(given: string): Phrase {
  const text = shorten(oneLine(given), MAX_REMARK);
  return { text, markdown: escapeMarkdown(text) };
}

/** Some of them, and how many more there are. */
export function list(phrases: readonly Phrase[]): Phrase {
  const shown = phrases.slice(0, MAX_LISTED);
  const left = phrases.length - shown.length;
  const more = left > 0 ? ` and ${left} more` : '';
  const join = (form: keyof Phrase) => shown.map((phrase) => phrase[form]).join(', ') + more;
  return { text: join('text'), markdown: join('markdown') };
}

export const names = (ids: readonly string[]): Phrase => list(ids.map(name));

/** Lines and other white space become spaces, what doesn't show goes, and of what is left every character shows. */
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

/** Doesn't show, and parts what must not be read together. */
const JOINER = '\u2060';

/**
 * For CommonMark with the additions of GitHub, GitLab, Teams and Slack. What only the Markdown reader takes for markup
 * gets a backslash. `<`, `>` and `&` are written as Slack wants them. Mentions, references, emojis and bare addresses
 * are found after backslashes are gone, and so they are parted by a character that doesn't show.
 */
function escapeMarkdown(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('`', "'")
    .replace(/[\\*_[\]~|$]/g, '\\$&')
    .replace(/[@#!]|:(?=\S)/g, `$&${JOINER}`)
    .replace(/(?<=[\p{L}\p{N}])\./gu, `${JOINER}$&`);
}
