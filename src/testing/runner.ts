/** What a suite needs of a test runner: `describe` and `it` of vitest, jest, mocha or `node:test` as they are. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}
