/** The pages in the order in which a reader needs them: each group is a folder of docs. */
const groups = [
  ['Start', 'start', ['quickstart', 'concepts', 'play']],
  [
    'Guides',
    'guides',
    [
      'express-postgresql',
      'http',
      'client',
      'guards',
      'checker',
      'view',
      'what-to-ask-for',
      'request-form',
      'changing-requests',
      'policy',
      'quorums',
      'reviews',
      'break-glass',
      'locks',
      'agents',
      'work',
      'authzen',
      'lists',
      'operation',
      'answers',
      'recorded-use',
      'notifications',
      'provisioning',
      'badge',
      'metrics',
      'coming-from',
      'testing',
      'backups',
      'upgrades',
      'writing-an-approver',
      'writing-a-store',
    ],
  ],
  ['Stores', 'guides/stores', ['choosing', 'sqlite', 'postgresql', 'redis', 'own-rows']],
  [
    'Reference',
    'reference',
    [
      'entry-points',
      'options',
      'verbs',
      'errors',
      'http',
      'lifecycle',
      'entry-types',
      'journal',
      'store',
      'sql',
      'redis',
      'scopes',
      'features',
    ],
  ],
  [
    'Explanation',
    'explanation',
    ['guarantees', 'trade-offs', 'time', 'threat-model', 'laws', 'assurance', 'performance', 'scale', 'architecture'],
  ],
];

/** Anchors as GitHub makes them, which the links of the pages use. */
const slugify = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/** @param titleOf the title of a page, by its path */
export const siteConfig = (titleOf) => ({
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
      { text: 'Guides', link: '/guides/guards' },
      { text: 'API', link: '/api/index.html', target: '_self' },
    ],
    sidebar: groups.map(([text, folder, pages]) => ({
      text,
      items: pages.map((page) => ({ text: titleOf(`${folder}/${page}`), link: `/${folder}/${page}` })),
    })),
  },
});
