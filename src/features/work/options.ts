import { invalid, readOptions } from '../../core/parse.js';
import { readDuration, type Duration } from '../../core/duration.js';

/** How closely work is watched. Durations are milliseconds or strings like `'2s'`. */
export interface WatchOptions {
  /** How often coverage is read again; a revoke that no hint tells of is noticed within this. Default: 1 second. */
  readonly poll?: Duration | undefined;
  /** How long the work goes on while coverage can't be confirmed; longer than `poll`. Default: 5 seconds. */
  readonly maxUnconfirmed?: Duration | undefined;
}

/** Access that work rests on. Where the runtime has `Symbol.asyncDispose`, `await using` stops it too. */
export interface AccessWatch extends AsyncDisposable {
  readonly subject: string;
  readonly scope: string;
  /**
   * Aborts when the access stops, and when the lease is stopped. Its `reason` says why: a `DeniedError` with the decision
   * (the access has ended), a `StoreError` (it could not be confirmed), a `ClockError` (the clock failed or was set back),
   * a `ClosedError` (the engine was closed); after `stop()` the platform's own `AbortError`.
   */
  readonly signal: AbortSignal;
  /**
   * When the coverage ends, by what is known now: a revoke comes earlier, more time that is granted moves it. What the
   * work opens outside (a token, a statement's timeout) should end then. `undefined`: it is standing access, without an
   * end. Epoch milliseconds.
   */
  readonly until: number | undefined;
  /** Ends the lease, not the access. Twice is fine. */
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
  // Otherwise every lease would end by itself.
  if (pollMs < maxUnconfirmedMs) return { pollMs, maxUnconfirmedMs };
  if (poll === undefined) throw invalid('maxUnconfirmed', `longer than poll, which is ${pollMs} ms by default`, maxUnconfirmed);
  throw invalid('poll', `shorter than maxUnconfirmed, which is ${maxUnconfirmedMs} ms`, poll);
}

/** The same for everybody: what can be done to it is done through `stop`. */
export function makeAccessWatch(
  subject: string,
  scope: string,
  signal: AbortSignal,
  until: () => number | undefined,
  stop: () => void,
): AccessWatch {
  const lease = {
    subject,
    scope,
    signal,
    get until() {
      return until();
    },
    stop,
  };
  // The key is only there where the runtime knows it: `[undefined]` would be a method named "undefined".
  if (typeof Symbol.asyncDispose === 'symbol') Object.defineProperty(lease, Symbol.asyncDispose, { value: async () => stop() });
  return lease as AccessWatch;
}
