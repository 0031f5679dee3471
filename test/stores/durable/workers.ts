import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { Duration } from 'jit-access';
import type { Seen } from './answers.js';
import type { Ack } from './churn.js';
import type { Report } from './count.js';
import type { Place } from './place.js';
import type { SinkKind } from './sinks.js';

export interface WorkerOptions {
  readonly place: Place;
  readonly namespace: string;
  readonly timeoutMs?: number | undefined;
  /** The initial time of its clock. Default: the system clock. */
  readonly at?: number | undefined;
  /** How far its clock is ahead of the system clock at first, where `at` is not given. Default: 0. */
  readonly aheadMs?: number | undefined;
  /** Of its view, which the order `look` asks. Default: that of a view. */
  readonly maxStaleMs?: number | undefined;
}

/** A verb of the engine, and its arguments. */
export type Call = readonly [verb: string, ...args: unknown[]];

/** The outcome of a call: its result, or the code of its refusal. */
export interface Called {
  readonly value?: unknown;
  readonly code?: string;
}

export type Order =
  | { readonly do: 'call'; readonly at: number; readonly calls: readonly Call[] }
  | { readonly do: 'clock'; readonly at: number }
  | {
      /** Sets the system clock of this process ahead. */
      readonly do: 'jump';
      readonly ms: number;
      /** The lives of this process that run between these two orders may be overtaken by processes that set their clocks first. */
      readonly overtakes?: 'begins' | 'ends';
    }
  | { readonly do: 'fill'; readonly isFull: boolean }
  | { readonly do: 'purge' }
  | { readonly do: 'look'; readonly subject: string; readonly scope: string }
  | { readonly do: 'move'; readonly namespace: string }
  | {
      readonly do: 'churn';
      readonly seed: number;
      readonly name: string;
      readonly lanes: number;
      /** The test may stop its store in the middle of a commit. */
      readonly outages?: boolean;
      /** Whether each change of a grant is followed by checks, and some lives by a purge. Each refusal is then reported. */
      readonly looks?: boolean;
      readonly holderTtl?: Duration;
    }
  | {
      readonly do: 'count';
      readonly namespaces: readonly string[];
      /** Which of the processes this is. */
      readonly process: number;
      readonly seed: number;
      readonly name: string;
    }
  | { readonly do: 'rest' }
  | { readonly do: 'stop while'; readonly sql: string }
  | { readonly do: 'follow'; readonly scopes: readonly string[] }
  | { readonly do: 'notify'; readonly over: SinkKind }
  | { readonly do: 'let go' }
  | { readonly do: 'told' };

export interface Answer {
  readonly n: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** What a verb has answered. Both times by `machineTime`: when it was called, and when it had answered. */
export interface Acknowledged {
  readonly ack: readonly Ack[];
  readonly began: number;
  readonly at: number;
}

/** A call to the external system, which waits until it is released. */
export interface Outside {
  readonly subject: string;
  readonly scope: string;
  readonly held: boolean;
  readonly seq: number;
  readonly id: string;
}

type Message =
  | Answer
  | { readonly ready: true }
  | Acknowledged
  | { readonly seen: readonly Seen[] }
  | { readonly refused: string }
  | { readonly counted: Report }
  | { readonly outside: Outside }
  | { readonly sent: string };

const root = fileURLToPath(new URL('../../../', import.meta.url));
let program: string | undefined;

/** The worker in one file, built once for this process: it starts in a third of the time that its sources take. */
function theProgram(): string {
  if (program !== undefined) return program;
  // Below node_modules, so that it finds the drivers.
  const folder = join(root, 'node_modules/.cache/jit-access');
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `worker-${process.pid}.mjs`);
  buildSync({
    entryPoints: [join(root, 'test/stores/durable/worker.ts')],
    tsconfig: join(root, 'test/tsconfig.json'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
    outfile,
  });
  process.once('exit', () => rmSync(outfile, { force: true }));
  return (program = outfile);
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A separate process with an engine. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #last = 0;
  /** Receives each transition that was acknowledged. */
  onAck: (ack: readonly Ack[], acknowledged: Acknowledged) => void = () => undefined;
  /** Receives the answers about a pair. */
  onSeen: (seen: readonly Seen[]) => void = () => undefined;
  /** Receives the code of each refusal that ended a life. */
  onRefused: (code: string) => void = () => undefined;
  /** Receives each change that `count` has made. */
  onCounted: (report: Report) => void = () => undefined;
  /** Receives each call to the external system. */
  onOutside: (call: Outside) => void = () => undefined;
  /** Receives the id of each notice before it is sent. */
  onSent: (id: string) => void = () => undefined;

  private constructor(options: WorkerOptions) {
    this.#child = spawn(process.execPath, [theProgram(), JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    running.add(this.#child);
    this.#ended = once(this.#child, 'close').then(() => {
      running.delete(this.#child);
      for (const { reject } of this.#waiting.values()) reject(new Error('the process has ended'));
      this.#waiting.clear();
    });
    this.#child.on('message', (message: Message) => {
      if ('ack' in message) this.onAck(message.ack, message);
      else if ('seen' in message) this.onSeen(message.seen);
      else if ('refused' in message) this.onRefused(message.refused);
      else if ('counted' in message) this.onCounted(message.counted);
      else if ('outside' in message) this.onOutside(message.outside);
      else if ('sent' in message) this.onSent(message.sent);
      else if ('n' in message) {
        const waiting = this.#waiting.get(message.n);
        this.#waiting.delete(message.n);
        if (message.error === undefined) waiting?.resolve(message.value);
        else waiting?.reject(new Error(message.error));
      }
    });
  }

  static async start(options: WorkerOptions): Promise<Worker> {
    const worker = new Worker(options);
    await Promise.race([once(worker.#child, 'message'), worker.#ended.then(() => Promise.reject(new Error('the worker did not start')))]);
    return worker;
  }

  static startMany(count: number, options: WorkerOptions): Promise<readonly Worker[]> {
    return Promise.all(Array.from({ length: count }, () => Worker.start(options)));
  }

  /** @returns its answer. Rejects when it is killed before. */
  order(order: Order): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const n = ++this.#last;
      this.#waiting.set(n, { resolve, reject });
      this.#child.send({ n, ...order });
    });
  }

  call(...calls: readonly Call[]): Promise<readonly Called[]> {
    return this.order({ do: 'call', at: 0, calls }) as Promise<readonly Called[]>;
  }

  suspend(): void {
    this.#child.kill('SIGSTOP');
  }

  /** Waits until the process has been stopped. */
  async stopped(): Promise<void> {
    // The state follows the name, which may contain any character: T means stopped.
    while (!/\) T /.test(readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8'))) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** Kills it at once, with everything in flight, also when it is suspended. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

/** Long enough for a message to have reached every worker, in milliseconds. */
const AHEAD_MS = 25;

/** Calls in all of these processes at one instant; each gets its share of the calls, in turn. */
export async function atOnce(workers: readonly Worker[], calls: readonly Call[]): Promise<readonly Called[]> {
  const at = Date.now() + AHEAD_MS;
  const shares = workers.map((_, w) => calls.filter((_, i) => i % workers.length === w));
  const called = await Promise.all(workers.map((worker, w) => worker.order({ do: 'call', at, calls: shares[w] ?? [] })));
  const lists = called as readonly (readonly Called[])[];
  return calls.map((_, i) => lists[i % workers.length]?.[Math.floor(i / workers.length)] as Called);
}
