import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The last release of the package, this version, and one with a made-up layout 2. */
export type Version = 'released' | 'this' | 'next';

/**
 * The changes that make layout 2 of the sources: a silent field of requests with a column and an index, and three binding features, the
 * kind `memo`, comments, and a field inside the reviews of a request. Each text occurs once in its file.
 */
const NEXT: Readonly<Record<string, readonly (readonly [from: string, to: string])[]>> = {
  'core/layout.ts': [['export const LAYOUT = 1;', 'export const LAYOUT = 2;']],
  'records/layout.ts': [['EntryType, number>>> = {};', 'EntryType, number>>> = { memo: 2, comment: 2 } as any;']],
  'records/review.ts': [
    ["import { frozen } from './frozen.js';", "import { frozen } from './frozen.js';\nimport { since } from './marks.js';"],
    ['comment: optional(anyText),', 'comment: since(2, optional(anyText)),'],
  ],
  'records/request.ts': [
    [
      "import { isSoundRequest } from './request-rules.js';",
      "import { isSoundRequest } from './request-rules.js';\nimport { silent, withSilent } from './marks.js';",
    ],
    [
      'metadata: freezeJson(fields.metadata),',
      'metadata: freezeJson(fields.metadata),\n    label: (fields as any).label ?? `of ${fields.id}`,',
    ],
    ['metadata: optional(json),', 'metadata: optional(json),\n      label: silent(2, text),'],
    ['export const REQUEST = /* @__PURE__ */ (() =>\n  kindOf(', 'export const REQUEST = /* @__PURE__ */ (() =>\n  withSilent(kindOf('],
    ['    isSoundRequest,\n  ))();', '    isSoundRequest,\n  )))();'],
  ],
  'stores/sql/expansions.ts': [
    [
      '{ layout: 1, statements: schemaOf(tables), indexes: [], undo: [], locks: [] },',
      `{ layout: 1, statements: schemaOf(tables), indexes: [], undo: [], locks: [] },
  {
    layout: 2,
    statements: [\`alter table jit_rows add column \${tables.concurrently === '' ? '' : 'if not exists '}label text\`],
    indexes: [{ name: 'jit_rows_label', on: 'jit_rows (namespace, label) where label is not null' }],
    undo: ['drop index jit_rows_label', 'alter table jit_rows drop column label'],
    locks: [{ table: 'jit_rows', blocks: 'reads and writes', lasts: 'moment' }],
  },`,
    ],
  ],
  'stores/sql/fragments.ts': [["  'sort_at',\n  'body',\n];", "  'sort_at',\n  'label',\n  'body',\n];"]],
  'stores/sql/rows.ts': [
    ['dueAt, sortAt, JSON.stringify(body)];', 'dueAt, sortAt, (body as any).more?.label ?? null, JSON.stringify(body)];'],
    [
      'const [kind, id, version, subject, scope, open, createdAt, from, until, dueAt, sortAt, body] = row;',
      'const [kind, id, version, subject, scope, open, createdAt, from, until, dueAt, sortAt, , body] = row;',
    ],
    [
      'return listedRow([kind, id, version, subject, scope, 1, createdAt, from, until, dueAt, sortAt, body]);',
      'return listedRow([kind, id, version, subject, scope, 1, createdAt, from, until, dueAt, sortAt, null, body]);',
    ],
  ],
};

/** The sources of the next layout. @throws if a text does not occur exactly once */
const nextLayout: Plugin = {
  name: 'next-layout',
  setup({ onLoad }) {
    for (const [file, changes] of Object.entries(NEXT)) {
      onLoad({ filter: new RegExp(`/src/${file.replace('.', '\\.')}$`) }, ({ path }) => {
        let contents = readFileSync(path, 'utf8');
        for (const [from, to] of changes) {
          if (contents.split(from).length !== 2) throw new Error(`${file} does not have exactly once: ${from}`);
          contents = contents.replace(from, () => to);
        }
        return { contents, loader: 'ts' };
      });
    }
  },
};

const RELEASES = join(root, 'test/fixtures/released');
const [lastRelease = ''] = readdirSync(RELEASES).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));

/** The files of the last release, without any source. */
const released: Plugin = {
  name: 'released',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^jit-access(\/|$)/ }, ({ path }) => ({
      path: join(RELEASES, lastRelease, `${path.slice('jit-access/'.length) || 'index'}.js`),
    }));
    onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({ errors: [{ text: `the released version would have the source ${path}` }] }));
  },
};

const PLUGINS: Readonly<Record<Version, readonly Plugin[]>> = { released: [released], this: [], next: [nextLayout] };

const built = new Map<Version, Promise<string>>();

/** The worker with a version of the package, in one file. */
export function workerOf(version: Version): Promise<string> {
  const known = built.get(version) ?? bundled(version);
  built.set(version, known);
  return known;
}

async function bundled(version: Version): Promise<string> {
  // Below node_modules, so that it finds the drivers.
  const folder = join(root, 'node_modules/.cache/jit-access');
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `upgrade-${version}-${process.pid}.mjs`);
  await build({
    entryPoints: [join(root, 'test/stores/upgrade/worker.ts')],
    tsconfig: join(root, 'test/tsconfig.json'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
    outfile,
    plugins: [...PLUGINS[version]],
  });
  process.once('exit', () => rmSync(outfile, { force: true }));
  return outfile;
}
