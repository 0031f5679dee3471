import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { root } from './entries.js';

/** The oldest supported TypeScript, the last before 6, and the one that builds the package. */
export const compilers = { '5.6': 'typescript-5.6', '5.9': 'typescript-5.9', '6.0': 'typescript' };

/**
 * Supported values of a consumer's `lib` and `types`: `AbortSignal` comes from Node's types or from those of browsers.
 * ES2022 is enough; the declarations bring what they use of later libraries.
 */
export const settings = {
  'nodenext, types of Node': { module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2022'], types: ['node'] },
  'bundler, lib of browsers': { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'], types: [] },
};

const require = createRequire(import.meta.url);
const run = promisify(execFile);

/** Type-checks files as a separate project next to the installed package, and returns the output of the compiler. */
export async function check(name: string, compiler: string, options: object, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(inject('installed'), name.replace(/[^\w.]+/g, '-'));
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  const compilerOptions = {
    target: 'es2022',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    typeRoots: [join(root, 'node_modules/@types')],
    ...options,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  const tsc = require.resolve(`${compiler}/lib/tsc.js`);
  const { stdout } = await run(process.execPath, [tsc, '--pretty', 'false'], { cwd: folder }).catch((error: { stdout: string }) => error);
  return stdout;
}
