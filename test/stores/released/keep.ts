/*
 * Keeps a release for the tests of upgrades, in test/fixtures/released/<version>:
 *
 *   node .ci/release.js keep [tarball]    default: the tarball of .tmp/release
 *
 * `SHA256SUMS` names the tarball and the files. The JavaScript is that of the entries which `test/stores/upgrade/worker.ts` imports, with the files that
 * they load. `dump.json` is what the release has stored: see `play.ts`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { fieldsOf } from './paths.js';
import type { Played } from './play.js';
import { LAYOUT } from '../../../src/core/layout.js';
import type { Row } from '../../../src/store.js';
import type { StoredShape } from '../../records/stored-shape.js';

const root = join(import.meta.dirname, '../../..');
const ENTRIES = ['index', 'sql', 'redis', 'journal', 'testing'];

function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 1e8 });
  if (status !== 0) throw new Error(`${[program, ...args].join(' ')} failed\n${stderr}`);
  return stdout;
}

/** These files of a build, and all that they import. */
function filesOf(dist: string, entries: readonly string[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const files = new Set(entries.map((entry) => `${entry}.js`));
  for (const file of files) {
    const text = readFileSync(join(dist, file), 'utf8');
    texts.set(file, text);
    for (const [, imported = ''] of text.matchAll(/(?:from|import)\s*\(?["']\.\/([^"']+)["']/g)) files.add(imported);
  }
  return texts;
}

/** What a release has stored after `play.ts`. */
async function playedOver(dist: string, folder: string): Promise<Played> {
  const outfile = join(folder, 'play.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'play.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    outfile,
    plugins: [
      {
        name: 'release',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^jit-access(\/|$)/ }, ({ path }) => ({
            path: join(dist, `${path.slice('jit-access/'.length) || 'index'}.js`),
          })),
      },
    ],
  });
  return JSON.parse(run(process.execPath, outfile)) as Played;
}

/** The rows at the end, and of the earlier ones those with a field that no row before has. */
function fewestOf({ rows, earlier, ...rest }: Played): Played {
  const shape = JSON.parse(readFileSync(join(root, `test/fixtures/stored/${LAYOUT}.json`), 'utf8')) as StoredShape;
  let left = fieldsOf(shape);
  const addsField = (row: Row): boolean => {
    const before = left.length;
    left = left.filter(({ isIn }) => !isIn(row));
    return left.length < before;
  };
  rows.forEach(addsField);
  return { ...rest, rows, earlier: earlier.filter(addsField) };
}

/** JSON with a line for each row and entry. */
const linesOf = ({ namespace, rows, earlier, entries }: Played): string => {
  const list = (items: readonly unknown[]) => `[\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]`;
  return `{"namespace":${JSON.stringify(namespace)},\n"rows":${list(rows)},\n"earlier":${list(earlier)},\n"entries":${list(entries)}}\n`;
};

const [tarball] = process.argv.slice(2);
if (tarball === undefined) throw new Error('Usage: keep.ts <tarball>');
const folder = mkdtempSync(join(tmpdir(), 'jit-released-'));
try {
  run('tar', '-xzf', tarball, '-C', folder);
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package/package.json'), 'utf8')) as { name: string; version: string };
  const dist = join(folder, 'package/dist');
  const kept = join(root, 'test/fixtures/released', version);
  const files = filesOf(dist, ENTRIES);
  const dump = linesOf(fewestOf(await playedOver(dist, folder)));
  rmSync(kept, { recursive: true, force: true });
  mkdirSync(kept, { recursive: true });
  const sums = [[basename(tarball), readFileSync(tarball)] as const, ...files, ['dump.json', dump] as const].map(
    ([file, content]) => `${createHash('sha256').update(content).digest('hex')}  ${file}\n`,
  );
  for (const [file, text] of [...files, ['dump.json', dump] as const, ['SHA256SUMS', sums.join('')] as const]) {
    writeFileSync(join(kept, file), text);
  }
  console.log(
    `${name} ${version}: ${files.size} files, ${[...files.values()].join('').length} bytes, a dump of ${dump.length} bytes in ${dirname(kept)}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
