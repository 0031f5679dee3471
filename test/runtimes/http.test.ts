import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { httpContract, type HttpServer } from '../features/http/contract.js';
import { describeRuntime, type RuntimeName } from './runtimes.js';

/** The packed handler with the policy and the callers of the suite. The header `x-world` names the engine: each case has its own. */
const service = `
  import { JitEngine } from 'jit-access';
  import { createHttpHandler } from 'jit-access/http';
  import { definePolicy } from 'jit-access/policy';

  const approver = definePolicy({
    groups: { engineers: ['user:maya'], leads: ['user:sam'] },
    rules: [{
      id: 'database', scopes: ['db-prod:*'], subjects: [{ group: 'engineers' }], maxTtl: '1h',
      require: { justification: true }, review: { groups: { leads: 1 } },
    }],
  });
  const worlds = new Map();
  const engineOf = (request) => {
    const world = request.headers.get('x-world');
    if (!worlds.has(world)) worlds.set(world, new JitEngine({ approver }));
    return worlds.get(world);
  };
  const handler = createHttpHandler(engineOf, {
    identify: (request) => {
      const subject = request.headers.get('x-user');
      return subject === null ? undefined : { subject };
    },
    basePath: '/access',
  });
`;

/** How each runtime serves a function from `Request` to `Response` on a free port, and says which port it is. */
const SERVE: Readonly<Partial<Record<RuntimeName, { readonly args: readonly string[]; readonly entry: string }>>> = {
  bun: {
    args: [],
    entry:
      "const server = Bun.serve({ port: 0, hostname: '127.0.0.1', idleTimeout: 60, fetch: handler }); console.log('port=' + server.port);",
  },
  deno: {
    args: ['run', '--no-prompt', '--allow-net'],
    entry:
      "Deno.serve({ port: 0, hostname: '127.0.0.1', onListen: ({ port }) => console.log('port=' + port) }, (request) => handler(request));",
  },
};

const CONFIG = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed "http-workerd.js")],
  compatibilityDate = "2024-01-01",
);
`;

const folder = mkdtempSync(join(tmpdir(), 'jit-http-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function bundle(name: string, entry: string): Promise<string> {
  const outfile = join(folder, name);
  await build({
    stdin: { contents: `${service}\n${entry}`, resolveDir: inject('installed'), loader: 'js' },
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    outfile,
  });
  return outfile;
}

/** Waits until a program has printed its port. */
function portOf(program: ChildProcess, channel: Readable, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    channel.on('data', (data: Buffer) => {
      said += data.toString();
      const port = pattern.exec(said)?.[1];
      if (port !== undefined) resolve(port);
    });
    program.stderr?.on('data', (data: Buffer) => (said += data.toString()));
    program.once('exit', (code) => reject(new Error(`the server ended with ${String(code)}: ${said}`)));
  });
}

function serveIn(
  runtime: RuntimeName,
  start: (program: string) => Promise<{ process: ChildProcess; port: string }>,
  without: readonly string[] = [],
) {
  describeRuntime(runtime, `the HTTP handler of the package in ${runtime}`, (program) => {
    let server: ChildProcess;
    let port: string;
    let worlds = 0;
    beforeAll(async () => {
      ({ process: server, port } = await start(program));
    });
    afterAll(async () => {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGKILL');
      await ended;
    });
    const serve = (): Promise<HttpServer> =>
      Promise.resolve({ url: `http://127.0.0.1:${port}`, headers: { 'x-world': String(worlds++) }, close: () => Promise.resolve() });
    httpContract({ describe, it }, { name: runtime, hasOthers: false, serve, without });
  });
}

for (const [runtime, { args, entry }] of Object.entries(SERVE) as [RuntimeName, NonNullable<(typeof SERVE)[RuntimeName]>][]) {
  serveIn(runtime, async (program) => {
    const file = await bundle(`http-${runtime}.mjs`, entry);
    const process = spawn(program, [...args, file], { stdio: ['ignore', 'pipe', 'pipe'] });
    return { process, port: await portOf(process, process.stdout, /port=(\d+)/) };
  });
}

/** Workers end a timer with its handler, and let no request wake another one. */
const NOT_IN_WORKERS = [
  'waits for a decision where the client prefers that',
  'sends events, and resumes after the last one',
  'frees the stream of a client that has gone',
];

serveIn(
  'workerd',
  async (program) => {
    await bundle('http-workerd.js', 'export default { fetch: (request) => handler(request) };');
    const config = join(folder, 'http.capnp');
    writeFileSync(config, CONFIG);
    const process = spawn(program, ['serve', config, '--control-fd=3'], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    return { process, port: await portOf(process, process.stdio[3] as Readable, /"port":(\d+)/) };
  },
  NOT_IN_WORKERS,
);
