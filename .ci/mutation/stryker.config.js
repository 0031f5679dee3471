import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/**
 * What `npm run mutate` changes, one place at a time: the core, which is what `jit-access` itself loads, and the features
 * that stand on it. mutate.test.ts holds this list against what is loaded.
 */
const core = [
  'src/{cli,core,engine,features,followers,journal,kernel,lifecycle,model,records}/**/*.ts',
  'src/{approvers,sinks}/*.ts',
  'src/stores/{judge,watchers,memory/**/*}.ts',
];

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
const options = {
  mutate: core,
  testRunner: 'kept',
  plugins: ['@stryker-mutator/vitest-runner', ...['messages', 'kept'].map((name) => fileURLToPath(new URL(`${name}.js`, import.meta.url)))],
  // Which tests run is said in that configuration; related files would only be asked for once more.
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  coverageAnalysis: 'perTest',
  // Messages may change in a patch; codes and fields may not.
  ignorers: ['messages'],
  // What runs only while a module loads costs a whole run of all tests for each.
  ignoreStatic: true,
  incremental: true,
  incrementalFile: 'temp/mutation/incremental.json',
  tempDirName: 'temp/stryker',
  ignorePatterns: ['build', 'coverage', 'dist', 'docs', 'examples', 'temp', '.ci', '.changeset'],
  jsonReporter: { fileName: 'temp/mutation/report.json' },
  reporters: ['json', 'progress-append-only'],
  concurrency: availableParallelism(),
  // Longer than all tests together take on a busy machine: what hangs, kept-tests.ts finds within seconds.
  timeoutMS: 600_000,
  timeoutFactor: 0,
  // With every place counted that a test reaches, on a machine that may be busy.
  dryRunTimeoutMinutes: 30,
};

export default options;
