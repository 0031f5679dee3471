import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { storeContract } from 'jit-access/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryGrantStore } from '../../src/stores/memory.js';
import { describeRuntime } from './runtimes.js';

const run = promisify(execFile);
const source = (path: string) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));

/** How many cases the suite has for one store. */
function caseCount(): number {
  let count = 0;
  const runner = { describe: (_: string, body: () => void) => body(), it: () => void count++ };
  storeContract(runner, {
    name: 'counted',
    create: () => new MemoryGrantStore(),
    reopen: (store) => store,
    breakBackend: () => () => undefined,
  });
  return count;
}

describe('the SQL store on a SQLite driver that is part of a runtime', () => {
  let folder: string;
  let suite: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jit-access-handle-suite-'));
    suite = join(folder, 'suite.mjs');
    await build({
      entryPoints: [fileURLToPath(new URL('sqlite-handle-suite.ts', import.meta.url))],
      outfile: suite,
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['bun:sqlite', 'node:sqlite'],
      alias: { 'jit-access/testing': source('testing.ts'), 'jit-access/sql': source('sql.ts') },
      logLevel: 'warning',
    });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function passes(program: string): Promise<void> {
    const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, ...env } = process.env;
    const { stdout } = await run(program, [suite], { env, timeout: 240_000 });
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({ cases: 2 * caseCount(), failed: [] });
  }

  for (const node of ['node-22', 'node-24'] as const) {
    describeRuntime(node, `fromNodeSqlite() in ${node}`, (program) => {
      it('passes every case of the store contract', () => passes(program), 300_000);
    });
  }
  describeRuntime('bun', 'fromBunSqlite() in Bun', (program) => {
    it('passes every case of the store contract', () => passes(program), 300_000);
  });
});
