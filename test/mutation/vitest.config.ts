import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ASKED, NOT_ASKED, ORDER } from './tests.js';

const src = fileURLToPath(new URL('../../src/', import.meta.url));

class NearestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => ORDER.findLastIndex((part) => moduleId.includes(`/${part}`) && part !== 'test/');
    const rank = (file: TestSpecification) => (place(file) === -1 ? ORDER.indexOf('test/') : place(file));
    return files.sort((a, b) => rank(a) - rank(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

export default defineConfig({
  resolve: {
    alias: [
      { find: /^jit-access$/, replacement: `${src}index.ts` },
      { find: /^jit-access\/(.+)$/, replacement: `${src}$1.ts` },
    ],
  },
  test: {
    include: [...ASKED],
    exclude: [...NOT_ASKED],
    // One process for all files: a mutant costs the tests that reach it, not the loading of the core once for each file.
    isolate: false,
    runner: './test/mutation/kept-tests.ts',
    // With the same draws in every run, a score depends on the code and the tests alone.
    setupFiles: ['test/fixed-seed.ts', 'test/mutation/own-coverage.ts'],
    sequence: { sequencer: NearestFirst },
    testTimeout: 60_000,
  },
});
