import { afterAll, beforeAll, describe, it } from 'vitest';
import { isRequired } from '../../required.js';
import { isInstalled, LEFT_OUT, named, serverAt, startServer, type TestServer } from './started.js';

/** For the summary of a whole run, which lists what it has skipped; `undefined`: nothing. */
export const leftOut =
  named === undefined && !isInstalled ? `left out: everything over Redis (${LEFT_OUT}, and no JIT_TEST_REDIS_URL)` : undefined;

/**
 * Tests that need a Redis, which is started before them and stopped after. Without one they are skipped, and a
 * placeholder says so, unless JIT_TEST_REQUIRE demands them: then it fails.
 *
 * @param own they stop it, or change its configuration: one of the suite's own, never the one named by JIT_TEST_REDIS_URL
 */
export function describeRedis(name: string, define: (server: () => TestServer) => void, { own = false, args = [] as string[] } = {}): void {
  const url = own ? undefined : named;
  if (url === undefined && !isInstalled) {
    describe(name, () => {
      it(`is skipped where ${LEFT_OUT}`, () => {
        if (isRequired('redis')) throw new Error(`JIT_TEST_REQUIRE demands redis, and ${LEFT_OUT}`);
      });
    });
    return;
  }
  describe(name, () => {
    let server: TestServer | undefined;
    beforeAll(async () => {
      server = url === undefined ? await startServer(args) : serverAt(url);
    });
    afterAll(() => server?.stop());
    define(() => server as TestServer);
  });
}
