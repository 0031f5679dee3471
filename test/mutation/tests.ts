/** The tests that run for a mutant. */
export const ASKED: readonly string[] = [
  'test/{cli,core,engine,faults,followers,journal,kernel,lifecycle,records,sinks}/*.test.ts',
  'test/features/*/*.test.ts',
  'test/stores/memory/*.test.ts',
  'test/contract/{memory,yielding}.test.ts',
  'test/approvers/*.test.ts',
  'test/{instants,plain-options}.test.ts',
  'test/mutation/lives.ts',
];

/** Those of them that are excluded, as each test takes seconds, a separate process or time zone, or the built page: `npm test` runs them. */
export const NOT_ASKED: readonly string[] = [
  'test/cli/dev.test.ts',
  'test/faults/{approver,sink,store}-faults.test.ts',
  'test/features/provisioning/{faults,killed,property}.test.ts',
  'test/features/work/watch-law.test.ts',
  'test/sinks/format-zone.test.ts',
  'test/stores/memory/namespaces.test.ts',
];

/**
 * The single tests that are excluded, by their titles: they are the slowest of all. A mutant cannot make a test of cost
 * wrong; the last one tries thousands of entries where other tests try a few.
 */
export const TITLES_NOT_ASKED: ReadonlySet<string> = new Set([
  'L34 sweeping 10,000 rows in pages, each handled before the next is read, is in order and costs n log n',
  'L34 sweeps 10,000 rows that are due in order, and touches none of the 10,000 that are not',
  'L34 reads pages of due grants, and no live grant',
  'L34 ends 10,000 grants that are due in the same second, in chunks',
  'L30 a notice is made of any entry of its types, however malformed, and each text stays within its lines',
  'unbounded work: exposure takes time proportional to the entries, not to their square',
]);

/** Which come first: the tests of pure rules, each of which is fast; then engines; then lives next to the model. */
export const ORDER: readonly string[] = [
  'test/lifecycle/',
  'test/core/',
  'test/journal/',
  // Later than the rest of its folder: its tests are slow.
  'test/journal/adversary',
  'test/records/',
  'test/followers/',
  'test/kernel/',
  'test/engine/',
  'test/',
  'test/mutation/',
];
