import { reportIfLong } from '../../core/long-wait.js';
import { readDuration, readWindow, type Duration } from '../../core/duration.js';
import { ClockError } from '../../core/errors.js';
import { invalid, readOptions } from '../../core/parse.js';
import { Stopwatch } from '../../core/stopwatch.js';
import { readClock } from '../../core/clock.js';
import { sleepUntil, whyNoLastingTimers } from '../../core/timers.js';
import type { JitEngine } from '../../engine/engine.js';
import type { Kernel } from '../../kernel/kernel.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import { isRetentionDue, RETENTION_MS } from '../../lifecycle/purge.js';
import { HORIZON, readRetainedAt } from '../../records/bookmark.js';
import { moveHorizon } from './move-horizon.js';
import { Purge } from './purge.js';

/** The options of `startRetention`. */
export interface RetentionOptions {
  /** How long a record is kept after its end, and an entry of the journal: at least a day, such as `'400d'`. */
  readonly keep: Duration;
  /** How often the loop looks whether a purge is due: milliseconds, or a string. Default: 1 hour. */
  readonly every?: Duration | undefined;
}

/** A running retention. If the runtime has `Symbol.asyncDispose`, `await using` stops it too. */
export interface Retention extends AsyncDisposable {
  /** Stops the loop. Resolves when a running purge has ended. */
  stop(): Promise<void>;
}

/** The actor of the entries. */
const RETENTION = 'system:retention';

/**
 * Starts a loop that purges what ended longer ago than `keep`, at most once a day for each namespace. Every process may start one: the
 * first one of the day purges. The first look is at once. The loop does not keep the process alive, and `engine.close()` stops it.
 *
 * A purge cannot be undone, so no single clock decides its horizon: `keep` counts back from the median instant of the journal's last
 * 1,000 entries, or from the middle one of the last eight days with entries if that is later and no gap of more than eight days lies
 * before it, and never from after this process's clock. So records are kept for `keep`, and for at most five days with entries more. A
 * namespace without an entry of the last day is not purged, and this loop never forces it: call `purge` by hand. A purge that fails is reported to `onError`, during `retention`.
 *
 * Gotcha: a purged denial no longer stands, so keep records longer than `limits.askAgainAfter`.
 *
 * @throws InvalidArgumentError, ClosedError
 * @throws ClockError `ERR_JIT_CLOCK` in a runtime without lasting timers, unless the engine's clock has a `sleep`: call `purge` from a
 *   scheduled handler instead
 * @example
 * const retention = startRetention(engine, { keep: '400d' });
 * await retention.stop();
 */
export function startRetention(engine: JitEngine, options: RetentionOptions): Retention {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const { keep, every = '1h' } = readOptions<keyof RetentionOptions>('options', options, ['keep', 'every']);
  const keepMs = readDuration('keep', keep);
  if (keepMs < RETENTION_MS) throw invalid('keep', 'at least a day', keep);
  const everyMs = readWindow('every', every);
  const problem = kernel.settings.clock.sleep === undefined ? whyNoLastingTimers() : undefined;
  if (problem !== undefined) throw new ClockError(`startRetention needs a lasting timer, but ${problem}: call purge instead`);

  const stopping = new AbortController();
  const unlisten = kernel.onClose('work', () => stopping.abort());
  const running = loop(kernel, keepMs, everyMs, stopping.signal).finally(unlisten);
  const stop = (): Promise<void> => {
    stopping.abort();
    return reportIfLong(kernel.settings.clock, running, 'stop', () => 'a purge', kernel.settings.onError);
  };
  const retention = { stop };
  // In a runtime without `Symbol.asyncDispose`, a computed key would define a method named "undefined".
  if (typeof Symbol.asyncDispose === 'symbol') Object.defineProperty(retention, Symbol.asyncDispose, { value: stop });
  return retention as Retention;
}

/** Never rejects. */
async function loop(kernel: Kernel, keepMs: number, everyMs: number, signal: AbortSignal): Promise<void> {
  const { background, settings } = kernel;
  let reported: Stopwatch | undefined;
  while (!signal.aborted) {
    const pass = purgeIfDue(kernel, keepMs).catch((error: unknown) => {
      // A namespace without an entry of the last day is refused at each look: one report a day says so.
      if (error instanceof ClockError) {
        if (reported !== undefined && reported.ms < RETENTION_MS) return;
        reported = new Stopwatch(settings.clock);
      }
      settings.onError(error, 'retention');
    });
    // So that `idle` and `close` of the engine wait for the purge.
    background.run(pass, 'retention');
    await pass;
    try {
      await sleepUntil(settings.clock, readClock(settings.clock) + everyMs, signal, true);
    } catch (error) {
      // A clock that fails must neither end the loop nor make it spin.
      settings.onError(error, 'retention');
      await sleepUntil({ now: () => 0 }, everyMs, signal, true);
    }
  }
}

/** @throws ClockError when the journal has no entry of the last day */
async function purgeIfDue(kernel: Kernel, keepMs: number): Promise<void> {
  const { ledger, clock, journalClock } = kernel;
  const lastAt = readRetainedAt(await ledger.row(HORIZON.kind, HORIZON.id));
  // Nearly every look ends here, before it reads any entry.
  if (!isRetentionDue(lastAt, clock.read().now)) return;
  // From there, so that a clock that is ahead never shortens the time for which records are kept.
  const confirmed = await journalClock.confirmedNow();
  if (confirmed === undefined) return;
  const horizon = await moveHorizon(kernel, Math.max(0, confirmed - keepMs), RETENTION, true);
  if (horizon !== undefined) await new Purge(kernel, RETENTION).removeUpTo(horizon);
}
