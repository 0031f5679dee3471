import type { Clock } from '../../core/ports.js';
import { sleepUntil, systemClock } from '../../core/time.js';
import type { AccessClient } from '../client/access-client.js';
import { feedOf } from './feed.js';

/** A value that is read again when it changes on the server. */
export interface Live<T> {
  /** The newest answer. `undefined`: none has arrived yet. After a failure it is the one before, which may be out of date. */
  readonly data: T | undefined;
  /** Why the newest read or the stream of events failed. `undefined`: neither has. */
  readonly error: unknown;
  /** Whether the first answer is still on its way. */
  readonly isLoading: boolean;
}

/** Before the first answer, and on a server. */
export const LOADING: Live<never> = Object.freeze({ data: undefined, error: undefined, isLoading: true });

/** The pause before another read after a failed one. Milliseconds. */
const RETRY_MS = 30_000;
/** The shortest pause before a read that only time causes. Milliseconds. */
const MIN_PAUSE_MS = 1_000;

/** How a value is read, and when time changes it. */
export interface Source<T> {
  readonly read: (client: AccessClient, signal: AbortSignal) => Promise<T>;
  /** How long after its reading the value changes by itself. Milliseconds; `undefined`: never. */
  readonly changesAfter?: ((data: T) => number | undefined) | undefined;
}

/**
 * Reads a value while it has listeners: at the beginning, after each event, when time changes it, and after a failure. Reads
 * do not overlap, and events during a read cause one more.
 */
export class LiveValue<T> {
  readonly #client: AccessClient;
  readonly #source: Source<T>;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #live: Live<T> = LOADING;
  #end: AbortController | undefined;
  #isReading = false;
  #isStale = false;
  #pause: AbortController | undefined;

  constructor(client: AccessClient, source: Source<T>, clock: Clock = systemClock) {
    this.#client = client;
    this.#source = source;
    this.#clock = clock;
  }

  /** The present state: the same object until it changes. */
  readonly get = (): Live<T> => this.#live;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#begin();
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop();
    };
  };

  /** Reads the value again now. */
  readonly refresh = (): void => {
    this.#isStale = true;
    if (this.#end !== undefined && !this.#isReading) void this.#read(this.#end.signal);
  };

  #begin(): void {
    const { signal } = (this.#end = new AbortController());
    // What another person saw, who has signed out since, is not shown again.
    this.#live = LOADING;
    this.#isReading = false;
    const onError = (error: unknown) => {
      this.#set({ ...this.#live, error, isLoading: false });
    };
    feedOf(this.#client).follow({ signal, onEvent: this.refresh, onError });
    this.refresh();
  }

  #stop(): void {
    this.#end?.abort();
    this.#end = undefined;
    this.#pause?.abort();
  }

  async #read(signal: AbortSignal): Promise<void> {
    this.#isReading = true;
    let pauseMs: number | undefined;
    while (this.#isStale && !signal.aborted) {
      this.#isStale = false;
      try {
        const data = await this.#source.read(this.#client, signal);
        if (signal.aborted) return;
        pauseMs = this.#source.changesAfter?.(data);
        this.#set({ data, error: undefined, isLoading: false });
      } catch (error) {
        if (signal.aborted) return;
        pauseMs = RETRY_MS;
        this.#set({ data: this.#live.data, error, isLoading: false });
      }
    }
    if (signal.aborted) return;
    this.#isReading = false;
    this.#pause?.abort();
    if (pauseMs !== undefined) await this.#refreshAfter(Math.max(pauseMs, MIN_PAUSE_MS));
  }

  async #refreshAfter(ms: number): Promise<void> {
    const { signal } = (this.#pause = new AbortController());
    await sleepUntil(this.#clock, this.#clock.now() + ms, signal);
    if (!signal.aborted) this.refresh();
  }

  #set(live: Live<T>): void {
    this.#live = Object.freeze(live);
    for (const listener of this.#listeners) listener();
  }
}
