import type { JitEngine } from './engine/engine.js';
import { invalid, readListener, readOptions } from './input.js';
import type { Clock } from './ports.js';
import { readDuration, sleepUntil, yieldToOthers, type Duration } from './time.js';

export interface SweeperOptions {
  /** How long from the start of one pass to the next: milliseconds, or a string like `'30s'`. */
  readonly every: Duration;
  /** Told when a pass fails; the loop goes on. What it throws is dropped. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** A running sweeper. Where the runtime has `Symbol.asyncDispose`, `await using` stops it too. */
export interface Sweeper extends AsyncDisposable {
  /** Stops the loop; resolves when the pass that is running, if any, has ended. */
  stop(): Promise<void>;
}

/**
 * Starts the loop that records what time has ended. It is no lock: access ends at the check, whether or not a sweeper
 * runs. Several on one store do no harm.
 *
 * The first pass starts at once; one pass at a time; the next is due `every` after the last has started, or at once where
 * that has passed, so a process that was suspended catches up with one pass, not a burst. It doesn't keep the process
 * alive.
 *
 * @param engines one engine, or several; the first one's clock is slept on
 * @throws InvalidArgumentError
 */
export function startSweeper<Scope extends string>(
  engines: JitEngine<Scope> | readonly JitEngine<Scope>[],
  options: SweeperOptions,
): Sweeper {
  const list = (Array.isArray(engines) ? engines : [engines]) as readonly JitEngine<Scope>[];
  const [first] = list;
  if (first === undefined || list.some((engine: unknown) => typeof (engine as typeof first | undefined)?.sweep !== 'function')) {
    throw invalid('engines', 'an engine or a list of engines', engines);
  }
  const read = readOptions<keyof SweeperOptions>('options', options, ['every', 'onError']);
  const everyMs = readDuration('every', read.every);
  const tell = readListener<[error: unknown]>('onError', read.onError);

  const stopping = new AbortController();
  const running = loop(list, first.clock, everyMs, stopping.signal, tell);
  const stop = (): Promise<void> => {
    stopping.abort();
    return running;
  };
  const sweeper = { stop };
  // The key is only there where the runtime knows it: `[undefined]` would be a method named "undefined".
  if (typeof Symbol.asyncDispose === 'symbol') Object.defineProperty(sweeper, Symbol.asyncDispose, { value: stop });
  return sweeper as Sweeper;
}

async function loop<Scope extends string>(
  engines: readonly JitEngine<Scope>[],
  clock: Clock,
  everyMs: number,
  signal: AbortSignal,
  tell: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    const started = tryNow(clock);
    for (const engine of engines) await engine.sweep().catch(tell);
    try {
      // From the start of the pass on, so that a clock that moves during it brings the next one, unless it moves back.
      const now = clock.now();
      const next = Math.min(started, now) + everyMs;
      // A pass over memory alone may take no turn of the event loop, and one that is late would follow at once.
      if (next <= now) await yieldToOthers();
      await sleepUntil(clock, next, signal, true);
    } catch (error) {
      // A clock that fails must not end the loop, nor make it spin.
      tell(error);
      await sleepUntil({ now: () => 0 }, everyMs, signal, true);
    }
  }
}

/** A clock that fails is told by the pass, and by the sleep. */
function tryNow(clock: Clock): number {
  try {
    return clock.now();
  } catch {
    return Infinity;
  }
}
