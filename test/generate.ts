/*
 * `npm run generate` writes the files that are made from the code. `npm run generate -- --check`, a step of the gate, writes none, and
 * fails if one differs. It fails as well if a declaration lacks what its page must say.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { coreFiles, ENTRIES, exportsOf } from '../.tsup/entries.js';
import { LAYOUT } from '../src/core/layout.js';
import { schemaFile } from './approvers/policy/schema-file.js';
import { lawsPage } from './docs/laws.js';
import { lifecyclePage, PAGE } from './docs/lifecycle.js';
import { root } from './docs/pages.js';
import { entryPages } from './docs/reference/entry-pages.js';
import { entryTypesPage } from './docs/reference/entry-types.js';
import { errorClasses, errorsPage } from './docs/reference/errors.js';
import { httpPage } from './docs/reference/http.js';
import { readSources } from './docs/reference/sources.js';
import { routeTable } from './features/http/route-table.js';
import { sizesFile } from './figures/sizes.js';
import { storedShape } from './records/stored-shape.js';
import { LAYOUTS } from './stores/released/layouts.js';

const isCheck = process.argv.includes('--check');
const faults: string[] = [];

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** @param text `undefined`: the file should not be there */
function put(path: string, text: string | undefined): void {
  const file = join(root, path);
  if (text === (existsSync(file) ? readFileSync(file, 'utf8') : undefined)) return;
  if (isCheck) faults.push(`${path} differs: run npm run generate`);
  else if (text === undefined) rmSync(file);
  else writeFileSync(file, text);
  if (!isCheck) console.log(path);
}

function run(command: string): void {
  const { status } = spawnSync(command, { cwd: root, stdio: 'inherit', shell: true });
  if (status !== 0) faults.push(`${command} failed`);
}

// The build reads its entries from there. Types stand before code: TypeScript takes the first condition.
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly exports: Readonly<Record<string, unknown>> };
const withoutCode = Object.entries(manifest.exports).filter(([, target]) => typeof target === 'string');
put('package.json', json({ ...manifest, exports: { ...exportsOf(Object.keys(ENTRIES)), ...Object.fromEntries(withoutCode) } }));
const core = readFileSync(join(root, 'tsconfig.core.json'), 'utf8');
put('tsconfig.core.json', core.replace(/(?<="files": )\[[^\]]*\]/, JSON.stringify(coreFiles, undefined, 2).replaceAll('\n', '\n  ')));
if (process.env['JIT_TEST_BUILT'] === undefined) run('npm run --silent build');

const schema = 'schema/policy.schema.json';
put(schema, await format(schemaFile(), { ...(await resolveConfig(join(root, schema))), parser: 'json' }));
// That of a released layout is never edited.
if (!Object.values(LAYOUTS).includes(LAYOUT)) put(`test/fixtures/stored/${LAYOUT}.json`, json(storedShape()));

put('docs/explanation/laws.md', await lawsPage());
put(PAGE, await lifecyclePage());
const sources = readSources();
// In this order: the compiler sorts the values of a union by when it has first seen each.
const pages = [
  await errorsPage(sources),
  await entryTypesPage(sources),
  ...(await entryPages(sources, new Set(errorClasses(sources).map(({ name }) => name)))),
];
for (const { path, text, problems } of pages) {
  put(path, text);
  faults.push(...problems.map((problem) => `${path}: ${problem}`));
}
const folder = 'docs/reference/entries';
const paths = readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);
for (const path of paths) if (!pages.some((page) => page.path === path)) put(path, undefined);
const http = await httpPage(await routeTable());
put(http.path, http.text);

// Not compared, because another version of Node compresses a little differently. `npm run size` holds the limits.
if (!isCheck) put('test/figures/sizes.json', json(await sizesFile()));
run(`npx tsx .ci/release/api-report.ts${isCheck ? '' : ' --update'}`);

for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
