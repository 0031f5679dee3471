/** The part of a test runner that a suite needs: `describe` and `it` of vitest, jest, mocha or `node:test`, unchanged. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}
