interface Reached {
  static: object;
  perTest: object;
}

/*
 * Stryker has each test file tell, at its end, which mutants its tests have reached, and takes every file to be a process of
 * its own. Here all share one: each begins with nothing, or it would tell what all before it have reached, too.
 */
const { __stryker__: stryker } = globalThis as { __stryker__?: { mutantCoverage?: Reached } };
if (stryker?.mutantCoverage !== undefined) Object.assign(stryker.mutantCoverage, { static: {}, perTest: {} });
