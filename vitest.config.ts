import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { APP, consolePage } from './.tsup/console.js';
import { FileTimes } from './test/file-times.js';
import { excludedFrom, TIERS } from './test/tiers.js';

const all = (percent: number) => ({ branches: percent, functions: percent, lines: percent, statements: percent });

/** The built files of another Kysely than the one that is installed: `.ci/run` tests with the next line of it, too. */
const kysely = process.env['JIT_TEST_KYSELY'];

/** Set by .ci/steps, which prints the slowest test files. */
const times = process.env['JIT_FILE_TIMES'];

const NEED_THE_PACKAGE = ['package', 'runtimes'];

/** The rooms of the stores on servers. The tier `stores` measures these, and `npm test -- --coverage` all others. */
const ON_SERVERS = 'src/stores/{sql,redis}/**/*.ts';
const measuresStores = process.argv.includes('stores');

/** The modules of the page that need no DOM: their tests run in Node. The other modules of the page run in test/browser/coverage.ts. */
const PURE = [
  ...['drafts', 'messages', 'options', 'shape', 'time'],
  ...['decision-queue', 'decision-refusal', 'decision-terms', 'lengths', 'person-choice', 'still'],
  ...['choices', 'draft', 'problems', 'blocks', 'all-pages', 'grant-rows', 'question', 'span', 'says', 'verification'],
  ...['filters', 'time-left', 'figures', 'find-deliveries', 'timeline', 'keys', 'together'],
].join('|');

/**
 * The rules of access without a gap, and 95 % of all else: one threshold for both would count the former into the latter. Of the stores on
 * servers, `npm test` runs some parts on SQLite, which count for nothing here.
 */
const THRESHOLDS = measuresStores
  ? { [ON_SERVERS]: { branches: 93, functions: 93, lines: 96, statements: 95 } }
  : {
      'src/{lifecycle,journal,followers}/**': all(100),
      'src/core/{scope,clock,timers,turns,duration,instant}.ts': all(100),
      'src/{*.ts,core/!(scope|clock|timers|turns|duration|instant).ts,core/errors/*.ts,!(core|lifecycle|journal|followers|console)/**/*.ts}':
        all(95),
      [`${APP}/**/@(${PURE}).ts`]: { ...all(95), branches: 90 },
    };

export default defineConfig({
  plugins: [consolePage()],
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
    // Vitest takes one worker less than there are cores: on two cores one, and half of the time is lost.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default', ...(times === undefined ? [] : [new FileTimes(times)])],
    projects: TIERS.map((tier) => ({
      extends: true as const,
      test: {
        name: tier.name,
        include: [...tier.include],
        exclude: [...excludedFrom(tier)],
        // The files of `unit` share a process and the loaded sources: a process for each took half as long again.
        isolate: tier.name !== 'unit',
        setupFiles: ['test/fixed-seed.ts'],
        // The tests of the package and of the runtimes begin with a build that is packed and installed.
        globalSetup: NEED_THE_PACKAGE.includes(tier.name) ? ['test/package/setup.ts'] : [],
        // No test waits for time to pass: one that takes long says only that the machine is busy.
        testTimeout: 600_000,
        hookTimeout: 600_000,
        expect: { poll: { timeout: 120_000 } },
      },
    })),
    coverage: {
      provider: 'v8',
      include: [measuresStores ? ON_SERVERS : 'src/**/*.ts'],
      // They run in a browser, where this doesn't count: test/elements and the tier `browser` test them in a real one.
      exclude: ['src/elements/jit-badge.ts', `${APP}/**/{!(${PURE}),*.messages}.ts`, ...(measuresStores ? [] : [ON_SERVERS])],
      // Both may run side by side.
      reportsDirectory: measuresStores ? 'coverage/stores' : 'coverage/unit',
      reporter: ['text', 'html'],
      thresholds: THRESHOLDS,
    },
  },
});
