import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { buildConsole } from '../../.tsup/console.js';
import { PROBLEMS } from '../../src/features/http/problem.js';
import {
  addMessages,
  language,
  messageOf,
  translated,
  type Message,
  type Messages,
  type Translation,
} from '../../src/console/app/frame/messages.js';

const CONSOLE = new URL('../../src/console/', import.meta.url);
const APP = fileURLToPath(new URL('app/', CONSOLE));

/** The tables of English texts. */
const tables = await Promise.all(
  readdirSync(APP, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.messages.ts'))
    .map(async (path) => Object.values((await import(APP + path)) as Readonly<Record<string, Messages>>)[0] ?? {}),
);
const english: Messages = Object.assign({}, ...tables) as Messages;

/** Names, words that both languages write alike, and columns of files that programs read. */
const ALIKE: Readonly<Record<string, readonly string[]>> = {
  de: ['Name', 'Person', 'Status', 'Ticket'],
  es: ['Ticket'],
};
const COLUMNS = ['question', 'read_at', 'journal_head'];

/** The answers of the API that the page shows: problems by their name, and reasons of the engine. Other reasons are words of a person. */
const ANSWERS = [
  // It names a rule for values of a program, in English.
  ...PROBLEMS.flatMap(({ name }) => (name === 'invalid-argument' ? [] : [`problem.is.${name}`])),
  'problem.is.locked.until',
  'end.abstained',
  'end.ineligible',
];
const VALUES: Readonly<Record<string, string>> = { 'problem.is.limit': 'limit max', 'problem.is.locked.until': 'time' };

const wordsOf = (message: Message | undefined): readonly string[] =>
  typeof message === 'object' ? Object.values(message) : message === undefined ? [] : [message];
const valuesIn = (text: string): string =>
  [...text.matchAll(/\{(\w+)\}/g)]
    .map(([, name = '']) => name)
    .sort()
    .join(' ');
/** Whether it has words of its own, and not values alone. */
const hasWords = (text: string): boolean => /\p{L}/u.test(text.replaceAll(/\{\w+\}/g, ''));

describe.each(['de', 'es'] as const)('the language %s', (lang) => {
  const own = JSON.parse(readFileSync(new URL(`languages/${lang}.json`, CONSOLE), 'utf8')) as Messages;

  it('has each text of the page, and no other', () => {
    expect(Object.keys(english).length).toBeGreaterThan(700);
    expect(Object.keys(english).filter((key) => !Object.hasOwn(own, key))).toEqual([]);
    expect(
      Object.keys(own)
        .filter((key) => !Object.hasOwn(english, key))
        .sort(),
    ).toEqual([...ANSWERS].sort());
  });

  it('has the values of each text in each of its forms', () => {
    const differing = Object.entries(english).flatMap(([key, message]) => {
      const names = wordsOf(message).map(valuesIn);
      return wordsOf(own[key]).every((text) => names.includes(valuesIn(text)) && text.trim() !== '') ? [] : [key];
    });
    expect(differing).toEqual([]);
    const ofAnswers = ANSWERS.map((key) => [key, valuesIn(wordsOf(own[key]).join())]).filter(([, values]) => values !== '');
    expect(Object.fromEntries(ofAnswers)).toEqual(VALUES);
  });

  it('has the plural forms of its grammar', () => {
    const forms = [...new Intl.PluralRules(lang).resolvedOptions().pluralCategories].sort();
    const wrong = Object.entries(english).flatMap(([key, message]) => {
      const text = own[key];
      const isRight =
        typeof message === 'object'
          ? typeof text === 'object' && Object.keys(text).sort().join() === forms.join()
          : typeof text === 'string';
      return isRight ? [] : [key];
    });
    expect(wrong).toEqual([]);
  });

  it('has no text in English', () => {
    const alike = Object.entries(english).flatMap(([key, message]) => {
      const texts = wordsOf(message);
      return wordsOf(own[key]).filter((text) => texts.includes(text) && hasWords(text));
    });
    expect([...new Set(alike)].sort()).toEqual([...(ALIKE[lang] ?? []), ...COLUMNS].sort());
  });

  it('is at its place in the file that a browser loads', async () => {
    const translation = JSON.parse((await buildConsole())?.files.languages[lang] ?? '') as Omit<Translation, 'table'>;
    for (const table of tables) addMessages(table);
    language.value = { lang, dir: 'ltr', table: { 'view.ask': 'Own', 'end.abstained': '<b>{limit}</b>' }, ...translation };
    expect(messageOf('view.ask')).toBe('Own');
    expect(translated('end.abstained', { limit: '<i>' })).toBe('<b><i></b>');
    expect(translated('problem.is.limit', { limit: 'limits.x', max: 1_000 })).toMatch(/limits\.x.*1[. ]?000/);
    expect([translated('problem.is.constructor', {}), translated('__proto__', {})]).toEqual([undefined, undefined]);
    const rest = Object.fromEntries(Object.entries(own).filter(([key]) => Object.hasOwn(english, key) && key !== 'view.ask'));
    const shown = Object.keys(rest).map((key) => [key, messageOf(key, { count: 2 })]);
    expect(Object.fromEntries(shown)).toEqual(
      Object.fromEntries(Object.entries(rest).map(([key, text]) => [key, typeof text === 'object' ? text.other : text])),
    );
  });
});

const before = language.value;
afterEach(() => {
  language.value = before;
});
