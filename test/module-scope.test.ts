import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, Script } from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { ENTRIES } from '../.tsup/entries.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

const doors = Object.keys(ENTRIES).map((door) => `${door}.ts`);

/** Peers and modules of Node come from outside the realm; the dependencies are a part of the entry. */
const OUTSIDE = ['node:*', 'react', 'react/*', '@nestjs/*', 'kysely', 'kysely/*'];

async function bundled(file: string): Promise<Script> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'src', file)],
    bundle: true,
    format: 'cjs',
    platform: 'neutral',
    external: OUTSIDE,
    write: false,
    // The package is not shaken before a program imports it: what is marked as pure runs too.
    ignoreAnnotations: true,
    logLevel: 'silent',
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
  });
  return new Script(`(function (exports, module, require) {${outputFiles[0]?.text ?? ''}\n})`, { filename: file });
}

/*
 * jsdom under Jest lacks TextEncoder and fetch; workerd refuses timers, randomness and AbortController outside a handler. An entry that
 * needs no part of its surroundings until it is called can be imported in all of them. test/runtimes/imports.test.ts imports the package
 * in these two.
 */
describe('the module scope of an entry', () => {
  it.each(doors)('[NC3] [NC4] needs nothing beyond ECMAScript: %s', async (file) => {
    const script = await bundled(file);
    const realm = createContext({}, { codeGeneration: { strings: false, wasm: false } });
    const load = script.runInContext(realm) as (exports: object, module: object, load: NodeJS.Require) => void;
    const module = { exports: {} };
    let outcome = 'imported';
    try {
      load(module.exports, module, require);
    } catch (error) {
      outcome = String(error);
    }
    expect(outcome).toBe('imported');
    expect(Object.keys(module.exports)).not.toEqual([]);
  });
});
