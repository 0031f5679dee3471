import type { GrantStore } from '../../../src/index.js';
import { RemoteStore } from './a-view.js';

/** A remote store whose answers may come late: each is the state at the call, and arrives when the test releases it. */
export class LateStore extends RemoteStore {
  /** Whether the answer to a call is held back. */
  holds: (method: string, argument: unknown) => boolean = () => false;
  #held: (() => void)[] = [];

  override get: GrantStore['get'] = (keys) => this.#late('get', keys, super.get(keys));
  override live: (query: Parameters<GrantStore['live']>[0]) => ReturnType<RemoteStore['live']> = (query) =>
    this.#late('live', query, super.live(query));
  override find: GrantStore['find'] = (query) => this.#late('find', query, super.find(query));
  override journal: GrantStore['journal'] = (query) => this.#late('journal', query, super.journal(query));

  get held(): number {
    return this.#held.length;
  }

  /** Lets the answers that are held back arrive. */
  deliver(): void {
    for (const arrive of this.#held.splice(0)) arrive();
  }

  async #late<Answer>(method: string, argument: unknown, answer: Promise<Answer>): Promise<Answer> {
    const isHeld = this.holds(method, argument);
    const given = await answer;
    if (isHeld) await new Promise<void>((arrive) => this.#held.push(arrive));
    return given;
  }
}
