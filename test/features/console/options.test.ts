import { createConsoleHandler, type ConsoleOptions } from 'jit-access/console';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../../src/index.js';
import { aConsole } from './page.js';

/** The argument that the error names, or `undefined` if the options are taken. */
function refused(options: Readonly<Record<string, unknown>>): string | undefined {
  try {
    createConsoleHandler({ api: '/access', ...options });
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    return (error as InvalidArgumentError).argument;
  }
}

const german = (texts: unknown, more: object = {}) => ({ messages: { de: { texts, ...more } } });

describe('an option of the console', () => {
  it.each([
    ['api', undefined],
    ['api', 'access'],
    ['api', '/access/'],
    ['api', 'https://api.example.com/access'],
    ['api', '/../access'],
    ['api', '/access/..'],
    ['basePath', '/con sole'],
    ['basePath', '//evil.example'],
    ['basePath', '/a:b'],
    ['basePath', '/.'],
    ['basePath', null],
    ['title', ''],
    ['title', ' \u200b'],
    ['title', 'a\u0000b'],
    ['title', 7],
    ['readOnly', 'yes'],
    ['messages', []],
    ['messages', 'de'],
    ['messages', new Map()],
    ['languages', 'de'],
    ['languages', null],
    ['languages', { 0: 'de', length: 1 }],
    ['languages', ['xx']],
    ['languages', ['en']],
    ['languages', ['DE']],
    ['languages', ['__proto__']],
    ['languages', ['constructor']],
    ['languages', ['de', 'de']],
    ['languages', ['de', 'es', 'de']],
    ['languages', [['de']]],
  ])('%s is refused by its name: %j', (argument, value) => expect(refused({ [argument]: value })).toBe(argument));

  it('with languages is refused before a list without end is copied', () => {
    expect(refused({ languages: Array.from({ length: 3 }, () => 'de') })).toBe('languages');
    expect(refused({ languages: new Array(2 ** 32 - 1) })).toBe('languages');
  });

  it('is refused if the handler does not know it', () => {
    expect(refused({ apiUrl: '/access' })).toBe('options');
    expect(() => createConsoleHandler(undefined as unknown as ConsoleOptions)).toThrow(InvalidArgumentError);
  });
});

describe.each(['signInUrl', 'signOutUrl', 'stepUpUrl'])('%s', (argument) => {
  it.each(['https://sso.example.com/sign-in?client=console', '/sign-in', '/sign-in?a=b#c', '/', '/.//sign-in'])(
    'is an https: URL or a path of the own origin: %s',
    async (url) => {
      expect(refused({ [argument]: url })).toBeUndefined();
      const { options } = await aConsole({ [argument]: url }).page();
      expect(options[argument]).toBe(url);
    },
  );

  it.each([
    'javascript:alert(1)',
    'JAVASCRIPT:alert(1)',
    'data:text/html,x',
    'http://sso.example.com/',
    '//evil.example/',
    '/\\evil.example',
    '/\t/evil.example',
    '\\\\evil.example',
    ' /sign-in',
    ' https://sso.example.com',
    'https:evil.example',
    'https:/evil.example',
    'https:///evil.example',
    'https://user:secret@sso.example.com/',
    'https://sso.example.com@evil.example/',
    'https://',
    'https://[',
    'sign-in',
    '/sign-in\n',
    '/\u2028',
    `/${'x'.repeat(2_001)}`,
    '',
    null,
    () => '/sign-in',
    new URL('https://sso.example.com'),
  ])('is no other address: %s', (url) => expect(refused({ [argument]: url })).toBe(argument));
});

describe('ticketUrl', () => {
  it.each([
    'https://tickets.example.com/browse/{ticket}',
    'https://tickets.example.com/?id={ticket}&from={ticket}',
    '/tickets/{ticket}',
    '/{ticket}',
    'https://[2001:db8::1]/{ticket}',
  ])('has the ticket in its path or query: %s', async (ticketUrl) => {
    expect(refused({ ticketUrl })).toBeUndefined();
    expect((await aConsole({ ticketUrl }).page()).options['ticketUrl']).toBe(ticketUrl);
  });

  it.each([
    '{ticket}',
    'https://{ticket}',
    'https://{ticket}/browse',
    'https://{ticket}.example.com/',
    'https://tickets.example.com{ticket}',
    'https://tickets.example.com:{ticket}/',
    'https://tickets.example.com:8{ticket}/',
    'https://{ticket}@tickets.example.com/',
    'https://tickets.example.com/',
    'http://tickets.example.com/{ticket}',
    'javascript:{ticket}',
    '//{ticket}',
    '/\\{ticket}',
    'tickets/{ticket}',
    null,
    () => '',
  ])('lets a requester choose no other host: %s', (ticketUrl) => expect(refused({ ticketUrl })).toBe('ticketUrl'));
});

describe('messages of a translator', () => {
  it.each([
    ['messages.de', { messages: { de: 'Eingang' } }],
    ['messages.de', { messages: { de: { texts: {}, html: true } } }],
    ['messages.de.texts', german(undefined)],
    ['messages.de.texts', german([])],
    ['messages.de.texts', german({ 'a b': 'x' })],
    ['messages.de.texts', german(JSON.parse('{"__proto__":"x"}'))],
    ['messages.de.texts.title', german({ title: () => 'x' })],
    ['messages.de.texts.title', german({ title: 7 })],
    ['messages.de.texts.title', german({ title: null })],
    ['messages.de.texts.title', german({ title: 'x'.repeat(2_001) })],
    ['messages.de.texts.title', german({ title: { one: 'x' } })],
    ['messages.de.texts.title', german({ title: { other: 'x', several: 'y' } })],
    ['messages.de.texts.title.other', german({ title: { other: () => 'x' } })],
    ['messages.de.texts.title', german({ title: new Date(0) })],
    [
      'messages.de.texts.title',
      german({
        get title() {
          return 'x';
        },
      }),
    ],
    ['messages.de.dir', german({}, { dir: 'up' })],
    ['messages.de.lang', german({}, { lang: 'de" onload="x' })],
    ['messages.de.lang', german({}, { lang: 7 })],
    ['messages.not a tag.lang', { messages: { 'not a tag': { texts: {} } } }],
    ['messages', { messages: { de: { texts: {} }, german: { lang: 'DE', texts: {} } } }],
  ])('are plain texts: %s', (argument, options) => expect(refused(options)).toBe(argument));

  const hostile = {
    'inbox.title': '</script><img src=x onerror=alert(1)>',
    'inbox.new': { one: '{count} "neu"', other: '\u2028{__proto__}' },
  };

  it('are served as they are, as data', async () => {
    const { get, page } = aConsole({ messages: { ar: { lang: 'ar-EG', dir: 'rtl', texts: hostile } } });
    const { options, languages } = await page();
    expect(options.languages).toEqual([
      { lang: 'en', dir: 'ltr' },
      { lang: 'ar-EG', dir: 'rtl', file: expect.stringMatching(/^assets\/messages-ar-EG-[0-9a-f]{8}\.json$/) as string },
    ]);
    const response = await get(new URL(languages[0] as string).pathname, {});
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.json()).toEqual({ table: hostile });
  });

  it('have another name as soon as a text changes, and the same one in each process', async () => {
    const named = async (text: string) => (await aConsole(german({ title: text }) as Partial<ConsoleOptions>).page()).languages;
    expect(await named('Eingang')).toEqual(await named('Eingang'));
    expect(await named('Eingang')).not.toEqual(await named('Postkorb'));
  });

  const many = aConsole({ messages: { de: { texts: {} }, pt: { lang: 'pt-BR', texts: {} }, ar: { dir: 'rtl', texts: {} } } });
  it.each([
    ['de', 'de'],
    ['de-AT,en;q=0.5', 'de'],
    ['DE', 'de'],
    ['fr, pt;q=0.8, de;q=0.2', 'pt-BR'],
    ['en, de;q=0.9', 'en'],
    ['en-US, de;q=0.9', 'en'],
    ['ar;q=0.1', 'ar'],
    ['de;q=0', 'en'],
    ['de;q=x', 'en'],
    ['fr', 'en'],
    ['*', 'en'],
    ['', 'en'],
    [';;,,q=1', 'en'],
    ['<script>, de', 'de'],
    [`${'a-'.repeat(400_000)},de`, 'en'],
  ])('are chosen by Accept-Language: %.40s', async (header, lang) => {
    const { options, html } = await many.page('/console/', { 'accept-language': header });
    expect(options.languages[0]?.lang).toBe(lang);
    expect(options.languages.map((language) => language.lang).sort()).toEqual(['ar', 'de', 'en', 'pt-BR']);
    expect(html).toContain(`<html lang="${lang}" dir="${lang === 'ar' ? 'rtl' : 'ltr'}">`);
  });

  it('may replace the English ones', async () => {
    const { options } = await aConsole({ messages: { en: { lang: 'en-GB', texts: {} } } }).page();
    expect(options.languages).toMatchObject([{ lang: 'en' }, { lang: 'en-GB' }]);
    const own = await aConsole({ messages: { en: { texts: { title: 'Desk' } } } }).page();
    expect(own.options.languages).toMatchObject([{ lang: 'en', file: expect.any(String) as string }]);
  });
});

describe('the options of the page', () => {
  it('stay inside their attribute and the title', async () => {
    const title = '"><script>alert(1)</script></title><!-- \' &amp; &quot;';
    const { html, options } = await aConsole({ title, ticketUrl: '/t/{ticket}?"><b>=\'' }).page();
    expect(options).toMatchObject({ title, ticketUrl: '/t/{ticket}?"><b>=\'', readOnly: false });
    expect(html).not.toContain('<script>');
    expect(html).not.toContain('<b>');
    expect(html.match(/<\/title>/g)).toHaveLength(1);
  });

  it('do not depend on the request', async () => {
    const [plain, other] = await Promise.all(
      ['/console/inbox', '/console/inbox?x="><script>'].map(async (path) => (await aConsole().page(path)).html),
    );
    expect(other).toBe(plain);
  });

  it('say that the page only reads', async () => {
    expect((await aConsole({ readOnly: true }).page()).options.readOnly).toBe(true);
  });

  it('do not change with an object of the caller', async () => {
    const texts = { title: 'Eingang' };
    const options = { api: '/access', basePath: '/console', messages: { de: { texts } } };
    const { page, get } = aConsole(options);
    texts.title = 'changed';
    options.api = '/other';
    const read = await page();
    expect(read.options.api).toBe('../access');
    expect(await (await get(new URL(read.languages[0] as string).pathname)).json()).toEqual({ table: { title: 'Eingang' } });
  });
});

describe('the languages of the package', () => {
  const filesOf = async (options: Partial<ConsoleOptions>) => {
    const { get, page } = aConsole(options);
    const read = await page();
    const texts = await Promise.all(read.languages.map(async (file) => (await get(new URL(file).pathname, {})).json() as Promise<unknown>));
    return { langs: read.options.languages.map(({ lang }) => lang), texts };
  };
  const LISTS = expect.objectContaining({ 'view.access': expect.arrayContaining(['Mein Zugriff']) as unknown }) as unknown;

  const ANSWERS = expect.objectContaining({ 'problem.is.decided': 'Die Anfrage ist schon entschieden.' }) as unknown;

  it('are offered if the service says so', async () => {
    expect((await filesOf({})).langs).toEqual(['en']);
    expect((await filesOf({ languages: [] })).langs).toEqual(['en']);
    const { langs, texts } = await filesOf({ languages: ['es', 'de'] });
    expect(langs).toEqual(['en', 'es', 'de']);
    expect(texts[1]).toEqual({ table: {}, lists: LISTS, answers: ANSWERS });
  });

  it('have the texts of the service beside them, which win', async () => {
    const { langs, texts } = await filesOf({
      languages: ['de'],
      messages: { deutsch: { lang: 'DE', texts: { 'view.access': 'Mein Bereich' } }, fr: { texts: {} } },
    });
    expect(langs).toEqual(['en', 'de', 'fr']);
    expect(texts).toEqual([{ table: { 'view.access': 'Mein Bereich' }, lists: LISTS, answers: ANSWERS }, { table: {} }]);
  });

  it('have another name with other texts of the service', async () => {
    const named = async (options: Partial<ConsoleOptions>) => (await aConsole(options).page()).languages;
    expect(await named({ languages: ['de'] })).toEqual(await named({ languages: ['de'], messages: { de: { texts: {} } } }));
    expect(await named({ languages: ['de'] })).not.toEqual(await named({ languages: ['de'], messages: { de: { texts: { a: 'b' } } } }));
  });

  it('are chosen by Accept-Language', async () => {
    const { page } = aConsole({ languages: ['de', 'es'] });
    const read = await page('/console/', { 'accept-language': 'es-MX,de;q=0.5' });
    expect(read.html).toContain('<html lang="es" dir="ltr">');
  });
});
