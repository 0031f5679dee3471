import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { freePort } from '../free-port.js';

/** A Redis for the tests: one that they started, or the one that the environment names. */
export interface TestServer {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** `undefined`: the tests may not stop it. */
  readonly process: ChildProcess | undefined;
  /** Namespaces with this prefix are removed after the tests, from a server that keeps running. */
  forget(namespace: string): void;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** The server that the environment names, if there is one. */
export const named = process.env['JIT_TEST_REDIS_URL'];
/** redis-server or valkey-server, or the program that JIT_TEST_REDIS_PROGRAM names. */
const asked = process.env['JIT_TEST_REDIS_PROGRAM'];
const programs = asked === undefined ? ['redis-server', 'valkey-server'] : [asked];
/** Whether a server program is installed. */
export const isOnPath = (name: string): boolean => spawnSync(name, ['--version']).status === 0;
const program = programs.find(isOnPath);

export const LEFT_OUT = `there is no ${programs.join(' or ')} on the PATH`;
/** Whether a server can be started. */
export const isInstalled = program !== undefined;

/** A server that runs already, and keeps running. */
export function serverAt(url: string): TestServer {
  const { hostname, port } = new URL(url);
  const namespaces = new Set<string>();
  const stop = async () => {
    const client = createClient({ url });
    client.on('error', () => undefined);
    await client.connect();
    for (const namespace of namespaces) {
      for await (const keys of client.scanIterator({ MATCH: `*{jit:${namespace}*`, COUNT: 1_000 }))
        if (keys.length > 0) await client.del(keys);
    }
    client.destroy();
  };
  return {
    host: hostname,
    port: Number(port === '' ? 6379 : port),
    url,
    process: undefined,
    stop,
    forget: (namespace) => void namespaces.add(namespace),
  };
}

/** A new server on a free port, with its own folder. It ends with this process, in any case. */
export async function startServer(
  args: readonly string[] = [],
  at?: { readonly port?: number; readonly folder: string },
): Promise<TestServer> {
  if (program === undefined) throw new Error(LEFT_OUT);
  const folder = at?.folder ?? (await mkdtemp(join(tmpdir(), 'jit-access-redis-')));
  const port = at?.port ?? (await freePort());
  const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
  const child = spawn(program, [...where, '--save', '', '--appendonly', 'no', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = once(child, 'exit');
  const stop = async (signal: NodeJS.Signals = 'SIGKILL') => {
    child.kill(signal);
    await ended;
    process.off('exit', kill);
    if (at === undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host: '127.0.0.1', port, url: `redis://127.0.0.1:${port}`, process: child, stop, forget: () => undefined };
}

async function ready(child: ChildProcess): Promise<void> {
  let log = '';
  for await (const chunk of child.stdout as NodeJS.ReadableStream) {
    log += String(chunk);
    if (/Ready to accept connections/.test(log)) break;
  }
  if (!/Ready to accept connections/.test(log)) throw new Error(`the server did not start: ${log.slice(-500)}`);
}
