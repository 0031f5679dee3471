/*
 * Builds the site: the pages of docs, the examples and the API reference as static files in .site/dist, which fetch
 * nothing from elsewhere. Then it follows every link of every file that it made. Run by `npm run docs`.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vitepress';
import { deadLinks } from './links.mjs';
import { placeOf } from './pages.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..');
const work = join(here, '.build');
const out = join(here, 'dist');

rmSync(work, { recursive: true, force: true });
rmSync(out, { recursive: true, force: true });
mkdirSync(work, { recursive: true });

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
    const place = placeOf(posix.join(posix.dirname(path), file));
    const way = place.startsWith('api/') ? `/${place}` : posix.relative(posix.dirname(to), place);
    return anchor === undefined ? way : `${way}#${anchor}`;
  };
  return readFileSync(join(root, path), 'utf8')
    .replaceAll(/(\]\()([^)\s]+)(\))/g, (_, before, target, after) => before + link(target) + after)
    .replaceAll(/((?:src|srcset)=")([^"]+)(")/g, (_, before, target, after) => `${before}/${posix.basename(target)}${after}`);
}

function write(place, text) {
  mkdirSync(dirname(join(work, place)), { recursive: true });
  writeFileSync(join(work, place), text);
}

for (const page of ['README.md', ...pages]) write(placeOf(page), moved(page));
for (const example of examples) {
  const language = example.split('.').at(-1);
  write(
    placeOf(example),
    `# ${posix.relative('examples', example)}\n\n\`\`\`\`${language}\n${readFileSync(join(root, example), 'utf8')}\`\`\`\`\n`,
  );
}
const programs = examples.map((path) => `- [${posix.relative('examples', path)}](${posix.relative('examples', path)}.md)`);
write(
  'examples/index.md',
  `# Examples\n\nEach file at the top is a program: \`npm run examples\` runs them all.\n\n${programs.join('\n')}\n`,
);
for (const picture of under('docs', /^docs\/[^/]+\.webp$/))
  cpSync(join(root, picture), join(work, 'public', posix.basename(picture)), { recursive: true });

mkdirSync(join(work, '.vitepress'));
writeFileSync(
  join(work, '.vitepress/config.mjs'),
  `import { siteConfig } from '../../config.mjs';\nexport default siteConfig(${JSON.stringify(readFileSync(join(root, 'docs/README.md'), 'utf8'))});\n`,
);

await build(work, { outDir: out });

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.values(exports).flatMap((target) =>
  typeof target === 'string' ? [] : [target.import.default.replace(/^\.\/dist\/(.+)\.js$/, '$1.ts')],
);
execFileSync(
  process.execPath,
  [
    join(here, 'node_modules/typedoc/bin/typedoc'),
    ...entries.map((file) => join(root, 'src', file)),
    ...['--tsconfig', join(root, 'tsconfig.json'), '--out', join(out, 'api'), '--name', 'jit-access', '--readme', 'none'],
    // No address of a repository is known, so nothing links to sources.
    ...[
      '--disableSources',
      '--excludeInternal',
      '--excludePrivate',
      '--githubPages',
      'false',
      '--includeHierarchySummary',
      'false',
      '--skipErrorChecking',
      '--logLevel',
      'Error',
    ],
  ],
  { cwd: here, stdio: 'inherit' },
);

const dead = deadLinks(out);
for (const line of dead) console.error(line);
if (!existsSync(join(out, 'index.html')) || dead.length > 0) process.exit(1);
console.log(`${relative(root, out)}: every link leads to a file, and none elsewhere`);
