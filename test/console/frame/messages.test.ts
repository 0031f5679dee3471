import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { frame } from '../../../src/console/app/frame/frame.messages.js';
import { addMessages, language, messageOf, partsOf, t } from '../../../src/console/app/frame/messages.js';

const APP = fileURLToPath(new URL('../../../src/console/app/', import.meta.url));
const paths = (readdirSync(APP, { recursive: true }) as string[]).map((path) => path.replaceAll('\\', '/'));
const isTable = (path: string) => path.endsWith('.messages.ts');
const sources = new Map(
  paths.filter((path) => /\.tsx?$/.test(path)).map((path) => [path, readFileSync(APP + path, 'utf8').replace(/\/\*\*[^]*?\*\//g, '')]),
);

/** The keys of a table, by its text: a value of two lines has its key on the first. */
const keysOf = (path: string) => [...(sources.get(path) ?? '').matchAll(/^ {2}'([^']+)':/gm)].map(([, key = '']) => key);

/** Each text in quotes, and each beginning and end of a template that could be a key. */
function textsIn(source: string): { readonly whole: ReadonlySet<string>; readonly templates: readonly RegExp[] } {
  const whole = new Set([...source.matchAll(/['"]([a-z][\w-]*\.[\w.-]+)['"]/gi)].map(([, text = '']) => text));
  const templates = [...source.matchAll(/`([a-z][\w-]*\.[^`\s]*\$\{[^`]*)`/gi)].map(([, text = '']) => {
    // A template within a template ends the text early: what is before it must do.
    const isWhole = text.split('${').length === text.split('}').length;
    const parts = (isWhole ? text : text.slice(0, text.indexOf('${'))).split(/\$\{[^}]*\}/);
    return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+')}${isWhole ? '$' : ''}`);
  });
  return { whole, templates };
}

/** A module of the page and all that it loads before it runs. */
function loadedBy(start: string): ReadonlySet<string> {
  const found = new Set([start]);
  for (const path of found) {
    for (const [, to = ''] of (sources.get(path) ?? '').matchAll(/^(?:import|export)(?! type)[^;]*? from '(\.[^']+)\.js';/gm)) {
      const module = posix.join(posix.dirname(path), to);
      for (const file of [`${module}.ts`, `${module}.tsx`]) if (sources.has(file)) found.add(file);
    }
  }
  return found;
}

const tables = paths.filter(isTable);
const all = tables.flatMap(keysOf);
const used = [...sources].filter(([path]) => !isTable(path)).map(([path, source]) => ({ path, ...textsIn(source) }));
const isUsedBy = (key: string, { whole, templates }: (typeof used)[number]) => whole.has(key) || templates.some((one) => one.test(key));

describe('the texts of the page', () => {
  it('are in one table each', () => {
    expect(all.length).toBeGreaterThan(200);
    expect(all.filter((key, index) => all.indexOf(key) !== index)).toEqual([]);
  });

  it('are all used', () => {
    expect(all.filter((key) => !used.some((source) => isUsedBy(key, source)))).toEqual([]);
  });

  it('are all there', () => {
    const named = [...sources].flatMap(([path, source]) =>
      isTable(path) ? [] : [...source.matchAll(/\b(?:t\(|k=)['"]([^'"]+)['"]/g)].map(([, key = '']) => key),
    );
    expect(named.length).toBeGreaterThan(200);
    expect([...new Set(named)].filter((key) => !all.includes(key))).toEqual([]);
  });

  it('are loaded with each view and each dialog that uses them', () => {
    const start = loadedBy('main.tsx');
    const views = paths.filter((path) => /^views\/[\w-]+\.tsx$/.test(path));
    expect(views).toHaveLength(9);
    const opens = (path: string) =>
      [...(sources.get(path) ?? '').matchAll(/\bimport\('(\.[^']+)\.js'\)/g)].map(([, to = '']) =>
        posix.join(posix.dirname(path), `${to}.tsx`),
      );
    const late = views.flatMap((view) => {
      const ofView = new Set([...start, ...loadedBy(view)]);
      const dialogs = [...loadedBy(view)].flatMap(opens);
      return [[], ...dialogs.map((dialog) => [...loadedBy(dialog)])].flatMap((ofDialog) => {
        const modules = new Set([...ofView, ...ofDialog]);
        const there = [...modules].filter(isTable).flatMap(keysOf);
        const missing = all.filter((key) => !there.includes(key) && used.some((one) => modules.has(one.path) && one.whole.has(key)));
        return missing.map((key) => `${view}: ${key}`);
      });
    });
    expect(late).toEqual([]);
  });

  it('have numbers and dates in the language of the page, not in that of the browser', () => {
    expect(
      [...sources].filter(([, source]) => /Intl\.\w+\((?:undefined|\[\])?\)\.format|\.toLocale(?:Date|Time)?String\(/.test(source)),
    ).toEqual([]);
  });

  it('name values in braces of one form', () => {
    const broken = [...sources].flatMap(([path, source]) =>
      isTable(path) ? [...source.matchAll(/\{[^}'\n]*\}/g)].map(([text]) => text).filter((text) => !/^\{ ?\w+( |\}|:)/.test(text)) : [],
    );
    expect(broken).toEqual([]);
  });
});

describe('a text', () => {
  const english = language.value;
  afterEach(() => {
    language.value = english;
  });
  const german = (table: Record<string, string | Record<string, string>>) => {
    language.value = { lang: 'de', dir: 'ltr', table };
  };

  it('has its values as text', () => {
    expect(t('frame.zone', { zone: '<b>{zone}</b> $& {toString}' })).toBe('Times are in <b>{zone}</b> $& {toString}.');
    expect(t('frame.zone')).toBe('Times are in {zone}.');
  });

  it('takes the plural form of the language', () => {
    expect(t('part.new', { count: 1 })).toBe('1 new');
    language.value = {
      lang: 'pl',
      dir: 'ltr',
      table: { 'part.new': { one: 'jeden', few: '{count} nowe', many: '{count} nowych', other: '?' } },
    };
    expect([1, 3, 5].map((count) => t('part.new', { count }))).toEqual(['jeden', '3 nowe', '5 nowych']);
  });

  it('falls back to English, and then to its key', () => {
    german({ 'part.close': 'Schliessen' });
    expect(t('part.close')).toBe('Schliessen');
    expect(t('part.cancel')).toBe('Back');
    expect(messageOf('no.such.key')).toBe('no.such.key');
  });

  it('of a translator cannot reach what an object inherits', () => {
    german({});
    expect(messageOf('toString')).toBe('toString');
    expect(messageOf('__proto__')).toBe('__proto__');
  });

  it('writes numbers as the language does', () => {
    german({});
    expect(t('part.new', { count: 12_345 })).toBe('12.345 new');
  });

  it('of a view that loads later is added with it', () => {
    expect(messageOf('late.title')).toBe('late.title');
    addMessages({ 'late.title': 'Late' });
    expect(messageOf('late.title')).toBe('Late');
  });

  it('has its names at the odd places of its parts', () => {
    expect(partsOf('{a} of {b}')).toEqual(['', 'a', ' of ', 'b', '']);
    expect(Object.keys(frame).length).toBeGreaterThan(50);
  });
});
