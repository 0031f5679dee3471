import { invalid, readOptions } from '../../core/parse.js';
import { readDuration, type Duration } from '../../core/duration.js';

/** How often access is confirmed. Durations are milliseconds or strings like `'2s'`. */
export interface WatchOptions {
  /** How often the coverage is read again: the watch notices a revoke without a hint within this time. Default: 1 second. */
  readonly poll?: Duration | undefined;
  /** How long the work may continue while coverage cannot be confirmed; longer than `poll`. Default: 5 seconds. */
  readonly maxUnconfirmed?: Duration | undefined;
}

/** A watch over the access that some work needs. `await using` stops it, if the runtime has `Symbol.asyncDispose`. */
export interface AccessWatch extends AsyncDisposable {
  /** The subject whose access is watched. */
  readonly subject: string;
  /** The scope of the access. */
  readonly scope: string;
  /**
   * Aborts when the access ends, and at `stop()`. Its `reason` says why:
   * - a `DeniedError` with the decision: the access has ended,
   * - a `StoreError`: it could not be confirmed,
   * - a `ClockError`: the clock failed or was set back,
   * - a `ClosedError`: the engine was closed,
   * - the platform's own `AbortError`: after `stop()`.
   */
  readonly signal: AbortSignal;
  /**
   * When the coverage ends, as known now: a revoke ends it earlier, and an extension moves it. A token or a statement
   * timeout that the work opens elsewhere should expire then. `undefined`: standing access, which has no end. Epoch
   * milliseconds.
   */
  readonly until: number | undefined;
  /** Ends the watch, not the access. A second call does nothing. */
  stop(): void;
}

export interface ParsedWatchOptions {
  readonly pollMs: number;
  readonly maxUnconfirmedMs: number;
}

export function readWatchOptions(given: unknown): ParsedWatchOptions {
  const { poll, maxUnconfirmed } = readOptions<keyof WatchOptions>('options', given, ['poll', 'maxUnconfirmed']);
  const pollMs = readDuration('poll', poll === undefined ? 1_000 : poll);
  const maxUnconfirmedMs = readDuration('maxUnconfirmed', maxUnconfirmed === undefined ? 5_000 : maxUnconfirmed);
  // Otherwise every watch would end before its second read.
  if (pollMs < maxUnconfirmedMs) return { pollMs, maxUnconfirmedMs };
  if (poll === undefined) throw invalid('maxUnconfirmed', `longer than poll, which is ${pollMs} ms by default`, maxUnconfirmed);
  throw invalid('poll', `shorter than maxUnconfirmed, which is ${maxUnconfirmedMs} ms`, poll);
}

/** Builds the object that the caller receives. */
export function makeAccessWatch(
  subject: string,
  scope: string,
  signal: AbortSignal,
  until: () => number | undefined,
  stop: () => void,
): AccessWatch {
  const watch = {
    subject,
    scope,
    signal,
    get until() {
      return until();
    },
    stop,
  };
  // Only if the runtime has the symbol: `[undefined]` would define a method named "undefined".
  if (typeof Symbol.asyncDispose === 'symbol') Object.defineProperty(watch, Symbol.asyncDispose, { value: async () => stop() });
  return watch as AccessWatch;
}
