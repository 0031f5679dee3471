import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { describeRuntime } from './runtimes.js';

/** The quick start, with an engine that is created at module scope. */
const story = `
  import { JitEngine, MemoryGrantStore, reviewers, startSweeper } from 'jit-access';
  import { verifyJournal, readJournal } from 'jit-access/journal';
  import { provision } from 'jit-access/provisioning';

  let now = Date.UTC(2026, 0, 1);
  const store = new MemoryGrantStore();
  const seen = [];
  const engine = new JitEngine({
    approver: reviewers({ members: ['user:sam'] }),
    store,
    clock: { now: () => now },
    audit: { name: 'here', write: (entries) => void seen.push(...entries.map(({ type }) => type)) },
  });
  provision(engine, { name: 'roles', scopes: ['db-prod:write'], apply: ({ held }) => void seen.push(held ? 'opened' : 'closed') });
  let sweeper;
  try {
    sweeper = startSweeper(engine, { every: '30s' });
    await sweeper.stop();
  } catch (error) {
    sweeper = error;
  }

  export async function play() {
    const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m', justification: 'hotfix' });
    await engine.approve(request.id, { by: 'user:sam' });
    const during = await engine.isAllowed('user:maya', 'db-prod:write');
    await engine.idle();
    now += 15 * 60_000;
    const after = await engine.isAllowed('user:maya', 'db-prod:write');
    const { ended } = await engine.sweep();
    await engine.idle();
    const { ok } = await verifyJournal(readJournal(store));
    const last = seen.filter((one) => one === 'opened' || one === 'closed' || one === 'grant.expired');
    return JSON.stringify({ during, after, ended, ok, last, sweeper: sweeper.code ?? 'started' });
  }
`;

const OUTCOME = { during: true, after: false, ended: 1, ok: true, last: ['opened', 'grant.expired', 'closed'] };

const folder = mkdtempSync(join(tmpdir(), 'jit-runtimes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One file of the program and the packed package, as a bundler makes it. */
async function bundle(name: string, entry: string): Promise<string> {
  const outfile = join(folder, name);
  await build({
    stdin: { contents: `${story}\n${entry}`, resolveDir: inject('installed'), loader: 'js' },
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    outfile,
  });
  return outfile;
}

for (const [runtime, args] of [
  ['node-22', []],
  ['node-24', []],
  ['bun', []],
  ['deno', ['run', '--no-prompt']],
] as const) {
  describeRuntime(runtime, `the package in ${runtime}`, (program) => {
    it('plays the quick start, with an engine that is created at module scope (L46)', async () => {
      const file = await bundle(`${runtime}.mjs`, 'console.log(await play());');
      const { status, stdout, stderr } = spawnSync(program, [...args, file], { encoding: 'utf8', timeout: 60_000 });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(JSON.parse(stdout)).toEqual({ ...OUTCOME, sweeper: 'started' });
    });
  });
}

const CONFIG = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed "workerd.js")],
  compatibilityDate = "2024-01-01",
);
`;

const WORKER = `
  export default {
    async fetch() {
      try {
        return new Response(await play());
      } catch (error) {
        return new Response(String(error?.stack ?? error), { status: 500 });
      }
    },
  };
`;

describeRuntime('workerd', 'the package in workerd', (program) => {
  let server: ChildProcess;
  let url: string;
  let said = '';

  beforeAll(async () => {
    await bundle('workerd.js', WORKER);
    const config = join(folder, 'config.capnp');
    writeFileSync(config, CONFIG);
    // It prints on a separate channel at which port it listens.
    server = spawn(program, ['serve', config, '--control-fd=3'], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    for (const stream of [server.stdout, server.stderr]) stream?.on('data', (data: Buffer) => (said += data.toString()));
    url = await new Promise<string>((resolve, reject) => {
      let lines = '';
      (server.stdio[3] as Readable).on('data', (data: Buffer) => {
        lines += data.toString();
        const port = /"port":(\d+)/.exec(lines)?.[1];
        if (port !== undefined) resolve(`http://127.0.0.1:${port}/`);
      });
      server.once('exit', (code) => reject(new Error(`workerd ended with ${String(code)}: ${said}`)));
    });
  });

  afterAll(async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill();
    await ended;
  });

  it('plays the quick start, with an engine that is created at module scope, where startSweeper refuses (L46)', async () => {
    const response = await fetch(url);
    const text = await response.text();
    expect({ status: response.status, text }).toMatchObject({ status: 200 });
    expect(JSON.parse(text)).toEqual({ ...OUTCOME, sweeper: 'ERR_JIT_CLOCK' });
  });
});
