import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { entries } from '../package/entries.js';
import { describeRuntime } from './runtimes.js';
import { bundle, bundleForNode, programFolder, serveWorkers, type BundledWorker } from './serve.js';

/* The built package, in surroundings that lack or refuse at module scope what Node has: every entry of it is imported there. */

const specifiers = entries.map(({ specifier }) => specifier);

describeRuntime('jest', 'the package under Jest with jsdom', (jest) => {
  const FORMS = {
    cjs: { load: 'require(specifier)', options: [] },
    mjs: { load: 'await import(specifier)', options: ['--experimental-vm-modules', '--no-warnings'] },
  };

  it.each(Object.entries(FORMS))('L46 [NC3] each entry is imported, as .%s', (extension, { load, options }) => {
    const folder = join(inject('installed'), `jest-${extension}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{}');
    writeFileSync(
      join(folder, `imports.test.${extension}`),
      `it('is jsdom, which has no encoder', () => expect([typeof document, typeof TextEncoder]).toEqual(['object', 'undefined']));
       it.each(${JSON.stringify(specifiers)})('%s', async (specifier) => {
         expect(Object.keys(${load})).not.toEqual([]);
       });`,
    );
    const config = {
      testEnvironment: join(dirname(jest), '../../jest-environment-jsdom'),
      testMatch: [`**/*.test.${extension}`],
      transform: {},
      watchman: false,
    };
    const args = [...options, jest, '--ci', '--json', '--config', JSON.stringify(config), '--rootDir', folder];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    const report = (stdout.startsWith('{') ? JSON.parse(stdout) : { testResults: [{ message: stderr, assertionResults: [] }] }) as {
      readonly testResults: readonly {
        readonly message: string;
        readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
      }[];
    };
    const [results] = report.testResults;
    expect(results?.message).toBe('');
    expect(results?.assertionResults.map(({ title, status }) => `${title} ${status}`)).toEqual(
      ['is jsdom, which has no encoder', ...specifiers].map((title) => `${title} passed`),
    );
  });
});

const folder = programFolder();

/** The file of one worker for each entry, which imports the entry and has one answer. */
const workers: Record<string, BundledWorker> = {};
/** Of the files of this machine, and of a framework for Node. */
const FOR_NODE = ['jsonl', 'nest'];

beforeAll(async () => {
  for (const { name, specifier } of entries) {
    const worker = { file: `import-${name}.js`, isNode: FOR_NODE.includes(name) };
    await (worker.isNode ? bundleForNode : bundle)(
      folder,
      worker.file,
      `import * as entry from '${specifier}';
       export default { fetch: () => new Response(Object.keys(entry).length > 0 ? 'imported' : 'empty') };`,
    );
    workers[name] = worker;
  }
});

describe.each(['workerd', 'workerd-2026-04'] as const)('%s', (runtime) => {
  describeRuntime(runtime, `the package in ${runtime}`, (program) => {
    it('L46 [NC3] [NC4] each entry is imported at module scope', async () => {
      const server = await serveWorkers(program, folder, workers);
      try {
        const response = await fetch(`http://127.0.0.1:${server.port}/`);
        expect(await response.json()).toEqual(Object.fromEntries(Object.keys(workers).map((name) => [name, 'imported'])));
      } finally {
        await server.close();
      }
    });
  });
});
