import { language, type Translation } from './messages.js';
import type { Language, PageOptions } from './options.js';

/*
 * Theme, density, language and notices: all that the page keeps beyond the session. They are of the browser, not of a person.
 */

export type Theme = 'auto' | 'light' | 'dark';

const THEME = 'jit-access:theme';
const DENSITY = 'jit-access:density';
const LANGUAGE = 'jit-access:language';
const NOTICES = 'jit-access:notices';

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage is forbidden: the choice lasts as long as the page.
  }
}

export const themeOf = (text: string | null): Theme => (text === 'light' || text === 'dark' ? text : 'auto');

export const theme = (): Theme => themeOf(read(THEME));

export function setTheme(chosen: Theme): void {
  write(THEME, chosen);
  document.documentElement.dataset['theme'] = chosen;
}

/** How much room a row takes. */
export type Density = 'comfortable' | 'compact';

export const density = (): Density => (read(DENSITY) === 'compact' ? 'compact' : 'comfortable');

export function setDensity(chosen: Density): void {
  write(DENSITY, chosen);
  document.documentElement.dataset['density'] = chosen;
}

/** Whether the viewer wants notices of new reviews. */
export const keepsNotices = (): boolean => read(NOTICES) === 'on';

export function keepNotices(isOn: boolean): void {
  write(NOTICES, isOn ? 'on' : 'off');
}

const ENGLISH: Language = { lang: 'en', dir: 'ltr' };

/** All languages of the page, the one that applies first. */
export function languagesOf({ languages }: PageOptions, chosen: string | null): readonly Language[] {
  const all = languages.some(({ lang }) => lang === 'en') ? languages : [...languages, ENGLISH];
  const first = all.find(({ lang }) => lang === chosen);
  return first ? [first, ...all.filter((one) => one !== first)] : all;
}

/** The last choice. A file that arrives after another choice is of no use. */
let latest: Language | undefined;

/** Loads the texts of a language, and shows them. If they cannot be loaded, the page keeps the language that it has. */
export async function setLanguage(chosen: Language, base: string): Promise<void> {
  const { lang, dir, file } = chosen;
  latest = chosen;
  let texts: Translation = { table: {} };
  try {
    if (file !== undefined) texts = (await (await fetch(base + file)).json()) as Translation;
  } catch (error) {
    // English is better than no page. The document may be in the language that the server has chosen.
    console.error(`The texts of the language ${lang} did not load.`, error);
    if (latest === chosen) showLanguage(language.peek());
    return;
  }
  if (latest === chosen) showLanguage({ ...texts, lang, dir });
}

function showLanguage(shown: typeof language.value): void {
  language.value = shown;
  document.documentElement.lang = shown.lang;
  document.documentElement.dir = shown.dir;
}

export function rememberLanguage(lang: string): void {
  write(LANGUAGE, lang);
}

/** Applies what was chosen before. */
export async function applyPreferences(options: PageOptions, base: string): Promise<void> {
  setTheme(theme());
  setDensity(density());
  await setLanguage(languagesOf(options, read(LANGUAGE))[0] ?? ENGLISH, base);
}
