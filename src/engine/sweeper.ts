import type { JitEngine } from './engine.js';
import { kernelIn } from '../kernel/kernel-of.js';
import { Sweep } from './sweep.js';
import { ClockError, isJitError } from '../core/errors.js';
import { invalid, readListener, readOptions } from '../core/parse.js';
import type { Clock } from '../core/ports.js';
import { readClock, sleepUntil, whyNoLastingTimers, within, yieldToOthers } from '../core/time.js';
import { readDuration, type Duration } from '../core/duration.js';

export interface SweeperOptions {
  /** How long from the start of one pass to the next: milliseconds, or a string like `'30s'`. */
  readonly every: Duration;
  /** Told when a pass fails; the loop goes on. What it throws is dropped. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** A running sweeper. Where the runtime has `Symbol.asyncDispose`, `await using` stops it too. */
export interface Sweeper extends AsyncDisposable {
  /** Stops the loop; resolves when the passes that are running, if any, have ended. */
  stop(): Promise<void>;
}

/**
 * Starts the loop that records what time has ended. It is no lock: access ends at the check, whether or not a sweeper
 * runs. Several on one store do no harm.
 *
 * The first pass of each engine starts at once; one pass at a time; the next is due `every` after the last has started, or
 * at once where that has passed, so a process that was suspended catches up with one pass, not a burst. It doesn't keep
 * the process alive.
 *
 * Engines are swept side by side, each on its own clock. A pass waits for no approver: an approver, a store or a clock
 * that hangs delays only its own engine. `engine.close()` takes that engine out; without engines the sweeper has stopped.
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
  const everyMs = readDuration('every', read.every);
  const tell = readListener<[error: unknown]>('onError', read.onError);
  const problem = list.every(({ clock }) => clock.sleep !== undefined) ? undefined : whyNoLastingTimers();
  if (problem !== undefined) throw new ClockError(`startSweeper needs timers that last, and ${problem}: ${INSTEAD}`);

  const places = list.length > PASSES_AT_ONCE ? new Places(PASSES_AT_ONCE) : undefined;
  const loops = list.map((engine) => new Loop(engine, everyMs, tell, places));
  const running = Promise.all(loops.map((loop) => loop.run())).then(() => undefined);
  const stop = (): Promise<void> => {
    for (const loop of loops) loop.stop();
    return running;
  };
  const sweeper = { stop };
  // The key is only there where the runtime knows it: `[undefined]` would be a method named "undefined".
  if (typeof Symbol.asyncDispose === 'symbol') Object.defineProperty(sweeper, Symbol.asyncDispose, { value: stop });
  return sweeper as Sweeper;
}

const INSTEAD = 'call engine.sweep() from a scheduled handler instead, and pass engine.idle() to its waitUntil()';

/** How many engines of one sweeper are swept at a time, so that thousands on one pool leave it room for checks. */
const PASSES_AT_ONCE = 16;
/** After this long a pass continues without its place: a store that hangs must not hold up other engines (L38). */
const PLACE_MS = 1_000;

/** The loop of one engine. */
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
        // From the start of the pass on, so that a clock that moves during it brings the next one, unless it moves back.
        // One that is no instant is refused: a sleep until `NaN` is over at once, so the loop would never pause.
        const now = readClock(clock);
        const next = Math.min(started, now) + this.#everyMs;
        // A pass over memory alone may take no turn of the event loop, and one that is late would follow at once.
        if (next <= now) await yieldToOthers();
        await sleepUntil(clock, next, signal, true);
      } catch (error) {
        // A clock that fails must not end the loop, nor make it spin.
        this.#tell(error);
        await sleepUntil({ now: () => 0 }, this.#everyMs, signal, true);
      }
    }
    unlisten?.();
  }

  /** Never rejects. An engine of another copy of this package waits for its approver, within its own limit. */
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

/** So many passes at a time; whoever comes later waits for a place. */
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
    // A clock that fails gives the place up too.
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

/** A clock that fails is told by the pass, and by the sleep. */
function tryNow(clock: Clock): number {
  try {
    return readClock(clock);
  } catch {
    return Infinity;
  }
}
