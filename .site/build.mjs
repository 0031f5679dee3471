/*
 * Builds the site: the first page, the pages of docs, the examples, the page that plays and the API reference as static
 * files in .site/dist, which fetch nothing from elsewhere, and each page as Markdown at its address. Then it follows every
 * link of every file that it made, searches as a user would, and looks at the pages. Run by `npm run docs`.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vitepress';
import { deadLinks } from './links.mjs';
import { troublesOf } from './look.mjs';
import { groupsOf, placeOf } from './pages.mjs';
import { builtIndex, missesOf, queriesOf } from './search.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..');
const work = join(here, '.build');
const out = join(here, 'dist');

rmSync(work, { recursive: true, force: true });
rmSync(out, { recursive: true, force: true });
mkdirSync(work, { recursive: true });

const read = (path) => readFileSync(join(root, path), 'utf8');
const list = read('docs/README.md');
const { exports, version, description } = JSON.parse(read('package.json'));

const under = (folder, pattern) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((path) => posix.join(folder, path.replaceAll('\\', '/')))
    .filter((path) => pattern.test(path));

const pages = under('docs', /^docs\/(?!api\/|play\/).*\.md$/);
const examples = under('examples', /\.(ts|js|json)$/).filter((path) => !path.endsWith('tsconfig.json'));

/** The text of a page, with its links leading to their places on the site. */
function moved(path) {
  const to = placeOf(path);
  const link = (target) => {
    const [file, anchor] = target.split('#');
    if (/^\w+:/.test(target) || file === '') return target;
    if (/\.(?:svg|webp)$/.test(file)) return `/${posix.basename(file)}`;
    const place = placeOf(posix.join(posix.dirname(path), file));
    const way = /^(?:api|play)\//.test(place) ? `/${place}` : posix.relative(posix.dirname(to), place);
    return anchor === undefined ? way : `${way}#${anchor}`;
  };
  return read(path).replaceAll(/(\]\()([^)\s]+)(\))/g, (_, before, target, after) => before + link(target) + after);
}

/** The pictures of a page: the site's theme is the reader's choice, not only that of the system. */
const pictured = (text) =>
  text.replaceAll(
    /<picture>\s*<source[^>]* srcset="([^"]+)"[^>]*>\s*<img src="([^"]+)"( alt="[^"]*")>\s*<\/picture>/g,
    (_, dark, light, alt) =>
      `<img class="only-light" src="/${posix.basename(light)}"${alt}>\n<img class="only-dark" src="/${posix.basename(dark)}"${alt}>`,
  );

function write(place, text) {
  mkdirSync(dirname(join(work, place)), { recursive: true });
  writeFileSync(join(work, place), text);
}

const markdown = new Map(['README.md', ...pages].map((page) => [placeOf(page), moved(page)]));
for (const [place, text] of markdown) write(place, pictured(text));
write(
  'index.md',
  `---\nlayout: page\nsidebar: false\ntitle: jit-access\ntitleTemplate: ${description.split(':')[0]}\n---\n\n<Landing>\n<template #program>\n\n\`\`\`ts\n${read('examples/first-grant.ts')}\`\`\`\n\n</template>\n</Landing>\n`,
);
for (const example of examples) {
  const language = example.split('.').at(-1);
  write(
    placeOf(example),
    `# ${posix.relative('examples', example)}\n\n\`\`\`\`${language}\n${readFileSync(join(root, example), 'utf8')}\`\`\`\`\n`,
  );
}
const programs = examples.map((path) => `- [${posix.relative('examples', path)}](${posix.relative('examples', path)}.md)`);
markdown.set(
  'examples/index.md',
  `# Examples\n\nEach file at the top is a program: \`npm run examples\` runs them all.\n\n${programs.join('\n')}\n`,
);
write('examples/index.md', markdown.get('examples/index.md'));
for (const picture of under('docs', /^docs\/[^/]+\.(?:webp|svg)$/))
  cpSync(join(root, picture), join(work, 'public', posix.basename(picture)), { recursive: true });

// The favicon follows the system, and the mark on a page the theme that its reader has chosen.
const mark = read('.site/theme/mark.svg');
const still = mark.replace(/@media[^}]*}\s*}/, '');
write('public/mark.svg', mark);
write('public/mark-light.svg', still);
write('public/mark-dark.svg', still.replace('#1c2430', '#e8eaee'));
write('.vitepress/theme/index.mjs', `export { default } from '../../../theme/index.mjs';\n`);
write(
  '.vitepress/config.mjs',
  `import { siteConfig } from '../../config.mjs';\nexport default siteConfig(${JSON.stringify(list)}, ${JSON.stringify(version)});\n`,
);

await build(work, { outDir: out });

// What a program reads: each page as Markdown at its address, and their list.
for (const [place, text] of markdown) writeFileSync(join(out, place), text);
for (const example of examples) cpSync(join(work, placeOf(example)), join(out, placeOf(example)));
const linesOf = ({ title, path, what, pages }) => [`- [${title}](/${placeOf(path)}): ${what}`, ...pages.flatMap(linesOf)];
writeFileSync(
  join(out, 'llms.txt'),
  `# jit-access\n\n> ${description}\n\nEach page is Markdown. [Overview](/overview.md) has the first program, the guarantees and the limitations.\n\n${groupsOf(
    list,
  )
    .map(({ title, pages }) => `## ${title}\n\n${pages.flatMap(linesOf).join('\n')}\n`)
    .join('\n')}`,
);

const run = (program, ...options) => execFileSync(process.execPath, [program, ...options], { cwd: root, stdio: 'inherit' });
run(join(root, 'node_modules/vite/bin/vite.js'), 'build', '--config', 'docs/play/vite.config.ts', '--logLevel', 'warn');
cpSync(join(root, 'docs/play/dist'), join(out, 'play'), { recursive: true });

const entries = Object.values(exports).flatMap((target) =>
  typeof target === 'string' ? [] : [target.import.default.replace(/^\.\/dist\/(.+)\.js$/, '$1.ts')],
);
write(
  'typedoc.json',
  JSON.stringify({
    entryPoints: entries.map((file) => join(root, 'src', file)),
    tsconfig: join(root, 'tsconfig.json'),
    out: join(out, 'api'),
    name: `jit-access ${version}`,
    readme: 'none',
    navigationLinks: { Documentation: '/all-pages.html' },
    titleLink: '/index.html',
    customCss: join(here, 'theme/api.css'),
    customJs: join(here, 'theme/api.js'),
    favicon: join(here, 'theme/mark.svg'),
    // No address of a repository is known, so nothing links to sources.
    disableSources: true,
    hideGenerator: true,
    excludeInternal: true,
    excludePrivate: true,
    githubPages: false,
    includeHierarchySummary: false,
    skipErrorChecking: true,
    logLevel: 'Error',
  }),
);
run(join(here, 'node_modules/typedoc/bin/typedoc'), '--options', join(work, 'typedoc.json'));

const codes = new Set(read('docs/reference/errors.md').match(/ERR_JIT_\w+/g));
const queries = [...queriesOf(read('test/docs/searches.txt')), ...[...codes].map((code) => [code, 'docs/reference/errors.md'])];
const guides = groupsOf(list)
  .flatMap(({ pages }) => pages)
  .filter(({ path }) => /^docs\/(?:start|guides)\//.test(path));
const troubles = [
  ...deadLinks(out),
  ...missesOf(queries, await builtIndex(out)),
  ...(await troublesOf(
    out,
    [...markdown.keys()],
    guides.map(({ path }) => placeOf(path)),
  )),
];
for (const line of troubles) console.error(line);
if (troubles.length > 0) process.exit(1);
console.log(`${relative(root, out)}: every link leads to a file, ${queries.length} searches find their page`);
