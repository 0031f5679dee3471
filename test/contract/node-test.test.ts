import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { FaultyStore, storeContract } from 'jit-access/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryGrantStore } from '../../src/stores/memory.js';
import { runInMemory } from './in-memory-runner.js';

const run = promisify(execFile);

describe('the store contract under node:test', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jit-access-contract-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('runs every case, and passes the memory store', async () => {
    const cases = await runInMemory((runner) => {
      const create = () => new FaultyStore(new MemoryGrantStore());
      storeContract(runner, { name: 'memory', create, breakBackend: (store) => store.inject('all', { fault: 'reject' }) });
    });
    const { stdout } = await underNode('node-test.ts');
    expect(stdout).toMatch(new RegExp(`^# tests ${cases.size}$`, 'm'));
    // What the memory store does not have: a limit of its own for a change, and a hook. The suite gets no way to lose a reply here.
    const skipped = [...stdout.matchAll(/# SKIP (.*)$/gm)].map(([, why]) => why);
    expect(new Set(skipped)).toEqual(
      new Set(['the store has no maxChange', 'the options have no createHooked()', 'the suite was given no loseReply']),
    );
    expect(stdout).toMatch(new RegExp(`^# pass ${cases.size - skipped.length}$`, 'm'));
    expect(stdout).toContain('# Subtest: lets exactly one of 64 concurrent changes win that expect the same version');
  });

  it('reports a broken store with the guarantee that it breaks', async () => {
    const failure: unknown = await underNode('node-test-broken.ts').catch((error: unknown) => error);
    const { code, stdout } = failure as { readonly code: number; readonly stdout: string };
    expect(code).toBe(1);
    expect(stdout).toContain('not ok 1 - lets exactly one of 64 concurrent changes win that expect the same version');
    expect(stdout).toMatch(/guarantee 2\. every expectation is compared in the same transaction/);
    expect(stdout).toMatch(/the number of changes that committed: expected it to be 1, got 64/);
  });

  /** Bundles a file of this folder and runs it with `node --test`. Rejects when a case fails. */
  async function underNode(file: string): Promise<{ readonly stdout: string }> {
    const outfile = join(folder, file.replace(/\.ts$/, '.mjs'));
    await build({
      entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      alias: { 'jit-access/testing': fileURLToPath(new URL('../../src/testing.ts', import.meta.url)) },
      logLevel: 'warning',
    });
    // Without the environment variables of the current runner, which `node --test` would read.
    const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, NODE_TEST_CONTEXT: ___, ...env } = process.env;
    return run(process.execPath, ['--test', '--test-reporter=tap', outfile], { env, timeout: 45_000 });
  }
});
