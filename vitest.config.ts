import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const all = (percent: number) => ({ branches: percent, functions: percent, lines: percent, statements: percent });

/** The built files of another Kysely than the one that is installed: `.ci/run` tests with the next line of it, too. */
const kysely = process.env['JIT_TEST_KYSELY'];

export default defineConfig({
  resolve: {
    // Outside test/package, which tests the build, 'jit-access' means the sources.
    alias: [
      { find: /^jit-access$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) },
      { find: /^jit-access\/(.+)$/, replacement: `${fileURLToPath(new URL('src/', import.meta.url))}$1.ts` },
      ...(kysely === undefined
        ? []
        : [{ find: /^kysely(\/migration)?$/, replacement: fileURLToPath(new URL(`${kysely}$1/index.js`, import.meta.url)) }]),
    ],
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'source',
          include: ['test/**/*.test.ts'],
          exclude: ['test/package/**'],
          setupFiles: ['test/fixed-seed.ts'],
          // No test waits for time to pass: one that takes long says only that the machine is busy.
          testTimeout: 300_000,
          expect: { poll: { timeout: 120_000 } },
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          globalSetup: ['test/package/setup.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      // It runs in a browser, where this doesn't count: test/elements tests it in a real one.
      exclude: ['src/elements/jit-badge.ts'],
      reporter: ['text', 'html'],
      // The rules of access without a gap, then all the rest: a plain threshold would count the former into it.
      thresholds: {
        'src/{lifecycle,journal,followers}/**': all(100),
        'src/core/{scope,time,duration,instant}.ts': all(100),
        'src/{*.ts,core/!(scope|time|duration|instant).ts,!(core|lifecycle|journal|followers)/**/*.ts}': all(95),
      },
    },
  },
});
