import { language, type Messages } from './messages.js';
import type { Language, PageOptions } from './options.js';

/*
 * Theme, density and language: all that the page keeps beyond the session. They are of the browser, not of a person.
 */

export type Theme = 'auto' | 'light' | 'dark';

const THEME = 'jit-access:theme';
const DENSITY = 'jit-access:density';
const LANGUAGE = 'jit-access:language';

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

const ENGLISH: Language = { lang: 'en', dir: 'ltr' };

/** All languages of the page, the one that applies first. */
export function languagesOf({ languages }: PageOptions, chosen: string | null): readonly Language[] {
  const all = languages.some(({ lang }) => lang === 'en') ? languages : [...languages, ENGLISH];
  const first = all.find(({ lang }) => lang === chosen);
  return first ? [first, ...all.filter((one) => one !== first)] : all;
}

/** Loads the texts of a language. A table that cannot be loaded leaves the English texts. */
export async function setLanguage({ lang, dir, file }: Language, base: string): Promise<void> {
  let table: Messages = {};
  if (file !== undefined) {
    try {
      table = (await (await fetch(base + file)).json()) as Messages;
    } catch {
      // English is better than no page.
    }
  }
  language.value = { lang, dir, table };
  document.documentElement.lang = lang;
  document.documentElement.dir = dir;
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
