import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Durable } from '../../../stores/durable/servers.js';
import type { Message } from './view-worker.js';

/** Another process with a live view: see view-worker.ts. */
export class Follower {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param grants by how many the bytes are divided */
  static async start(durable: Durable, namespace: string, keep: string, grants: number): Promise<Follower> {
    const args = [JSON.stringify(durable.place), namespace, keep, String(grants)];
    const execArgv = ['--import', 'tsx', '--expose-gc', '--max-old-space-size=8192'];
    const child = fork(fileURLToPath(new URL('view-worker.ts', import.meta.url)), args, { execArgv });
    await once(child, 'message');
    return new Follower(child);
  }

  async answer<T>(message?: Message): Promise<T> {
    const answered = once(this.#child, 'message');
    if (message !== undefined) this.#child.send(message);
    const [answer] = (await answered) as [T];
    return answer;
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
