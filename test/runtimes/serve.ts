import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { build, type BuildOptions } from 'esbuild';
import { afterAll, inject } from 'vitest';

/** A folder for the programs of a test file. It is removed after the tests. */
export function programFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'jit-runtimes-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The options of esbuild that make one file of a program and the packed package. */
const bundling = (contents: string): BuildOptions => ({
  stdin: { contents, resolveDir: inject('installed'), loader: 'js' },
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  define: { 'process.env.NODE_ENV': '"production"' },
});

/** One file of a program and the packed package, as a bundler makes it. @returns its path */
export async function bundle(folder: string, name: string, contents: string): Promise<string> {
  const outfile = join(folder, name);
  await build({ ...bundling(contents), outfile });
  return outfile;
}

/** {@link bundle} for a program that needs modules of Node, which workerd offers by a flag. */
export async function bundleForNode(folder: string, name: string, contents: string): Promise<string> {
  const outfile = join(folder, name);
  // Nest requires modules of Node by their short names, and its own optional peers at use.
  const js = "import { createRequire } from 'node:module'; const require = createRequire('/');";
  await build({ ...bundling(contents), platform: 'node', banner: { js }, external: ['class-transformer', 'class-validator'], outfile });
  return outfile;
}

/** A server in a process of its own, on a port of this machine. */
export interface RuntimeServer {
  readonly port: string;
  /** Ends the process, and resolves when it has ended. */
  readonly close: () => Promise<void>;
}

/** Starts a program that prints its port on its standard output, as `port=1234`. */
export function serveProgram(program: string, args: readonly string[]): Promise<RuntimeServer> {
  const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  return started(server, server.stdout, /port=(\d+)/);
}

const configOf = (file: string) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed "${file}")],
  compatibilityDate = "2024-01-01",
);
`;

/** Starts workerd with a bundled module of the folder. */
export function serveWorker(program: string, folder: string, file: string): Promise<RuntimeServer> {
  const config = join(folder, `${file}.capnp`);
  writeFileSync(config, configOf(file));
  return serveConfig(program, config);
}

/** A worker of a bundled module; with `isNode`, it may import modules of Node. */
export interface BundledWorker {
  readonly file: string;
  readonly isNode: boolean;
}

/** Starts workerd with several workers, by their names. It answers with the texts of all of them, as JSON. */
export function serveWorkers(program: string, folder: string, workers: Readonly<Record<string, BundledWorker>>): Promise<RuntimeServer> {
  const names = Object.keys(workers);
  const services = Object.entries(workers).map(([name, { file, isNode }]) => {
    const settings = isNode
      ? 'compatibilityDate = "2026-04-01", compatibilityFlags = ["nodejs_compat"]'
      : 'compatibilityDate = "2024-01-01"';
    return `(name = "${name}", worker = (modules = [(name = "main.js", esModule = embed "${file}")], ${settings}))`;
  });
  writeFileSync(
    join(folder, 'all.js'),
    `export default {
      async fetch(request, env) {
        const answers = await Promise.all(Object.entries(env).map(async ([name, worker]) => [name, await (await worker.fetch(request)).text()]));
        return Response.json(Object.fromEntries(answers));
      },
    };`,
  );
  const config = join(folder, 'all.capnp');
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "all", worker = .all), ${services.join(',\n  ')}],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "all")],
);
const all :Workerd.Worker = (
  modules = [(name = "main.js", esModule = embed "all.js")],
  bindings = [${names.map((name) => `(name = "${name}", service = "${name}")`).join(', ')}],
  compatibilityDate = "2024-01-01",
);
`,
  );
  return serveConfig(program, config);
}

/** It prints on a separate channel at which port it listens. */
function serveConfig(program: string, config: string): Promise<RuntimeServer> {
  const server = spawn(program, ['serve', config, '--control-fd=3'], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  return started(server, server.stdio[3] as Readable, /"port":(\d+)/);
}

function started(server: ChildProcess, channel: Readable, pattern: RegExp): Promise<RuntimeServer> {
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const close = async (): Promise<void> => {
    server.kill();
    await ended;
  };
  return new Promise((resolve, reject) => {
    let output = '';
    for (const stream of [channel, server.stdout, server.stderr])
      stream?.on('data', (data: Buffer) => {
        output += data.toString();
        const port = pattern.exec(output)?.[1];
        if (port !== undefined) resolve({ port, close });
      });
    server.once('exit', (code) => reject(new Error(`the server ended with ${String(code)}: ${output}`)));
  });
}
