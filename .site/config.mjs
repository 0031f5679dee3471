import { sidebarOf } from './pages.mjs';

/** Anchors as GitHub makes them, which the links of the pages use. */
const slugify = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/** @param list the text of docs/README.md */
export const siteConfig = (list) => ({
  title: 'jit-access',
  description: 'Just-in-time privileged access for TypeScript',
  cleanUrls: false,
  lastUpdated: false,
  // The static API reference, which TypeDoc writes beside the pages.
  ignoreDeadLinks: [/^\/api\//],
  markdown: { anchor: { slugify } },
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Quickstart', link: '/start/quickstart' },
      { text: 'Guides', link: '/all-pages' },
      { text: 'API', link: '/api/index.html', target: '_self' },
    ],
    sidebar: sidebarOf(list),
  },
});
