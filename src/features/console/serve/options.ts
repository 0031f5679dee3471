import { assertBoolean, invalid, isBlank, readOptions, readText } from '../../../core/parse.js';
import { readAddress, readBasePath, readTicketUrl } from './addresses.js';
import { readBrand, type ConsoleBrand, type ParsedBrand } from './brand.js';
import { readMessages, type ConsoleLanguage, type Language } from './messages.js';

/** A text, or a text for each plural form of `Intl.PluralRules`: `{ one: '{count} grant', other: '{count} grants' }`. */
export type ConsoleText = string | (Readonly<Partial<Record<Intl.LDMLPluralRule, string>>> & { readonly other: string });

/** The texts of the page in one language. */
export interface ConsoleMessages {
  /** The language as a BCP 47 tag. Default: its name in `messages`. */
  readonly lang?: string | undefined;
  /** The direction of its script. Default: `'ltr'`. */
  readonly dir?: 'ltr' | 'rtl' | undefined;
  /** By the key of each text. `{name}` is replaced as text. A missing key is shown in English. */
  readonly texts: Readonly<Record<string, ConsoleText>>;
}

/** The options of `createConsoleHandler`. */
export interface ConsoleOptions {
  /** The `basePath` of the handler of `jit-access/http`, on the same origin: `'/access'`. */
  readonly api: string;
  /** Where the page is mounted: `'/console'`. Default: `''`. */
  readonly basePath?: string | undefined;
  /** The name of the page. Default: `'Access'`. */
  readonly title?: string | undefined;
  /** The look of the service: its name, its logo and its colour. Default: that of the page. */
  readonly brand?: ConsoleBrand | undefined;
  /** Turns a ticket into a link: `'https://tickets.example.com/{ticket}'`, or a path of the own origin. Default: a ticket is no link. */
  readonly ticketUrl?: string | undefined;
  /** Where a person signs in: an `https:` URL, or a path of the own origin. The page adds `returnTo`, a path. Default: no link. */
  readonly signInUrl?: string | undefined;
  /** Where a person signs out, like `signInUrl`. Default: no link. */
  readonly signOutUrl?: string | undefined;
  /** Where a person proves the identity again, like `signInUrl`. The page adds `acr_values`, `max_age` and `returnTo`. Default: no link. */
  readonly stepUpUrl?: string | undefined;
  /** The languages that the page offers beside English: `['de', 'es']`. Default: those of `messages`. */
  readonly languages?: readonly ConsoleLanguage[] | undefined;
  /** The texts in other languages, by language: `{ de: { texts: { 'inbox.title': 'Eingang' } } }`. They replace those of `languages`. Default: none. */
  readonly messages?: Readonly<Record<string, ConsoleMessages>> | undefined;
  /** Whether the page hides every action, for auditors and wall screens. It is no protection: the API decides. Default: `false`. */
  readonly readOnly?: boolean | undefined;
}

const FIELDS = [
  'api',
  'basePath',
  'title',
  'brand',
  'ticketUrl',
  'signInUrl',
  'signOutUrl',
  'stepUpUrl',
  'languages',
  'messages',
  'readOnly',
] as const satisfies readonly (keyof ConsoleOptions)[];

/** The options after validation. */
export interface ParsedConsoleOptions {
  readonly api: string;
  readonly basePath: string;
  readonly title: string;
  readonly brand: ParsedBrand;
  readonly addresses: Readonly<Record<'ticketUrl' | 'signInUrl' | 'signOutUrl' | 'stepUpUrl', string | undefined>>;
  readonly languages: readonly Language[];
  readonly readOnly: boolean;
}

/**
 * @param translations those of the package, by language
 * @throws InvalidArgumentError, naming the option
 */
export function readConsoleOptions(given: unknown, translations: Readonly<Record<string, string>>): ParsedConsoleOptions {
  const read = readOptions<keyof ConsoleOptions>('options', given, FIELDS);
  const { basePath = '', readOnly = false } = read;
  assertBoolean('readOnly', readOnly);
  return {
    api: readBasePath('api', read.api),
    basePath: readBasePath('basePath', basePath),
    title: readTitle(read.title),
    brand: readBrand(read.brand),
    addresses: {
      ticketUrl: readTicketUrl(read.ticketUrl),
      signInUrl: readAddress('signInUrl', read.signInUrl),
      signOutUrl: readAddress('signOutUrl', read.signOutUrl),
      stepUpUrl: readAddress('stepUpUrl', read.stepUpUrl),
    },
    languages: readMessages(read.messages, read.languages, translations),
    readOnly,
  };
}

function readTitle(value: unknown): string {
  const title = readText('title', value) ?? 'Access';
  if (isBlank(title)) throw invalid('title', 'a text that is not blank', value);
  return title;
}
