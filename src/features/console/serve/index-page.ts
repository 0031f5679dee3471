import { relativePath } from './addresses.js';
import type { PageFiles } from './files.js';
import { preferred } from './messages.js';
import type { ParsedConsoleOptions } from './options.js';

/**
 * Writes `index.html`. It names its files from the folder of its own address, because a proxy may have removed a prefix of that address,
 * and the policy forbids `<base>`.
 *
 * @param up the way from that folder to the base of the page: `'./'`, `'../'`, ...
 * @param acceptLanguage the header of the request
 */
export function indexPage(options: ParsedConsoleOptions, files: PageFiles, up: string, acceptLanguage: string | null): string {
  const { api, basePath, title, brand, addresses, readOnly } = options;
  const languages = preferred(options.languages, acceptLanguage);
  const page = {
    api: relativePath(basePath, api),
    title,
    name: brand.name,
    logo: brand.logo,
    ...addresses,
    readOnly,
    languages: languages.map(({ lang, dir, file }) => ({ lang, dir, file: file && `assets/${file.name}` })),
  };
  const [{ lang, dir } = { lang: 'en', dir: 'ltr' }] = languages;
  const assets = `${up}assets/`;
  return [
    '<!doctype html>',
    `<html lang="${lang}" dir="${dir}">`,
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    '<meta name="robots" content="noindex">',
    `<title>${escaped(title)}</title>`,
    `<link rel="icon" href="${ICON}">`,
    // That of the brand is the last one: it replaces colours of the page.
    ...[...files.styles, ...(brand.styles === undefined ? [] : [brand.styles.name])].map(
      (name) => `<link rel="stylesheet" href="${assets}${name}">`,
    ),
    ...files.preload.map((name) => `<link rel="modulepreload" href="${assets}${name}">`),
    `<meta name="jit-access-console" content="${escaped(JSON.stringify(page))}">`,
    `<script type="module" src="${assets}${files.script}"></script>`,
    '</head>',
    '<body>',
    `<div id="app">${STUCK}</div>`,
    '<noscript>This page needs JavaScript.</noscript>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/**
 * What the page says until its script draws it. The style sheet hides the text for some seconds: it stays if the script is missing, because
 * the next process behind a balancer has another version.
 */
const STUCK =
  '<p class="stuck" lang="en" dir="ltr">The page did not load. A new version may be on its way: <a href="">load the page again</a>.</p>';

/** The half-open window `[ )`, as on the play page. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32' fill='none' stroke='%231a7f4b' stroke-width='4'%3E" +
  "%3Cpath d='M12 5H6v22h6M20 5q8 11 0 22'/%3E%3C/svg%3E";

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** A text as the value of an attribute, or as text. */
const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => ENTITIES[char] as string);
