import { posix } from 'node:path';

/**
 * The groups of docs/README.md, which are those of the sidebar: `## Group`, then a line for each page,
 * `- [Title](path): what it is`. A line that is indented is a page below the one above it.
 */
export function groupsOf(list) {
  const groups = [];
  for (const line of list.split('\n')) {
    const [, heading] = /^## (.+)$/.exec(line) ?? [];
    if (heading !== undefined) groups.push({ title: heading, pages: [] });
    const [, indent, title, path, what] = /^( *)- \[([^\]]+)\]\(([^)]+)\): (.+)$/.exec(line) ?? [];
    if (title === undefined) continue;
    const siblings = indent === '' ? groups.at(-1).pages : groups.at(-1).pages.at(-1).pages;
    siblings.push({ title, path: posix.join('docs', path), what, pages: [] });
  }
  return groups;
}

/** Where a file of the repository is on the site. */
export function placeOf(path) {
  if (path === 'README.md') return 'overview.md';
  if (path === 'docs/README.md') return 'all-pages.md';
  if (path.startsWith('docs/api/')) return 'api/index.html';
  if (path === 'examples') return 'examples/index.md';
  if (path.startsWith('examples/')) return `${path}.md`;
  return path.replace(/^docs\//, '');
}

const itemOf = ({ title, path, pages }) => ({
  text: title,
  link: `/${placeOf(path).replace(/(index)?\.md$/, '')}`,
  ...(path.startsWith('docs/api/') && { target: '_self' }),
  ...(pages.length > 0 && { collapsed: true, items: pages.map(itemOf) }),
});

/** The sidebar of the site, from docs/README.md. */
export const sidebarOf = (list) => groupsOf(list).map(({ title, pages }) => ({ text: title, items: pages.map(itemOf) }));
