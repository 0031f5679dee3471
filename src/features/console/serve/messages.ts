import { invalid, plainCopy, readBoundedList, readOptions } from '../../../core/parse.js';
import { sha256Hex } from '../../../core/sha256.js';
import { toUtf8 } from '../../../core/utf8.js';

/** A language of the page. */
export interface Language {
  readonly lang: string;
  readonly dir: 'ltr' | 'rtl';
  /** Its texts, as a file. `undefined`: the English texts of the page. */
  readonly file?: { readonly name: string; readonly text: string };
}

/** A language that the package has beside English. */
export type ConsoleLanguage = 'de' | 'es';

const TRANSLATED: readonly ConsoleLanguage[] = ['de', 'es'];

const FORMS: readonly string[] = ['zero', 'one', 'two', 'few', 'many', 'other'] satisfies Intl.LDMLPluralRule[];
const MAX_TEXT = 2_000;

/**
 * Reads `messages` and `languages`. A text is never code or markup, so that a translator can only change words.
 *
 * @param translations those of the package, by language, as JSON
 * @returns the languages, English first
 * @throws InvalidArgumentError, naming the text or the option
 */
export function readMessages(messages: unknown, languages: unknown, translations: Readonly<Record<string, string>>): readonly Language[] {
  const tables = Object.entries(messages === undefined ? {} : fieldsOf('messages', messages)).map(([name, table]) =>
    readTable(name, table),
  );
  const twice = tables.find(({ lang }, i) => tables.findIndex((other) => other.lang === lang) !== i);
  if (twice !== undefined) throw invalid('messages', 'one table for each language', twice.lang);
  const ours = readLanguages(languages);
  const more = ours
    .filter((lang) => !tables.some((table) => table.lang === lang))
    .map((lang) => ({ lang, dir: 'ltr', table: {} }) as const);
  const read = [...tables, ...more].map(({ lang, dir, table }) => {
    const translation = ours.some((one) => one === lang) ? (JSON.parse(translations[lang] as string) as object) : {};
    const text = JSON.stringify({ table, ...translation });
    return { lang, dir, file: { name: `messages-${lang}-${sha256Hex(toUtf8(text)).slice(0, 8)}.json`, text } };
  });
  return read.some(({ lang }) => lang === 'en') ? read : [{ lang: 'en', dir: 'ltr' }, ...read];
}

function readLanguages(value: unknown = []): readonly ConsoleLanguage[] {
  const rule = `a list of ${TRANSLATED.join(' and ')}, each at most once`;
  const read = readBoundedList('languages', value, 0, TRANSLATED.length).map((given) => {
    const lang = TRANSLATED.find((one) => one === given);
    if (lang === undefined) throw invalid('languages', rule, given);
    return lang;
  });
  if (new Set(read).size < read.length) throw invalid('languages', rule, read[0]);
  return read;
}

/** The texts of a service in one language. */
interface Table extends Pick<Language, 'lang' | 'dir'> {
  readonly table: Readonly<Record<string, unknown>>;
}

function readTable(name: string, value: unknown): Table {
  const argument = `messages.${name}`;
  const { lang = name, dir = 'ltr', texts } = readOptions(argument, value, ['lang', 'dir', 'texts']);
  if (dir !== 'ltr' && dir !== 'rtl') throw invalid(`${argument}.dir`, "'ltr' or 'rtl'", dir);
  const read = Object.entries(fieldsOf(`${argument}.texts`, texts)).map(([key, text]) => {
    if (!/^[a-z][\w.-]{0,99}$/i.test(key)) throw invalid(`${argument}.texts`, 'an object with the keys of texts', key);
    return [key, readMessage(`${argument}.texts.${key}`, text)] as const;
  });
  return { lang: readTag(`${argument}.lang`, lang), dir, table: Object.fromEntries(read) };
}

function fieldsOf(argument: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw invalid(argument, 'an object', value);
  return plainCopy(argument, value) as Readonly<Record<string, unknown>>;
}

/** `Intl` throws for any other tag, and the page would not start. */
function readTag(argument: string, value: unknown): string {
  try {
    const [tag] = typeof value === 'string' && value.length <= 35 ? Intl.getCanonicalLocales(value) : [];
    if (tag !== undefined) return tag;
  } catch {
    // Refused below.
  }
  throw invalid(argument, 'a language tag such as de or pt-BR', value);
}

function readMessage(argument: string, value: unknown): string | Readonly<Record<string, string>> {
  if (typeof value !== 'object') return readWords(argument, value);
  const forms = fieldsOf(argument, value);
  if (!Object.hasOwn(forms, 'other')) throw invalid(argument, 'a text, or an object with a text for each plural form, with other', value);
  const read = Object.entries(forms).map(([form, text]) => {
    if (!FORMS.includes(form)) throw invalid(argument, `an object with only ${FORMS.join(', ')}`, form);
    return [form, readWords(`${argument}.${form}`, text)] as const;
  });
  return Object.fromEntries(read);
}

function readWords(argument: string, value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_TEXT) throw invalid(argument, `a text of at most ${MAX_TEXT} characters`, value);
  return value;
}

/** The languages in the order in which the viewer reads them best, by `Accept-Language`. The first one is used. */
export function preferred(languages: readonly Language[], header: string | null): readonly Language[] {
  const ranges = (header ?? '')
    .slice(0, 1_000)
    .split(',')
    .flatMap(rangeOf)
    .sort((a, b) => b.quality - a.quality);
  const first = ranges.map(({ tag }) => matchOf(languages, tag)).find((found) => found !== undefined) ?? languages.find(isEnglish);
  return first === undefined ? languages : [first, ...languages.filter((language) => language !== first)];
}

function rangeOf(text: string): { readonly tag: string; readonly quality: number }[] {
  const [tag = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  const quality = weight === undefined ? 1 : Number(weight);
  return /^[a-z]{1,8}(?:-[a-z0-9]{1,8}){0,5}$/.test(tag) && quality > 0 ? [{ tag, quality }] : [];
}

/** The language itself, or one of the same primary subtag: `de` for `de-AT`, and `pt-BR` for `pt`. */
function matchOf(languages: readonly Language[], tag: string): Language | undefined {
  const primary = (one: string) => one.split('-', 1)[0];
  return (
    languages.find(({ lang }) => lang.toLowerCase() === tag) ?? languages.find(({ lang }) => primary(lang.toLowerCase()) === primary(tag))
  );
}

const isEnglish = ({ lang }: Language): boolean => /^en(?:-|$)/.test(lang);
