import type { Clock } from '../../core/ports.js';
import { systemClock } from '../../core/clock.js';
import { sleepUntil } from '../../core/timers.js';
import type { AccessClient } from '../client/access-client.js';
import { feedOf } from './feed.js';

/** A value that is read again when it changes on the server. */
export interface Live<T> {
  /**
   * The newest answer. `undefined`: none has arrived yet, or none since a 401 or 403, after which the caller may be another person. After
   * any other failure it is the answer before, which may be out of date.
   */
  readonly data: T | undefined;
  /** Why the newest read or the stream of events failed. `undefined`: neither has. After a failed stream, no event causes a read. */
  readonly error: unknown;
  /** Whether the first answer is still on its way. */
  readonly isLoading: boolean;
}

/** Before the first answer, and on a server. */
export const LOADING: Live<never> = Object.freeze({ data: undefined, error: undefined, isLoading: true });

/** The pause before another read and connection after a failed one. Milliseconds. */
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
  /** Why the stream ended. A good read does not clear it: without the stream, the next change goes unseen. */
  #streamError: unknown;
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

  /** Reads the value again now, and follows the events again if their stream has ended. */
  readonly refresh = (): void => {
    if (this.#end !== undefined) feedOf(this.#client).connect();
    this.#readAgain();
  };

  #readAgain(): void {
    this.#isStale = true;
    if (this.#end !== undefined && !this.#isReading) void this.#read(this.#end.signal);
  }

  #begin(): void {
    const { signal } = (this.#end = new AbortController());
    this.#isReading = false;
    const onEvent = () => {
      this.#streamError = undefined;
      this.#readAgain();
    };
    const onError = (error: unknown) => {
      this.#streamError = error;
      this.#fail(error);
      this.#readAgain();
    };
    feedOf(this.#client).follow({ signal, onEvent, onError });
    this.#readAgain();
  }

  #stop(): void {
    this.#end?.abort();
    this.#end = undefined;
    this.#pause?.abort();
    this.#streamError = undefined;
    // The first render of the next component may be for another person.
    this.#live = LOADING;
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
        this.#set({ data, error: this.#streamError, isLoading: false });
      } catch (error) {
        if (signal.aborted) return;
        pauseMs = RETRY_MS;
        this.#fail(error);
      }
    }
    if (signal.aborted) return;
    this.#isReading = false;
    this.#pause?.abort();
    if (this.#streamError !== undefined) pauseMs = Math.min(pauseMs ?? RETRY_MS, RETRY_MS);
    if (pauseMs !== undefined) await this.#refreshAfter(Math.max(pauseMs, MIN_PAUSE_MS));
  }

  async #refreshAfter(ms: number): Promise<void> {
    const { signal } = (this.#pause = new AbortController());
    await sleepUntil(this.#clock, this.#clock.now() + ms, signal);
    if (!signal.aborted) this.refresh();
  }

  #fail(error: unknown): void {
    this.#set({ data: isRefused(error) ? undefined : this.#live.data, error, isLoading: false });
  }

  #set(live: Live<T>): void {
    this.#live = Object.freeze(live);
    for (const listener of this.#listeners) listener();
  }
}

/** The caller is no longer the person of the answers before, or may no longer see them. */
function isRefused(error: unknown): boolean {
  const { status } = (error ?? {}) as { readonly status?: unknown };
  return status === 401 || status === 403;
}
