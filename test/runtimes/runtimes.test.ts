import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeRuntime, type RuntimeName } from './runtimes.js';

describe('.ci/run', () => {
  const script = readFileSync(join(process.cwd(), '.ci/run'), 'utf8');

  it('requires the runtimes, so that CI skips none of them', () => {
    expect(script).toMatch(/^export JIT_TEST_REQUIRE=.*\bruntimes\b/m);
  });

  it.each(['npm', 'registry', 'runtimes'])('installs .ci/%s from a lockfile without registry URLs', (folder) => {
    expect(script).toContain(`\nstep npm ci --prefix .ci/${folder} `);
    expect(readFileSync(join(process.cwd(), `.ci/${folder}/package-lock.json`), 'utf8')).not.toContain('"resolved"');
  });
});

const versions: Record<Exclude<RuntimeName, 'npm-12' | 'verdaccio'>, RegExp> = {
  'node-22': /^v22\./,
  'node-24': /^v24\./,
  bun: /^1\./,
  deno: /^deno 2\./,
  workerd: /^workerd /,
  'workerd-2026-04': /^workerd 2026-04-26\n/,
  jest: /^30\./,
};

for (const [runtime, version] of Object.entries(versions) as [RuntimeName, RegExp][]) {
  describeRuntime(runtime, `the program of ${runtime}`, (program) => {
    it('starts and prints its version', () => {
      const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
      expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(version) as string });
    });
  });
}
