import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Durable } from '../../../stores/durable/servers.js';
import type { Pair } from './view-worker.js';

/** Another process with a live view: see view-worker.ts. */
export class Follower {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(durable: Durable, namespace: string): Promise<Follower> {
    const args = [JSON.stringify(durable.place), namespace];
    const execArgv = ['--import', 'tsx'];
    const child = fork(fileURLToPath(new URL('view-worker.ts', import.meta.url)), args, { execArgv });
    await once(child, 'message');
    return new Follower(child);
  }

  /** The instant of the next answer. @param pair what the view is asked from now on */
  async answer(pair?: Pair): Promise<number> {
    const answered = once(this.#child, 'message');
    if (pair !== undefined) this.#child.send(pair);
    const [answer] = (await answered) as [number];
    return answer;
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
