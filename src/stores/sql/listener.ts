import type { Unsubscribe } from '../../core/store-port.js';
import { systemClock } from '../../core/clock.js';
import { StoreError } from '../../core/errors.js';
import { sleepUntil } from '../../core/timers.js';
import type { PgClient, PgPool } from './database.js';
import type { Session } from './session.js';
import type { Statements } from './statements.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** How often an idle connection is checked, in milliseconds. */
const ALIVE_MS = 30_000;
const NOTHING_ARRIVES =
  'a notification of this process has not arrived on the connection that listens, so no watcher wakes for the commits of other ' +
  'processes. LISTEN has no effect behind a pooler in transaction mode: omit read, or connect its pool directly to the server of db';

/**
 * Receives commit notifications through LISTEN, on one pool connection for all namespaces, for as long as there are
 * watchers. A lost connection is replaced. Then every watcher is woken, because notifications sent in between are lost.
 *
 * Behind a pooler in transaction mode LISTEN succeeds, and no notification arrives. So each new connection must receive a
 * notification of this process; if it does not, that is reported once.
 */
export class NotificationListener {
  readonly #pool: PgPool;
  readonly #session: Session;
  readonly #statements: NonNullable<Statements['listening']>;
  readonly #report: (error: StoreError) => void;
  readonly #watchers = new Map<string, Set<() => void>>();
  /** Aborts the connection that listens, or the pause before the next one. */
  #stop: AbortController | undefined;
  /** Whether it has reported that nothing arrives. A notification that arrives clears it. */
  #isReported = false;

  /** @param report called when the connection receives nothing */
  constructor(pool: PgPool, session: Session, statements: NonNullable<Statements['listening']>, report: (error: StoreError) => void) {
    this.#pool = pool;
    this.#session = session;
    this.#statements = statements;
    this.#report = report;
  }

  watch(namespace: string, wake: () => void): Unsubscribe {
    // A wrapper for each call, because the same function may be registered twice.
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

  /** Listens until the connection is lost or no watcher is left, then returns true. Rejects if a query fails or is not answered. */
  async #hear(signal: AbortSignal): Promise<boolean> {
    const client = await this.#pool.connect();
    let end: () => void = () => undefined;
    const lost = new Promise<void>((resolve) => (end = resolve));
    signal.addEventListener('abort', end);
    try {
      // The last watcher may have unsubscribed while the connection was opened.
      if (signal.aborted) end();
      client.on('error', end);
      client.on('end', end);
      // No namespace has a line end.
      const own = `\n${crypto.randomUUID()}`;
      const ownOrLost = new Promise<boolean>((resolve) => {
        client.on('notification', ({ payload = '' }) => (payload === own ? resolve(true) : this.#wake(payload)));
        void lost.then(() => resolve(false));
      });
      await this.#said(client, this.#statements.listen.text);
      for (const namespace of this.#watchers.keys()) this.#wake(namespace);
      let isTried = await this.#tryOwn(own, ownOrLost);
      while (!(await this.#isOver(lost, signal))) {
        // A connection that died silently never reports an error, and looks like one without notifications.
        await this.#said(client, 'select 1');
        isTried ||= await this.#tryOwn(own, ownOrLost);
      }
      return true;
    } finally {
      // The signal outlives the connection.
      signal.removeEventListener('abort', end);
      // Closed instead of returned to the pool, because its next user would still receive the notifications.
      client.release(true);
    }
  }

  /**
   * Sends a notification of its own and waits until it arrives, or the connection has ended. It is sent on another connection: a
   * server sends the notifications of one connection to that connection with its answer, also through a pooler.
   *
   * @returns false: it could not be sent, which shows nothing
   */
  async #tryOwn(own: string, ownOrLost: Promise<boolean>): Promise<boolean> {
    try {
      await this.#session.ask(this.#statements.notify, [JSON.stringify([own])]);
    } catch {
      return false;
    }
    try {
      if (await this.#session.limited(ownOrLost)) this.#isReported = false;
    } catch (error) {
      if (!this.#isReported) this.#report(new StoreError('watch', NOTHING_ARRIVES, error));
      this.#isReported = true;
    }
    return true;
  }

  async #said(client: PgClient, text: string): Promise<void> {
    await this.#session.limited(client.query(text));
  }

  /** Waits until the connection has ended, or for ALIVE_MS. @returns whether it has ended */
  async #isOver(lost: Promise<void>, signal: AbortSignal): Promise<boolean> {
    const waited = new AbortController();
    const pause = sleepUntil(systemClock, systemClock.now() + ALIVE_MS, waited.signal, true).then(() => false);
    const isOver = await Promise.race([lost.then(() => true), pause]);
    waited.abort();
    return isOver || signal.aborted;
  }

  /** Runs each watcher on its own, so that one that throws does not affect the others. */
  #wake(namespace: string): void {
    for (const watcher of this.#watchers.get(namespace) ?? []) {
      void Promise.resolve()
        .then(watcher)
        .catch(() => undefined);
    }
  }
}
