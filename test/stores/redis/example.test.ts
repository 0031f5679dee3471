import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { describeRedis } from './server.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

const runExample = ({ REDIS_URL }: { readonly REDIS_URL: string | undefined }) =>
  promisify(execFile)(process.execPath, ['--import', 'tsx', 'examples/redis.ts'], {
    cwd: root,
    env: { ...process.env, REDIS_URL, TSX_TSCONFIG_PATH: 'examples/tsconfig.json' },
  });

describeRedis(
  'the example of Redis',
  (server) => {
    it('shows one process the grant and the revoke of the other', async () => {
      const { stdout, stderr } = await runExample({ REDIS_URL: server().url });
      expect(stderr).toBe('');
      expect(stdout.trimEnd().split('\n')).toEqual(['true', 'false']);
    });

    it('prints that it needs REDIS_URL where the variable is missing', async () => {
      expect((await runExample({ REDIS_URL: undefined })).stdout).toMatch(/^set REDIS_URL/);
    });
  },
  // It writes to a namespace that may be in use.
  { own: true },
);
