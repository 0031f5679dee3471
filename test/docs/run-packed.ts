import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { inject } from 'vitest';
import type { Run } from '../examples/run.js';
import { blocks, nameOf, programOf } from './blocks.js';
import { root, type Block } from './pages.js';

/**
 * The programs of README.md and docs: each block that imports what it uses, and declares nothing that the reader must have. A block that
 * imports from a folder above is no program of a user: it is a file of `src`.
 */
export const programs: readonly Block[] = blocks.filter(
  ({ info, code }) => /^(?:ts|typescript|js)\b/.test(info) && /^import /m.test(code) && !/\bdeclare\b| from '\.\.\//.test(code),
);

/** A row of a table of tests. */
export const named = (block: Block) => [nameOf(block), block] as const;

/** Links packages beside this one, its dependencies and its peers, as a reader installs them. */
function install(folder: string, names: Iterable<string>): void {
  for (const name of names) {
    const [source, target] = [join(root, 'node_modules', name), join(folder, 'node_modules', name)];
    if (!existsSync(source) || existsSync(target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(source, target, 'junction');
  }
}

const packageOf = (specifier: string): string => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;

// Each program is a process that takes about a core while it starts. More than two at a time would only be slower.
const turns = [Promise.resolve(), Promise.resolve()];
let runs = 0;

/**
 * Runs a program of the docs with the packed package, as a reader would: in a process and a folder of its own.
 *
 * @param options.after code that is added to a program of the page, which uses its names
 * @param options.env what the reader of the page has to set
 * @param options.node the Node that runs it
 */
export async function runPacked(
  block: Block,
  options: { readonly after?: string; readonly env?: Readonly<Record<string, string>>; readonly node?: string } = {},
): Promise<Run> {
  const turn = runs++ % turns.length;
  const run = (turns[turn] as Promise<void>).then(() => runNow(block, options));
  turns[turn] = run.then(
    () => undefined,
    () => undefined,
  );
  return run;
}

async function runNow(block: Block, { after = '', env = {}, node = process.execPath }: Parameters<typeof runPacked>[1] = {}): Promise<Run> {
  const base = join(inject('installed'), 'programs');
  await mkdir(base, { recursive: true });
  const folder = await mkdtemp(join(base, 'program-'));
  const outfile = join(folder, 'program.mjs');
  const { metafile } = await build({
    stdin: { contents: `${programOf(block)}\n${after}`, loader: 'ts', resolveDir: join(root, 'docs') },
    outfile,
    bundle: true,
    // The package and all others are imported as they are installed; only files that a page has the reader save are inlined.
    packages: 'external',
    platform: 'node',
    format: 'esm',
    metafile: true,
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => packageOf(path)));
  install(base, new Set(imports.filter((name) => name !== 'jit-access')));
  // The files that an example reads are next to it.
  for (const file of await readdir(join(root, 'examples')))
    if (file.endsWith('.json')) await copyFile(join(root, 'examples', file), join(folder, file));
  return promisify(execFile)(node, [outfile], { cwd: folder, env: { ...process.env, ...env }, timeout: 120_000 }).then(
    (output) => ({ code: 0, ...output }),
    (failure: Run) => ({ code: failure.code, stdout: failure.stdout, stderr: failure.stderr }),
  );
}
