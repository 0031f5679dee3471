import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { isRequired } from '../required.js';

/** The program of each runtime, in a folder of `.ci`. `.ci/run` installs them; npm ci and npm test do not. */
const programs = {
  'node-22': 'runtimes/node_modules/node-22/bin/node',
  'node-24': 'runtimes/node_modules/node-24/bin/node',
  bun: 'runtimes/node_modules/bun/bin/bun.exe',
  deno: 'runtimes/node_modules/deno/deno',
  workerd: 'runtimes/node_modules/workerd/bin/workerd',
  // The oldest that npm installs by `miniflare` on Node 20.
  'workerd-2026-04': 'runtimes/node_modules/workerd-2026-04/bin/workerd',
  jest: 'runtimes/node_modules/jest/bin/jest.js',
  // For node-22.
  'npm-12': 'npm/node_modules/npm/bin/npm-cli.js',
  verdaccio: 'registry/node_modules/verdaccio/bin/verdaccio',
} as const;

export type RuntimeName = keyof typeof programs;

/** The absolute path, whether or not it is installed. */
export const runtimePath = (name: RuntimeName): string => join(process.cwd(), '.ci', programs[name]);

const hasRuntime = (name: RuntimeName): boolean => existsSync(runtimePath(name));

/**
 * Tests that need a runtime. Without its program they are skipped, and one placeholder reports that, unless
 * JIT_TEST_REQUIRE demands `runtimes`: then the placeholder fails.
 */
export function describeRuntime(runtime: RuntimeName, name: string, define: (program: string) => void): void {
  if (hasRuntime(runtime)) {
    describe(name, () => define(runtimePath(runtime)));
    return;
  }
  const leftOut = `${runtime} is not installed: .ci/${programs[runtime]} is missing`;
  console.warn(`left out: ${name} (${leftOut})`);
  describe(name, () => {
    it(`is skipped: ${leftOut}`, () => {
      if (isRequired('runtimes')) throw new Error(`JIT_TEST_REQUIRE demands runtimes: ${leftOut}`);
    });
  });
}
