/*
 * The entries of the package: all that the build and the tests need to know of each. Derived from it are `exports` of package.json (by
 * test/entries.test.ts), the rooms of the doors, the entries that may hold the engine, and the sizes that are measured.
 */

/** A size that is measured: bytes, minified and gzipped. */
export interface Sized {
  /** Default: "all of ./" and the entry. */
  readonly name?: string;
  /** The names that are imported from the entry. Default: all. */
  readonly names?: string;
  /** Counts only the bytes that an application with an engine does not have yet. */
  readonly beside?: true;
  /** Instead: the files of the page that a browser loads for My access, those with the views of requests, or all; or one language. */
  readonly page?: 'first' | 'requests' | 'all' | 'de' | 'es';
  /** The most bytes to which it may grow. A change that raises it says so in its changeset, with the bytes and the reason. */
  readonly budget?: number;
}

export interface Entry {
  /** The rooms, or parts of rooms, that the door exports from. */
  readonly from: readonly string[];
  /**
   * `alone`: the JavaScript is one file, with a copy of each module (see single-files.ts and src/core/shared.ts). `light`: shares files with
   * the core, but loads no engine (see tiers.ts). Default: shares files with the core, and may load the engine.
   */
  readonly build?: 'alone' | 'light';
  /** The types that the entry needs, beyond those that a browser, a worker and Node share. tsconfig.core.json checks all other entries. */
  readonly types?: 'node' | 'dom';
  /** Default: one, of all exports. */
  readonly sizes?: readonly Sized[];
}

const guard = (name: string, types?: 'node'): Entry => ({ from: ['guards'], build: 'alone', ...(types && { types }), sizes: [{ name }] });

/** By the path of the door under src, without its extension. It is also the import: `jit-access/<path>`. */
export const ENTRIES: Readonly<Record<string, Entry>> = {
  index: {
    from: [
      'model',
      'core',
      'records',
      'lifecycle',
      'approvers',
      'sinks',
      'stores/memory',
      'kernel',
      'followers',
      'engine',
      'features/provisioning',
    ],
    sizes: [{ name: 'JitEngine with one approver', names: '{ JitEngine, reviewers }', budget: 79_680 }, { name: 'all of the core entry' }],
  },
  ai: { from: ['guards/ai'], sizes: [{ name: 'all of the entry for agents', beside: true }] },
  authzen: { from: ['features/authzen'] },
  // Experimental.
  'authzen/access-request': { from: ['features/authzen'] },
  check: {
    // Of the engine only the check: test/architecture.test.ts says what it may load.
    from: ['engine/checks/checker', 'engine/checks/create-checker'],
    build: 'alone',
    sizes: [{ name: 'createChecker', names: '{ createChecker }', budget: 9_450 }],
  },
  client: { from: ['features/client'], build: 'alone', sizes: [{ budget: 5_900 }] },
  // Its page is in it as text.
  console: {
    from: ['features/console/serve'],
    build: 'alone',
    sizes: [
      { name: 'the console, first view', page: 'first', budget: 45_000 },
      { name: 'the console, with Ask, Inbox and Request', page: 'requests', budget: 68_000 },
      { name: 'the console, all views', page: 'all', budget: 106_500 },
      { name: 'the console, German', page: 'de', budget: 11_000 },
      { name: 'the console, Spanish', page: 'es', budget: 11_000 },
    ],
  },
  elements: { from: ['elements'], build: 'alone', types: 'dom', sizes: [{ name: 'the badge', names: '{ defineJitBadge }' }] },
  explain: {
    from: ['core/approver-port', 'core/observed', 'core/requestable', 'features/explain', 'lifecycle/explain'],
    sizes: [{ beside: true, budget: 5_750 }],
  },
  express: guard('the Express guard', 'node'),
  fastify: guard('the Fastify guard', 'node'),
  fetch: guard('the fetch guard'),
  guard: guard('what guards are made of'),
  hono: guard('the Hono guard'),
  http: { from: ['features/http'], sizes: [{ budget: 104_000 }] },
  journal: { from: ['journal'], build: 'light', sizes: [{ budget: 21_200 }] },
  jsonl: { from: ['model', 'core', 'records', 'sinks/jsonl'], build: 'light', types: 'node', sizes: [{ name: 'the sink for files' }] },
  links: { from: ['features/links', 'engine/by'], sizes: [{ beside: true, budget: 3_000 }] },
  nest: guard('the Nest guard', 'node'),
  notify: { from: ['features/notify'], build: 'light', sizes: [{ budget: 6_200 }] },
  policy: {
    from: ['approvers/policy'],
    build: 'alone',
    sizes: [{ name: 'definePolicy, with zod/mini', names: '{ definePolicy }' }],
  },
  provisioning: { from: ['features/provisioning', 'records'], sizes: [{ beside: true, budget: 5_000 }] },
  react: { from: ['features/react'], build: 'alone', types: 'dom' },
  redis: { from: ['stores/redis'], build: 'light', sizes: [{ name: 'the Redis store', names: '{ redisGrantStore }' }] },
  retention: {
    from: ['features/retention', 'kernel/ledger/journal-clock', 'kernel/ledger/rollback'],
    sizes: [{ beside: true, budget: 3_200 }],
  },
  sql: {
    from: ['stores/sql', 'features/hooks', 'core/hook-port'],
    build: 'light',
    sizes: [{ name: 'the SQL store', names: '{ sqlGrantStore }' }],
  },
  // For stores outside this package.
  store: { from: ['model', 'core', 'records', 'journal/link', 'stores/kit', 'stores/batch', 'stores/judge'], build: 'light' },
  testing: { from: ['testing'], sizes: [{ name: 'all of the entry for tests' }] },
  view: { from: ['features/view', 'engine/checks/checker'], build: 'alone', sizes: [{ budget: 16_900 }] },
  webhook: { from: ['features/webhook'], build: 'light', sizes: [{ budget: 9_150 }] },
  work: { from: ['features/work'], sizes: [{ beside: true, budget: 4_000 }] },
};

/** The files that tsconfig.core.json checks. */
export const coreFiles: readonly string[] = Object.entries(ENTRIES).flatMap(([door, { types }]) =>
  types === undefined ? [`src/${door}.ts`] : [],
);

/** `exports` of package.json for these doors. */
export const exportsOf = (doors: readonly string[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    doors.map((door) => [
      door === 'index' ? '.' : `./${door}`,
      {
        import: { types: `./dist/${door}.d.ts`, default: `./dist/${door}.js` },
        require: { types: `./dist/${door}.d.cts`, default: `./dist/${door}.cjs` },
      },
    ]),
  );
