import { afterAll, beforeAll, describe, it } from 'vitest';
import { isRequired } from '../../required.js';
import { isInstalled, LEFT_OUT, named, serverAt, startServer, type TestServer } from './started.js';

/** For the one line of a whole run that says what it has left out; `undefined`: nothing. */
export const leftOut =
  named === undefined && !isInstalled ? `left out: everything over Redis (${LEFT_OUT}, and no JIT_TEST_REDIS_URL)` : undefined;

/**
 * Tests that need a Redis, which is started before them and stopped after. Where there is none they are left out,
 * which a case in their place says, unless JIT_TEST_REQUIRE demands them: then it fails.
 *
 * @param own they stop it, or change how it is configured: one of the suite's own, never the one named by JIT_TEST_REDIS_URL
 */
export function describeRedis(name: string, define: (server: () => TestServer) => void, { own = false, args = [] as string[] } = {}): void {
  const url = own ? undefined : named;
  if (url === undefined && !isInstalled) {
    describe(name, () => {
      it(`is left out where ${LEFT_OUT}`, () => {
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
