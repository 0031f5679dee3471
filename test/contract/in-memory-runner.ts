import type { TestRunner } from 'jit-access/testing';

/** The result of a case: `undefined` if it passed. */
export type Results = ReadonlyMap<string, unknown>;

/**
 * Runs a suite inside a test, one case after the other. Everything in it awaits only memory, so a case that has not
 * ended when the event loop is idle never will.
 */
export async function runInMemory(define: (runner: TestRunner) => void): Promise<Results> {
  const cases: { readonly name: string; readonly body: () => Promise<void> }[] = [];
  const path: string[] = [];
  define({
    describe(name, body) {
      path.push(name);
      body();
      path.pop();
    },
    it(name, body) {
      cases.push({ name: [...path.slice(1), name].join(' > '), body });
    },
  });
  const results = new Map<string, unknown>();
  for (const { name, body } of cases) results.set(name, await failureOf(body));
  if (results.size !== cases.length) throw new Error('two cases have the same name');
  return results;
}

async function failureOf(body: () => Promise<void>): Promise<unknown> {
  const idle = async () => {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    throw new Error('the case never ends');
  };
  try {
    await Promise.race([body(), idle()]);
    return undefined;
  } catch (error) {
    return error;
  }
}
