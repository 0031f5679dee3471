/** A group of test files that one command runs. */
export interface Tier {
  /** The Vitest project, and the command: `unit` and `isolated` are `npm test`, any other `npm run test:<name>`. */
  readonly name: string;
  readonly include: readonly string[];
}

/** The tiers that need a process for each file, a server, a built package, another runtime, or minutes. `unit` has every other test file. */
const LATER: readonly Tier[] = [
  {
    // Part of `npm test`. These replace a module, the timers or the time zone of the process, or count its timers or the objects of its
    // heap: another file in the same process, or work that one has left, would be seen.
    name: 'isolated',
    include: [
      'test/{turns,core/time,engine/{check,construct,sweeper},journal/turns,kernel/resend,sinks/format-zone}.test.ts',
      'test/guards/observe-limit.test.ts',
      'test/stores/{listener,time-limit,kit/time,memory/namespaces}.test.ts',
      'test/features/{http/early-answers,view/faults,work/adversary}.test.ts',
    ],
  },
  {
    name: 'stores',
    include: [
      'test/stores/{durable,patroni,redis,sql,upgrade}/**/*.test.ts',
      'test/model/durable.test.ts',
      'test/stores/console.test.ts',
      'test/contract/{redis,sql-better-sqlite3,sql-pglite,sql-pooler,sql-postgres}.test.ts',
      'test/stores/turns.test.ts',
      'test/jsonl/processes.test.ts',
    ],
  },
  {
    name: 'faults',
    include: [
      'test/faults/{approver,sink,store}-faults.test.ts',
      'test/contract/broken.test.ts',
      'test/guards/broken.test.ts',
      'test/model/proofs.test.ts',
      'test/features/{authzen/killed,provisioning/{faults,killed}}.test.ts',
      'test/{mutants,mutation,prove}/**/*.test.ts',
    ],
  },
  {
    name: 'package',
    include: [
      'test/package/**/*.test.ts',
      'test/browser/{chromium,play,react}.test.ts',
      'test/examples/**/*.test.ts',
      'test/docs/run-code.test.ts',
      'test/elements/jit-badge.test.ts',
      'test/play/month.test.ts',
      'test/contract/node-test.test.ts',
    ],
  },
  // The console in Chromium, from the sources: at most four minutes of `.ci/run`.
  { name: 'browser', include: ['test/browser/console*.test.ts'] },
  { name: 'runtimes', include: ['test/runtimes/**/*.test.ts'] },
];

const unit: Tier = { name: 'unit', include: ['test/**/*.test.ts'] };

/** In the order of their time: `npm test` first. */
export const TIERS: readonly Tier[] = [unit, ...LATER];

/** What a tier leaves to the others. */
export const excludedFrom = (tier: Tier): readonly string[] => (tier === unit ? LATER.flatMap(({ include }) => include) : []);
