import { createCssVariablesTheme } from 'shiki';
import { sidebarOf } from './pages.mjs';
import { searchOf } from './search.mjs';

/** Anchors as GitHub makes them, which the links of the pages use. */
const slugify = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/** @param list the text of docs/README.md */
export const siteConfig = (list, version) => ({
  title: 'jit-access',
  description: 'Just-in-time privileged access for TypeScript',
  lang: 'en-GB',
  cleanUrls: false,
  lastUpdated: false,
  // links.mjs follows every link of the built files, anchors included.
  ignoreDeadLinks: true,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/mark.svg' }]],
  transformHead: ({ pageData: { filePath, isNotFound } }) =>
    isNotFound || filePath === 'index.md' ? [] : [['link', { rel: 'alternate', type: 'text/markdown', href: `/${filePath}` }]],
  markdown: { anchor: { slugify }, theme: createCssVariablesTheme() },
  themeConfig: {
    version,
    logo: { light: '/mark-light.svg', dark: '/mark-dark.svg' },
    search: searchOf(list),
    outline: [2, 3],
    nav: [
      { text: 'Quickstart', link: '/start/quickstart' },
      { text: 'Guides', link: '/all-pages' },
      { text: 'Play', link: '/play/index.html', target: '_self' },
      { text: 'API', link: '/api/index.html', target: '_self' },
    ],
    sidebar: sidebarOf(list),
  },
});
