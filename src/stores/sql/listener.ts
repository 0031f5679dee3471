import type { Unsubscribe } from '../../core/store-port.js';
import { sleepUntil, systemClock } from '../../core/time.js';
import type { PgClient, PgPool } from './database.js';
import { hearErrors } from './steady-pool.js';
import type { Session } from './session.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** How often a connection on which nothing is heard is asked whether it is still there. */
const ALIVE_MS = 30_000;

/**
 * Hears of commits through LISTEN, on one connection of the pool for all namespaces, kept as long as anybody watches. A
 * connection that is lost is replaced, and then everybody is woken, for what was said meanwhile was heard by nobody.
 */
export class NotificationListener {
  readonly #pool: PgPool;
  readonly #session: Session;
  readonly #listen: string;
  readonly #watchers = new Map<string, Set<() => void>>();
  /** Ends the connection that is listened on, or the pause before the next. */
  #stop: AbortController | undefined;

  /** @param listen the statement that begins it */
  constructor(pool: PgPool, session: Session, listen: string) {
    this.#pool = pool;
    this.#session = session;
    this.#listen = listen;
    hearErrors(pool);
  }

  watch(namespace: string, wake: () => void): Unsubscribe {
    // A function of its own: one watcher may come twice.
    const watcher = () => wake();
    let watchers = this.#watchers.get(namespace);
    if (watchers === undefined) this.#watchers.set(namespace, (watchers = new Set()));
    watchers.add(watcher);
    if (this.#stop === undefined) {
      this.#stop = new AbortController();
      void this.#run(this.#stop.signal);
    }
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(namespace) === watchers) this.#watchers.delete(namespace);
      if (this.#watchers.size > 0) return;
      this.#stop?.abort();
      this.#stop = undefined;
    };
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const heard = await this.#hear(signal).catch(() => false);
      if (heard) pause = FIRST_PAUSE_MS;
      await sleepUntil(systemClock, systemClock.now() + pause, signal, true);
    }
  }

  /** Listens until the connection is lost, or nobody watches any more; whether it had begun to. */
  async #hear(signal: AbortSignal): Promise<boolean> {
    const client = await this.#pool.connect();
    try {
      const lost = this.#untilLost(client, signal);
      await this.#said(client, this.#listen);
      for (const namespace of this.#watchers.keys()) this.#wake(namespace);
      // A connection that has died silently would never say anything again, and look as if nothing happened.
      while (!(await this.#isOver(lost, signal))) await this.#said(client, 'select 1');
      return true;
    } finally {
      // Closed, not given back: it would go on listening in somebody else's hands.
      client.release(true);
    }
  }

  async #said(client: PgClient, text: string): Promise<void> {
    await this.#session.limited(client.query(text));
  }

  /** Waits until it is over, or for some time; whether it is over. */
  async #isOver(lost: Promise<void>, signal: AbortSignal): Promise<boolean> {
    const waited = new AbortController();
    const pause = sleepUntil(systemClock, systemClock.now() + ALIVE_MS, waited.signal, true).then(() => false);
    const isOver = await Promise.race([lost.then(() => true), pause]);
    waited.abort();
    return isOver || signal.aborted;
  }

  #untilLost(client: PgClient, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      // The last watcher may have gone while the connection was made.
      if (signal.aborted) resolve();
      client.on('error', () => resolve());
      client.on('end', () => resolve());
      client.on('notification', (message) => this.#wake(message.payload ?? ''));
      signal.addEventListener('abort', () => resolve());
    });
  }

  /** A watcher that fails is not the others' trouble. */
  #wake(namespace: string): void {
    for (const watcher of this.#watchers.get(namespace) ?? []) {
      void Promise.resolve()
        .then(watcher)
        .catch(() => undefined);
    }
  }
}
