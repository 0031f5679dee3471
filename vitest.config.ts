import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const all = (percent: number) => ({ branches: percent, functions: percent, lines: percent, statements: percent });

export default defineConfig({
  resolve: {
    // Outside test/package, which tests the build, 'jit-access' means the sources.
    alias: [
      { find: /^jit-access$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) },
      { find: /^jit-access\/(.+)$/, replacement: `${fileURLToPath(new URL('src/', import.meta.url))}$1.ts` },
    ],
  },
  test: {
    projects: [
      { extends: true, test: { name: 'source', include: ['test/**/*.test.ts'], exclude: ['test/package/**'] } },
      {
        extends: true,
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          globalSetup: ['test/package/setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text', 'html'],
      // Two and two: the rules of access without a gap, and what lies around them. A plain threshold would count the former into the latter.
      thresholds: {
        'src/{lifecycle,journal}/**': all(100),
        'src/{scope,time}.ts': all(100),
        'src/!(lifecycle|journal)/**': all(95),
        'src/!(scope|time).ts': all(95),
      },
    },
  },
});
