import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** What a program uses of each of them, as little as it can. */
export const USES: Readonly<Record<string, string>> = {
  'jit-access': "export { JitEngine, reviewers } from 'jit-access';",
  'jit-access/view': "export { createView } from 'jit-access/view';",
  'jit-access/check': "export { createChecker } from 'jit-access/check';",
  'jit-access/client': "export { createClient } from 'jit-access/client';",
  'jit-access/guard': "export { createGuard } from 'jit-access/guard';",
  'jit-access/policy': "export { definePolicy } from 'jit-access/policy';",
  'jit-access/http': "export { createHttpHandler } from 'jit-access/http';",
  'lru-cache': "export { LRUCache } from 'lru-cache';",
  'tiny-lru': "export { lru } from 'tiny-lru';",
  '@casl/ability': "export { createMongoAbility } from '@casl/ability';",
  accesscontrol: "export { AccessControl } from 'accesscontrol';",
  '@cedar-policy/cedar-wasm': "export * from '@cedar-policy/cedar-wasm/nodejs';",
  casbin: "export { newEnforcer, newModelFromString } from 'casbin';",
};

/** Files beside a module that it loads from the disk at run time, and that are in no bundle. */
const BESIDE: Readonly<Record<string, readonly [module: string, file: string]>> = {
  '@cedar-policy/cedar-wasm': ['@cedar-policy/cedar-wasm/nodejs', 'cedar_wasm_bg.wasm'],
};

/** Kilobytes, minified and gzipped, with everything that must be shipped. */
export async function bundleSizes(root: string): Promise<Readonly<Record<string, number>>> {
  const { resolve } = createRequire(`${root}/.ci/bench/package.json`);
  const sizes: Record<string, number> = {};
  for (const [name, contents] of Object.entries(USES)) {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: root },
      nodePaths: [`${root}/.ci/bench/node_modules`],
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'node',
      logLevel: 'error',
    });
    const beside = BESIDE[name];
    const shipped = [
      ...outputFiles.map((file) => file.contents),
      ...(beside === undefined ? [] : [readFileSync(join(dirname(resolve(beside[0])), beside[1]))]),
    ];
    sizes[name] = shipped.reduce((sum, bytes) => sum + gzipSync(bytes).length, 0) / 1000;
  }
  return sizes;
}
