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

/** The texts of the first bundle. Those of a view that loads later are added with it. */
const english = new Map<string, Message>(Object.entries({ ...frame, ...access }));

/** Adds the English texts of a view that loads later. It calls this as it is loaded, also with the tables of parts that it shares. */
export function addMessages(table: Messages): void {
  for (const [key, message] of Object.entries(table)) english.set(key, message);
}

/** The language of the page, and its texts. */
export const language = signal<{ readonly lang: string; readonly dir: 'ltr' | 'rtl'; readonly table: Messages }>({
  lang: 'en',
  dir: 'ltr',
  table: {},
});

/** The text of a key in the language of the page, with its `{name}` still in place. English, if that language has none. */
export function messageOf(key: string, values: Values = {}): string {
  const { lang, table } = language.value;
  const own = Object.hasOwn(table, key) ? chosen(table[key], lang, values) : undefined;
  return own ?? chosen(english.get(key), 'en', values) ?? key;
}

function chosen(message: Message | undefined, lang: string, { count }: Values): string | undefined {
  if (typeof message !== 'object') return message;
  return (typeof count === 'number' ? message[new Intl.PluralRules(lang).select(count)] : undefined) ?? message.other;
}

/** The parts of a text: its words, and the names between braces at the odd places. */
export const partsOf = (text: string): readonly string[] => text.split(/\{(\w+)\}/);

/** The text of a key. Each `{name}` is replaced as text; a name without a value stays. */
export function t(key: MessageKey, values: Values = {}): string {
  return partsOf(messageOf(key, values))
    .map((part, index) => (index % 2 === 0 ? part : Object.hasOwn(values, part) ? numbered(values[part]) : `{${part}}`))
    .join('');
}

const numbered = (value: string | number | undefined): string =>
  typeof value === 'number' ? new Intl.NumberFormat(language.value.lang).format(value) : (value ?? '');
