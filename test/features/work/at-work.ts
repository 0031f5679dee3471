import { MemoryGrantStore, type Clock, type GrantStore } from '../../../src/index.js';
import type { AccessWatch } from '../../../src/features/work/options.js';
import { START_AT } from '../../../src/testing.js';
import { yieldToOthers } from '../../../src/core/turns.js';

export const SECOND = 1_000;

/** Lets all work run that waits only for its turn of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await yieldToOthers();
}

/** Why a watch has ended; `undefined` while it runs. */
export function endOf({ signal }: AccessWatch): { readonly code?: string; readonly name: string; readonly cause?: unknown } | undefined {
  return signal.aborted ? (signal.reason as { readonly code?: string; readonly name: string }) : undefined;
}

/** A store with only its six required methods and the given `watch`. It counts its watchers. */
export class QuietStore implements GrantStore {
  readonly namespace: string;
  readonly durability = 'memory';
  declare watch?: Required<GrantStore>['watch'];
  readonly #inner: GrantStore;

  constructor(inner: GrantStore = new MemoryGrantStore(), watch?: GrantStore['watch']) {
    this.#inner = inner;
    this.namespace = inner.namespace;
    if (watch !== undefined) this.watch = watch;
  }

  in(namespace: string): GrantStore {
    return new QuietStore(this.#inner.in(namespace));
  }
  get(...args: Parameters<GrantStore['get']>) {
    return this.#inner.get(...args);
  }
  live(...args: Parameters<GrantStore['live']>) {
    return this.#inner.live(...args);
  }
  find(...args: Parameters<GrantStore['find']>) {
    return this.#inner.find(...args);
  }
  due(...args: Parameters<GrantStore['due']>) {
    return this.#inner.due(...args);
  }
  commit(...args: Parameters<GrantStore['commit']>) {
    return this.#inner.commit(...args);
  }
  journal(...args: Parameters<GrantStore['journal']>) {
    return this.#inner.journal(...args);
  }
}

/** A store that counts its watchers. */
export function watched(inner: GrantStore = new MemoryGrantStore()) {
  const watchers = { now: 0, ever: 0 };
  const store = new QuietStore(inner, (wake) => {
    const unwatch = inner.watch?.(wake);
    watchers.now += 1;
    watchers.ever += 1;
    return () => {
      watchers.now -= 1;
      unwatch?.();
    };
  });
  return { store, watchers };
}

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/**
 * The system clock with its timers, moved by the test: a timer runs for its duration, also when the clock is set in
 * the meantime.
 */
export class SteppingClock implements Clock {
  #now = START_AT;
  #elapsed = 0;
  #timers: Timer[] = [];

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  async sleep(until: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || until <= this.#now) return;
    await new Promise<void>((resolve) => {
      const fire = () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        resolve();
      };
      const timer: Timer = { at: this.#elapsed + until - this.#now, fire };
      this.#timers.push(timer);
      signal.addEventListener('abort', fire);
    });
  }

  /** Sets the clock ahead, or back. */
  step(ms: number): void {
    this.#now += ms;
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    for (const end = this.#elapsed + ms; ;) {
      await settle();
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      const length = (next?.at ?? end) - this.#elapsed;
      this.#elapsed += length;
      this.#now += length;
      if (next === undefined) return;
      next.fire();
    }
  }
}
