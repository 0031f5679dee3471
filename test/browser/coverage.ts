/*
 * `npm run test:browser`: runs the console in Chromium, then counts which statements of the page have run. Fails below FLOOR, and lists
 * the lines that have not run. With arguments for Vitest it only runs what they name.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseAstAsync } from 'vite';
import { APP, buildConsole } from '../../.tsup/console.js';
import { isRequired } from '../required.js';

/** In percent of the statements of the page. */
const FLOOR = 90;

/** What Chromium says of a script that it has run. */
interface Run {
  readonly url: string;
  readonly functions: readonly unknown[];
}
/** For each source, how often each statement has run, and where it is. */
type Counted = Readonly<
  Record<
    string,
    {
      readonly s: Readonly<Record<string, number>>;
      readonly statementMap: Readonly<Record<string, { readonly start: { readonly line: number } }>>;
    }
  >
>;

const args = process.argv.slice(2);
const folder = resolve('.tmp/page-coverage');
rmSync(folder, { recursive: true, force: true });
if (args.length === 0) {
  mkdirSync(folder, { recursive: true });
  process.env['JIT_PAGE_COVERAGE'] = folder;
}
const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'browser', ...args], { stdio: 'inherit' });
if (status !== 0 || args.length > 0) process.exit(status ?? 1);

// With these, Vitest counts the rest of the sources.
const ofVitest = createRequire(createRequire(import.meta.url).resolve('@vitest/coverage-v8'));
const { mergeScriptCovs } = ofVitest('@bcoe/v8-coverage') as { mergeScriptCovs(scripts: readonly Run[]): Run };
const { convert } = (await import(pathToFileURL(ofVitest.resolve('ast-v8-to-istanbul')).href)) as {
  convert(options: Readonly<Record<string, unknown>>): Promise<Counted>;
};

const built = await buildConsole();
const runs = readdirSync(folder).flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Run[]);
// Where the tests need no Chromium, they are skipped without one.
if (runs.length === 0 && !isRequired('chromium')) process.exit(0);
let covered = 0;
let total = 0;
const missed: string[] = [];
for (const [name, sourceMap] of Object.entries(built?.maps ?? {})) {
  const code = built?.files.texts[name] ?? '';
  // The name has a hash of the script. One that no test loads counts as well.
  const { functions } = mergeScriptCovs([{ url: name, functions: [] }, ...runs.filter(({ url }) => url.endsWith(`/${name}`))]);
  const url = pathToFileURL(resolve('dist', name)).href;
  const counted = await convert({ code, ast: parseAstAsync(code), sourceMap, coverage: { url, functions } });
  for (const [path, { s, statementMap }] of Object.entries(counted)) {
    const file = relative(APP, path);
    if (file.startsWith('..')) continue;
    const statements = Object.entries(s);
    const lines = statements.flatMap(([id, times]) => (times === 0 ? [statementMap[id]?.start.line] : []));
    total += statements.length;
    covered += statements.length - lines.length;
    if (lines.length > 0) missed.push(`${String(lines.length).padStart(3)} in ${file}: ${[...new Set(lines)].join(', ')}`);
  }
}
const isEnough = covered >= (total * FLOOR) / 100;
if (!isEnough) console.error(missed.sort().reverse().join('\n'));
const percent = ((100 * covered) / total).toFixed(2);
console.log(
  `Of the page, ${String(covered)} of ${String(total)} statements have run in Chromium: ${percent} %. The floor is ${String(FLOOR)} %.`,
);
if (!isEnough) process.exitCode = 1;
