import { watch } from '../../followers/watch.js';
import type { GrantStore } from '../../core/store-port.js';
import { systemClock, type EngineClock } from '../../core/clock.js';
import { sleepUntil, whyNoLastingTimers } from '../../core/timers.js';
import type { CopyFollower } from './copy-follower.js';

/** Runs a follower in the background: at a hint of the store, and at least every `pollMs`. */
export class Polling {
  readonly #follower: CopyFollower;
  readonly #clock: EngineClock;
  readonly #store: Pick<GrantStore, 'watch'>;
  readonly #pollMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #end = new AbortController();
  #unwatch: (() => void) | undefined;
  /** Whether the last run failed. Of several failures in a row, only the first is reported. */
  #isFailing = false;

  constructor(
    follower: CopyFollower,
    clock: EngineClock,
    store: Pick<GrantStore, 'watch'>,
    pollMs: number,
    onError: (error: unknown) => void,
  ) {
    this.#follower = follower;
    this.#clock = clock;
    this.#store = store;
    this.#pollMs = pollMs;
    this.#onError = onError;
  }

  start(): void {
    this.#unwatch = watch(
      this.#store,
      (headSeq) => {
        if (headSeq === undefined || headSeq > this.#follower.seq) this.wake();
      },
      this.#onError,
    );
    this.wake();
    if (whyNoLastingTimers() === undefined) void this.#poll(this.#end.signal);
  }

  get isClosed(): boolean {
    return this.#end.signal.aborted;
  }

  /** Runs the follower now. Never throws. */
  wake(): void {
    if (this.isClosed) return;
    this.#follower.run().then(
      () => (this.#isFailing = false),
      (error: unknown) => {
        if (!this.#isFailing) this.#onError(error);
        this.#isFailing = true;
      },
    );
  }

  close(): void {
    this.#end.abort();
    this.#unwatch?.();
    this.#follower.close();
  }

  /** Never rejects. A clock that fails is reported once, and the loop continues by real timers, so that it works again with the clock. */
  async #poll(signal: AbortSignal): Promise<void> {
    for (let isFailing = false; !signal.aborted;) {
      try {
        const { source } = this.#clock;
        const next = this.#clock.read().now + this.#pollMs;
        // Each run reads all that is new, so that one run after a long move of a fake clock does the work of thousands.
        await (source.sleep === undefined ? sleepUntil(source, next, signal, true) : source.sleep(next, signal, true));
        if (signal.aborted) return;
        this.#follower.mayAnswerAt();
        isFailing = false;
      } catch (error) {
        if (!isFailing) this.#onError(error);
        isFailing = true;
        await sleepUntil(systemClock, systemClock.now() + this.#pollMs, signal, true);
      }
      this.wake();
    }
  }
}
