import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Place } from '../durable/place.js';
import { workerOf, type Version } from './versions.js';

export interface WorkerOptions {
  readonly name: Version;
  readonly place: Place;
  readonly namespace: string;
  readonly seed: number;
}

type Command =
  | { readonly do: 'migrate'; readonly contract?: boolean }
  /** Through the migrations of Kysely's form. */
  | { readonly do: 'up' | 'down' }
  | { readonly do: 'run'; readonly count: number }
  /** Checks and commits side by side, until `rest`. Answers with how many there were, and how long the longest took. */
  | { readonly do: 'load' | 'rest' }
  | { readonly do: 'comment' | 'remark' }
  | { readonly do: 'memo'; readonly id: string }
  | { readonly do: 'check'; readonly subject: string; readonly scope: string }
  | { readonly do: 'head' }
  /** Compares the store with what was acknowledged. The old version has written no entry after `head`. */
  | { readonly do: 'judge'; readonly head: number; readonly acks: readonly Ack[] };

export type Order = Command & { readonly n: number };

/** What a process has acknowledged before it may have been killed. */
export type Ack = { readonly asked: string } | { readonly revoked: string };

/** The answer to `load`: how many calls there were, and the milliseconds of the longest. */
export interface Load {
  readonly checks: number;
  readonly commits: number;
  readonly longestCheck: number;
  readonly longestCommit: number;
}

/** The error of an order. */
export interface Refusal {
  readonly code: string | undefined;
  readonly message: string;
}

type Message =
  | { readonly ready: true }
  | { readonly ack: Ack }
  | { readonly done: number }
  | { readonly n: number; readonly value?: unknown; readonly error?: Refusal };

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A process with an engine of one version. */
export class VersionedProcess {
  readonly acks: Ack[] = [];
  /** The number of operations of its `run`, or of commits of its `load`, so far. */
  done = 0;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #waiting = new Map<number, (answer: { readonly value?: unknown; readonly error?: Refusal }) => void>();
  #last = 0;
  #onDone: (() => void) | undefined;

  private constructor(program: string, options: WorkerOptions) {
    this.#child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    running.add(this.#child);
    this.#ended = once(this.#child, 'close').then(() => {
      running.delete(this.#child);
      for (const answer of this.#waiting.values()) answer({ error: { code: undefined, message: 'the process has ended' } });
      this.#waiting.clear();
      this.#onDone?.();
    });
    this.#child.on('message', (message: Message) => {
      if ('ack' in message) this.acks.push(message.ack);
      else if ('done' in message) {
        this.done = message.done;
        this.#onDone?.();
      } else if ('n' in message) {
        this.#waiting.get(message.n)?.(message);
        this.#waiting.delete(message.n);
      }
    });
  }

  static async start(options: WorkerOptions): Promise<VersionedProcess> {
    const started = new VersionedProcess(await workerOf(options.name), options);
    await once(started.#child, 'message');
    return started;
  }

  /** Resolves to the value of the order, or to its refusal. */
  async tell(command: Command): Promise<unknown> {
    const n = ++this.#last;
    if (command.do === 'run' || command.do === 'load') this.done = 0;
    const answer = new Promise<{ readonly value?: unknown; readonly error?: Refusal }>((resolve) => this.#waiting.set(n, resolve));
    this.#child.send({ ...command, n });
    const { value, error } = await answer;
    return error ?? value;
  }

  /** Resolves when its `run` has done so many operations, or the process has ended. */
  async hasDone(count: number): Promise<void> {
    while (this.done < count && running.has(this.#child)) await new Promise<void>((resolve) => (this.#onDone = resolve));
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
