import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const src = fileURLToPath(new URL('../../src/', import.meta.url));

/** Where a mutant is looked for first: the tests of pure rules, each in a moment; then engines; then lives beside the model. */
const ORDER = [
  'test/lifecycle/',
  'test/scope',
  'test/time',
  'test/journal/',
  'test/records/',
  'test/input',
  'test/engine/',
  'test/',
  'test/mutation/',
];

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
    include: [
      'test/{base64,errors,input,scope,sweeper,time}.test.ts',
      'test/{effects,engine,faults,journal,lifecycle,records,sinks}/*.test.ts',
      'test/stores/memory/*.test.ts',
      'test/contract/{memory,yielding}.test.ts',
      'test/approvers/*.test.ts',
      'test/mutation/lives.ts',
    ],
    // What ends processes or needs one of its own, or of which each test takes seconds: `npm test` has it.
    exclude: [
      'test/effects/{coverage-faults,coverage-property,killed,lease-law}.test.ts',
      'test/faults/{approver,sink}-faults.test.ts',
      'test/sinks/format-zone.test.ts',
    ],
    // One process for all files: a mutant costs the tests that reach it, not the loading of the core once for each file.
    isolate: false,
    runner: './test/mutation/kept-tests.ts',
    setupFiles: ['test/mutation/own-coverage.ts'],
    sequence: { sequencer: NearestFirst },
    testTimeout: 60_000,
  },
});
