import { signal } from '@preact/signals';
import type { ask } from '../views/ask.messages.js';
import { access } from '../views/access.messages.js';
import type { breakGlass } from '../views/break-glass.messages.js';
import type { commentField } from '../parts/comment-field.messages.js';
import type { decisionDialog } from '../parts/decision-dialog.messages.js';
import type { picker } from '../parts/picker.messages.js';
import type { excluded } from '../parts/excluded.messages.js';
import type { emergency } from '../views/emergency/dialog.messages.js';
import type { discussion } from '../views/inbox/discussion-body.messages.js';
import type { keysDialog } from '../views/inbox/keys-dialog.messages.js';
import type { deliveries } from '../views/request/deliveries.messages.js';
import type { dialogs } from '../views/request/dialogs.messages.js';
import type { printFoot } from '../views/history/print-foot.messages.js';
import type { history } from '../views/history.messages.js';
import type { inbox } from '../views/inbox.messages.js';
import type { journal } from '../views/journal.messages.js';
import type { live } from '../views/live.messages.js';
import type { report } from '../views/report.messages.js';
import type { request } from '../views/request.messages.js';
import { frame } from './frame.messages.js';

/** A text, or one for each plural form of `Intl.PluralRules`; the value `count` chooses. */
export type Message = string | Readonly<Partial<Record<Intl.LDMLPluralRule, string>>>;
export type Messages = Readonly<Record<string, Message>>;

type Yours = keyof typeof frame | keyof typeof access | keyof typeof ask | keyof typeof inbox | keyof typeof request;
type Oversight = keyof typeof breakGlass | keyof typeof history | keyof typeof journal | keyof typeof live | keyof typeof report;
/** The texts of parts that load when they are opened. */
type Opened =
  | keyof typeof commentField
  | keyof typeof decisionDialog
  | keyof typeof excluded
  | keyof typeof deliveries
  | keyof typeof dialogs
  | keyof typeof discussion
  | keyof typeof emergency
  | keyof typeof keysDialog
  | keyof typeof picker;
export type MessageKey = Yours | Oversight | Opened | keyof typeof printFoot;

export type Values = Readonly<Record<string, string | number>>;

/** The file of a language. */
export interface Translation {
  /** The texts of the service, by their key. */
  readonly table: Messages;
  /** The texts of the package: see {@link addMessages}. With their keys, the file would be a third larger. */
  readonly lists?: Readonly<Record<string, readonly (Message | null)[]>>;
  /** Its texts for what the API answers in English, by their key. See {@link translated}. */
  readonly answers?: Messages;
}

/** An English text. `list` and `at`: where a translation of the package has it. */
interface English {
  readonly message: Message;
  readonly list: string;
  readonly at: number;
}

const english = new Map<string, English>();

/**
 * Adds the English texts of a view that loads later. It calls this as it is loaded, also with the tables of parts that it shares. A
 * translation of the package lists the texts of such a table in its order, under the first of its keys.
 */
export function addMessages(table: Messages): void {
  const texts = Object.entries(table);
  texts.forEach(([key, message], at) => english.set(key, { message, list: texts[0]?.[0] ?? '', at }));
}

addMessages(frame);
addMessages(access);

/** The language of the page, and its texts. */
export const language = signal<Translation & { readonly lang: string; readonly dir: 'ltr' | 'rtl' }>({
  lang: 'en',
  dir: 'ltr',
  table: {},
});

/** The text of a key in the language of the page, with its `{name}` still in place. English, if that language has none. */
export function messageOf(key: string, values: Values = {}): string {
  const { lang, table, lists = {} } = language.value;
  const known = english.get(key);
  // The text of the service wins.
  const own = Object.hasOwn(table, key) ? table[key] : known && lists[known.list]?.[known.at];
  return chosen(own ?? undefined, lang, values) ?? chosen(known?.message, 'en', values) ?? key;
}

function chosen(message: Message | undefined, lang: string, { count }: Values): string | undefined {
  if (typeof message !== 'object') return message;
  return (typeof count === 'number' ? message[new Intl.PluralRules(lang).select(count)] : undefined) ?? message.other;
}

/** The parts of a text: its words, and the names between braces at the odd places. */
export const partsOf = (text: string): readonly string[] => text.split(/\{(\w+)\}/);

/** The text of a key. Each `{name}` is replaced as text; a name without a value stays. */
export const t = (key: MessageKey, values: Values = {}): string => filled(messageOf(key, values), values);

/** The text for an answer of the API, which is in English. `undefined`: the language has none. */
export function translated(key: string, values: Values): string | undefined {
  const { lang, table, answers = {} } = language.value;
  const text = [table, answers].find((texts) => Object.hasOwn(texts, key))?.[key];
  return text === undefined ? undefined : filled(chosen(text, lang, values) ?? '', values);
}

function filled(text: string, values: Values): string {
  return partsOf(text)
    .map((part, index) => (index % 2 === 0 ? part : Object.hasOwn(values, part) ? numbered(values[part]) : `{${part}}`))
    .join('');
}

export const numberText = (count: number): string => new Intl.NumberFormat(language.value.lang).format(count);

const numbered = (value: string | number | undefined): string => (typeof value === 'number' ? numberText(value) : (value ?? ''));
