import { createConsoleHandler, type ConsoleOptions } from 'jit-access/console';

export const ORIGIN = 'https://access.example.com';
export const HTML = 'text/html,application/xhtml+xml,*/*;q=0.8';

/** The content of the `<meta>` element. */
interface PageOptions {
  readonly api: string;
  readonly title: string;
  readonly readOnly: boolean;
  readonly languages: readonly { readonly lang: string; readonly dir: string; readonly file?: string }[];
  readonly [name: string]: unknown;
}

/** A page as a browser reads it, by the address that the browser shows. */
export function pageOf(html: string, shown: string) {
  const values = (expression: RegExp) => [...html.matchAll(expression)].map(([, value]) => unescaped(value as string));
  const [script = ''] = values(/<script type="module" src="([^"]*)">/g);
  const scriptUrl = new URL(script, shown).href;
  // The page takes its base from the address of its script.
  const base = new URL('../', scriptUrl).href;
  const options = JSON.parse(values(/<meta name="jit-access-console" content="([^"]*)">/g)[0] ?? '') as PageOptions;
  return {
    html,
    options,
    base,
    api: new URL(options.api, base).href,
    script: scriptUrl,
    files: values(/<(?:script|link)[^>]* (?:src|href)="(?!data:)([^"]*)"/g).map((path) => new URL(path, shown).href),
    languages: options.languages.flatMap(({ file }) => (file === undefined ? [] : [new URL(file, base).href])),
  };
}

const NAMES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
const unescaped = (text: string): string => text.replace(/&([a-z#0-9]+);/g, (_, name: string) => NAMES[name] ?? '');

/** A console without a server. */
export function aConsole(options: Partial<ConsoleOptions> = {}) {
  const handler = createConsoleHandler({ api: '/access', basePath: '/console', ...options });
  const get = (path: string, headers: Readonly<Record<string, string>> = { accept: HTML }, method = 'GET') =>
    handler(new Request(`${ORIGIN}${path}`, { method, headers }));
  return {
    handler,
    get,
    page: async (path = `${handler.basePath}/`, headers: Readonly<Record<string, string>> = {}) =>
      pageOf(await (await get(path, { accept: HTML, ...headers })).text(), `${ORIGIN}${path}`),
  };
}
