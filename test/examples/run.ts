import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { ENTRIES } from '../../.tsup/entries.js';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The result of a program. */
export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `jit-access/<name>` is `src/<name>.ts`. */
const SUBPATHS = Object.fromEntries(
  Object.keys(ENTRIES)
    .filter((door) => door !== 'index')
    .map((door) => [`jit-access/${door}`, join(root, `src/${door}.ts`)]),
);

/**
 * Runs a program that imports `jit-access` against the sources of this repository, in a separate process.
 *
 * @param source a file of the repository, or the text of a program as if it were in `docs`
 * @param options.format the format of the bundle: a program may use only features of that format
 * @param options.core a file that replaces `jit-access`
 */
export async function run(
  source: { readonly file: string } | { readonly text: string },
  { format = 'esm', core = join(root, 'src/index.ts') }: { readonly format?: 'esm' | 'cjs'; readonly core?: string } = {},
): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'jit-access-run-'));
  try {
    const outfile = join(folder, format === 'esm' ? 'program.mjs' : 'program.cjs');
    await build({
      ...('file' in source
        ? { entryPoints: [join(root, source.file)] }
        : { stdin: { contents: source.text, loader: 'ts' as const, resolveDir: join(root, 'docs') } }),
      outfile,
      bundle: true,
      platform: 'node',
      format,
      alias: {
        'jit-access': core,
        ...SUBPATHS,
      },
      nodePaths: [join(root, 'node_modules')],
      logLevel: 'silent',
    });
    // The files that an example reads are next to it.
    for (const file of await readdir(join(root, 'examples'))) {
      if (file.endsWith('.json')) await copyFile(join(root, 'examples', file), join(folder, file));
    }
    return await promisify(execFile)(process.execPath, [outfile], { cwd: folder }).then(
      (output) => ({ code: 0, ...output }),
      (failure: Run) => ({ code: failure.code, stdout: failure.stdout, stderr: failure.stderr }),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Runs a program of this repository in place, as `npm run examples` does, but with the sources for 'jit-access'. */
export async function runInPlace(file: string): Promise<Run> {
  const args = ['--import', 'tsx', join(root, file)];
  const env = { ...process.env, TSX_TSCONFIG_PATH: join(root, 'examples/tsconfig.json') };
  return promisify(execFile)(process.execPath, args, { cwd: root, env }).then(
    (output) => ({ code: 0, ...output }),
    (failure: Run) => ({ code: failure.code, stdout: failure.stdout, stderr: failure.stderr }),
  );
}
