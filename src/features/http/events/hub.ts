import { sleepUntil, whyNoLastingTimers, within } from '../../../core/timers.js';
import { yieldToOthers } from '../../../core/turns.js';
import { Followers } from '../../../followers/followers.js';
import type { Follower } from '../../../followers/follower.js';
import type { Kernel } from '../../../kernel/kernel.js';
import { ownProblem } from '../problem.js';
import { Connection, type ConnectionOptions } from './connection.js';
import { Audience } from './audience.js';

/** The most streams of an engine, and of one caller of it. Other engines of the process, such as those of other tenants, have their own. */
const MAX_STREAMS = 1_000;
const MAX_OF_CALLER = 10;
/** How often a store without `watch` is polled, while a stream is open. Milliseconds. */
const POLL_MS = 1_000;
const KEEP_ALIVE_MS = 15_000;
/** How often `identify` is asked again, and how long its answer may take. Milliseconds. */
const IDENTIFY_MS = 60_000;
const ANSWER_MS = 10_000;

/** Serves all event streams of an engine from one follower of the journal. */
export class EventHub {
  readonly #kernel: Kernel;
  readonly #audience: Audience;
  readonly #connections = new Set<Connection>();
  #follower: Follower | undefined;
  #ticking: AbortController | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#audience = new Audience(kernel);
    kernel.onClose('work', () => this.#closeAll());
  }

  /**
   * @throws HttpError 429, if the caller or the engine has too many streams; 501, if a stream would end with its first timer;
   *   503, if the journal cannot be followed; StoreError
   */
  async open(options: ConnectionOptions, lastEventId: string | null): Promise<ReadableStream<Uint8Array>> {
    const why = whyNoLastingTimers();
    if (why !== undefined) throw ownProblem('not-supported', { detail: `Events need timers, and ${why}: poll instead.` });
    const ofCaller = [...this.#connections].filter((one) => one.options.caller === options.caller).length;
    if (this.#connections.size >= MAX_STREAMS || ofCaller >= MAX_OF_CALLER)
      throw ownProblem('too-many-streams', { headers: { 'retry-after': '5' } });
    const connection = new Connection(this.#kernel, this.#audience, options, (closed) => this.#remove(closed));
    this.#connections.add(connection);
    try {
      // A follower that began later than the connection would pass over the entries between them.
      if (!(await this.#follow().begin())) throw ownProblem('unavailable', { headers: { 'retry-after': '5' } });
      await connection.begin(lastEventId);
    } catch (error) {
      connection.stream.close();
      throw error;
    }
    return connection.stream.body;
  }

  #remove(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    if (this.#connections.size === 0) {
      this.#ticking?.abort();
      this.#ticking = undefined;
    }
  }

  #closeAll(): void {
    for (const { stream } of this.#connections) stream.close();
  }

  #follow(): Follower {
    this.#follower ??= this.#kernel.part(Followers).add({
      name: 'jit-access:http-events',
      follow: 'local',
      write: (entries) => {
        for (const connection of this.#connections) connection.push(entries);
      },
    });
    if (this.#ticking === undefined) void this.#tick((this.#ticking = new AbortController()).signal);
    return this.#follower;
  }

  /** Polls, keeps the connections alive and asks `identify` again, while a stream is open. Never rejects. */
  async #tick(signal: AbortSignal): Promise<void> {
    const everyMs = this.#kernel.ledger.store.watch === undefined ? POLL_MS : KEEP_ALIVE_MS;
    for (let passedMs = everyMs; ; passedMs += everyMs) {
      await this.#sleep(everyMs, signal);
      if (signal.aborted) return;
      void this.#follower?.drive();
      if (passedMs % KEEP_ALIVE_MS === 0) for (const { stream } of this.#connections) stream.keepAlive();
      // Not awaited: one session store that hangs delays no other stream.
      if (passedMs % IDENTIFY_MS === 0) for (const connection of this.#connections) void this.#closeIfGone(connection);
    }
  }

  /** A clock that fails is reported. The loop continues, so that it works again with the clock. */
  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const { clock, settings } = this.#kernel;
    try {
      await sleepUntil(clock.source, clock.read().now + ms, signal, true);
    } catch (error) {
      settings.onError(error, 'events');
      await yieldToOthers();
    }
  }

  async #closeIfGone({ stream, options }: Connection): Promise<void> {
    const timeout = () => new Error(`identify gave no answer within ${ANSWER_MS} ms`);
    try {
      if (!(await within(this.#kernel.clock.source, ANSWER_MS, options.isStill, timeout))) stream.close();
    } catch (error) {
      // A session store that is down is no proof of a sign-out, but the stream may not outlive the session either.
      options.onError(error, 'identify');
      stream.close();
    }
  }
}
