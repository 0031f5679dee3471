import type { JitEngine } from './engine.js';
import { kernelIn } from '../kernel/kernel-of.js';
import { Sweep } from './sweep/sweep.js';
import { ClockError, isJitError } from '../core/errors.js';
import { readOnError } from '../core/on-error.js';
import { invalid, readOptions } from '../core/parse.js';
import type { Clock } from '../core/ports.js';
import { readClock } from '../core/clock.js';
import { sleepUntil, whyNoLastingTimers, within } from '../core/timers.js';
import { yieldToOthers } from '../core/turns.js';
import { reportIfLong } from '../core/long-wait.js';
import { readPause, type Duration } from '../core/duration.js';

export interface SweeperOptions {
  /** How long from the start of one pass to the next: a string like `'30s'`, or milliseconds, at least 1,000. */
  readonly every: Duration;
  /**
   * Receives the error of each pass that fails. The loop continues. Errors that this function throws are dropped. Default: prints a line to
   * `console.error`, at most one for each kind and minute.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** A running sweeper. If the runtime has `Symbol.asyncDispose`, `await using` stops it too. */
export interface Sweeper extends AsyncDisposable {
  /** Stops the loop. Resolves when all running passes have ended. */
  stop(): Promise<void>;
}

/**
 * Starts a loop that records the ends that time has caused. Checks do not depend on it: a check denies after the end of a
 * grant, whether or not a sweeper runs. Several sweepers may run on one store.
 *
 * The first pass of each engine starts at once, and an engine has one pass at a time. The next pass starts `every` after the
 * start of the last one, or at once if that instant has passed. So a suspended process catches up with one pass, not a burst.
 * The sweeper does not keep the process alive.
 *
 * The engines are swept in parallel, each on its own clock. A pass waits for no approver. An approver, a store or a clock
 * that hangs delays only its own engine. `engine.close()` removes the engine from the sweeper. The sweeper stops when
 * no engine is left.
 *
 * Gotcha: it needs a runtime in which timers outlive the call that set them. On Workers, call `engine.sweep()` from a
 * scheduled handler instead, and pass `engine.idle()` to `waitUntil`.
 *
 * @param engines one engine, or several
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @throws ClockError `ERR_JIT_CLOCK` in a runtime without lasting timers, unless every engine's clock has a `sleep`
 */
export function startSweeper<Scope extends string>(
  engines: JitEngine<Scope> | readonly JitEngine<Scope>[],
  options: SweeperOptions,
): Sweeper {
  const list = (Array.isArray(engines) ? engines : [engines]) as readonly JitEngine<Scope>[];
  if (list.length === 0 || list.some((engine: unknown) => typeof (engine as JitEngine | undefined)?.sweep !== 'function')) {
    throw invalid('engines', 'an engine or a list of engines', engines);
  }
  const read = readOptions<keyof SweeperOptions>('options', options, ['every', 'onError']);
  const everyMs = readPause('every', read.every);
  const tell = readOnError('sweeper', read.onError);
  const problem = list.every(({ clock }) => clock.sleep !== undefined) ? undefined : whyNoLastingTimers();
  if (problem !== undefined) throw new ClockError(`startSweeper needs a lasting timer, but ${problem}: ${INSTEAD}`);

  const places = list.length > PASSES_AT_ONCE ? new Places(PASSES_AT_ONCE) : undefined;
  const loops = list.map((engine) => new Loop(engine, everyMs, tell, places));
  const running = Promise.all(loops.map((loop) => loop.run())).then(() => undefined);
  const [{ clock }] = list as readonly [JitEngine<Scope>];
  const stop = (): Promise<void> => {
    for (const loop of loops) loop.stop();
    return reportIfLong(clock, running, 'stop', () => 'a pass', tell);
  };
  const sweeper = { stop };
  // In a runtime without `Symbol.asyncDispose`, a computed key would define a method named "undefined".
  if (typeof Symbol.asyncDispose === 'symbol') Object.defineProperty(sweeper, Symbol.asyncDispose, { value: stop });
  return sweeper as Sweeper;
}

const INSTEAD = 'call engine.sweep() from a scheduled handler instead, and pass engine.idle() to its waitUntil()';

/** How many engines of one sweeper have a pass at a time. With thousands of engines on one connection pool, checks need connections too. */
const PASSES_AT_ONCE = 16;
/** After this time a running pass gives up its place: a store that hangs must not delay other engines (L38). */
const PLACE_MS = 1_000;

/** The loop of one engine. Each engine has its own, so that an engine that hangs delays no other (L38). */
class Loop {
  readonly #engine: JitEngine;
  readonly #everyMs: number;
  readonly #tell: (error: unknown) => void;
  readonly #places: Places | undefined;
  readonly #stopping = new AbortController();

  constructor(engine: JitEngine<never>, everyMs: number, tell: (error: unknown) => void, places: Places | undefined) {
    this.#engine = engine;
    this.#everyMs = everyMs;
    this.#tell = tell;
    this.#places = places;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async run(): Promise<void> {
    const unlisten = kernelIn(this.#engine)?.onClose('work', () => this.stop());
    const { clock } = this.#engine;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const started = tryNow(clock);
      await (this.#places === undefined ? this.#pass() : this.#places.run(clock, () => this.#pass()));
      try {
        // Counts from the start of the pass, so that a clock that jumps ahead during the pass starts the next one. After a
        // step back it counts from the new reading. `readClock` refuses a reading that is no instant: a sleep until `NaN`
        // ends at once, so the loop would never pause.
        const now = readClock(clock);
        const next = Math.min(started, now) + this.#everyMs;
        // A pass over memory alone may never yield to the event loop, and a late pass follows at once: timers would starve.
        if (next <= now) await yieldToOthers();
        await sleepUntil(clock, next, signal, true);
      } catch (error) {
        // A clock that fails must neither end the loop nor make it spin.
        this.#tell(error);
        await sleepUntil({ now: () => 0 }, this.#everyMs, signal, true);
      }
    }
    unlisten?.();
  }

  /**
   * Never rejects. `kernelIn` returns no kernel for an engine of another copy of this package. The public `sweep` of that engine
   * also waits for its approver, at most `limits.approverTimeout`.
   */
  async #pass(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    try {
      await (kernelIn(this.#engine)?.part(Sweep).pass().ended ?? this.#engine.sweep());
    } catch (error) {
      if (isJitError(error) && error.code === 'ERR_JIT_CLOSED') this.stop();
      else this.#tell(error);
    }
  }
}

/** Limits the passes that run at a time. A further pass waits for a place. */
class Places {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** @param pass never rejects */
  async run(clock: Clock, pass: () => Promise<void>): Promise<void> {
    if (this.#free === 0) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#free -= 1;
    const running = pass();
    // If the clock fails, the pass gives up its place at once.
    await within(
      clock,
      PLACE_MS,
      () => running,
      () => new Error('late'),
    ).catch(() => undefined);
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
    await running;
  }
}

/** Drops the error of a clock that fails: the pass and the sleep after it report the same failure. */
function tryNow(clock: Clock): number {
  try {
    return readClock(clock);
  } catch {
    return Infinity;
  }
}
