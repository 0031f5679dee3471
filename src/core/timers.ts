import { readClock } from './clock.js';
import { ClockError, messageOf } from './errors.js';
import type { Clock } from './ports.js';
import { isThenable } from './thenable.js';

/** The longest timer of the runtimes. They fire a longer one after 1 ms, so a longer sleep uses several timers (L7). */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Sleeps until an instant of `clock`, by the clock's own `sleep` or by real timers.
 * Resolves early, without an error, when `signal` aborts. A background sleep does not keep the process alive.
 */
export async function sleepUntil(clock: Clock, until: number, signal: AbortSignal, background = false): Promise<void> {
  if (clock.sleep) return signal.aborted ? undefined : clock.sleep(until, signal);
  for (let left = until - clock.now(); left > 0 && !signal.aborted; left -= MAX_TIMER_MS) {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(left, MAX_TIMER_MS));
      signal.addEventListener('abort', done);
      if (background) (timer as unknown as { unref?: () => void }).unref?.();
    });
  }
}

/**
 * Calls once, after a time.
 *
 * @returns a function that sets whether the timer keeps the process alive, on a platform that supports it. At first it does
 */
export function callAfter(ms: number, call: () => void): (keepsAlive: boolean) => void {
  const timer = setTimeout(call, Math.min(ms, MAX_TIMER_MS)) as unknown as { ref?(): void; unref?(): void };
  return (keepsAlive) => (keepsAlive ? timer.ref?.() : timer.unref?.());
}

/** A timer may pause while the device is suspended, so a nap is at most this long. */
const MAX_NAP_MS = 60_000;

/**
 * Sleeps `ms` on `clock`, from `now`. If the clock has no `sleep`, or its `sleep` fails, a real timer sleeps for at most a
 * minute, so the caller must read its clock again. Only the clock's own `sleep` ends on `signal`, so the caller checks the signal
 * afterwards. Never rejects.
 */
export async function nap(clock: Clock, now: number, ms: number, signal: AbortSignal): Promise<void> {
  try {
    if (clock.sleep) {
      await clock.sleep(now + ms, signal);
      return;
    }
  } catch {
    // Falls back to a timer: trying a broken clock again at once would starve the event loop.
  }
  await new Promise((resolve) => setTimeout(resolve, Math.min(ms, MAX_NAP_MS)));
}

/**
 * The reason why a timer does not outlive the call that sets it, as a part of a sentence; `undefined`: timers last.
 *
 * Cloudflare Workers allow timers only in a handler, and end them with it. At module scope, setting a timer throws.
 */
export function whyNoLastingTimers(): string | undefined {
  if (typeof globalThis.setTimeout !== 'function') return 'this runtime has no setTimeout';
  if ((globalThis.navigator as { readonly userAgent?: string } | undefined)?.userAgent === 'Cloudflare-Workers')
    return 'Workers end a timer with its handler';
  try {
    // Cleared at once: it is never called.
    clearTimeout(setTimeout(Boolean, 0));
    return undefined;
  } catch (error) {
    return `this runtime sets none here (${messageOf(error)})`;
  }
}

/**
 * Waits for `work`, for at most `ms` of the clock. The work continues after a rejection by the limit or by the clock, so the caller must
 * not take either for proof that the work did nothing.
 *
 * @throws the error of `work`, or `timeout()` if the time limit comes first, or ClockError if the clock fails first
 */
export async function within<T>(clock: Clock, ms: number, work: () => T | PromiseLike<T>, timeout: () => Error): Promise<Awaited<T>> {
  const answer = work();
  if (!isThenable(answer)) return answer as Awaited<T>;
  // Only a `sleep` of the clock needs a signal. An abort costs more than a timer, and a server waits here several times a request.
  const done = clock.sleep && new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isSettled = false;
  const sleep = async (until: number): Promise<void> => {
    if (done !== undefined) return sleepUntil(clock, until, done.signal);
    for (let left = ms; left > 0 && !isSettled; left -= MAX_TIMER_MS) {
      await new Promise((resolve) => (timer = setTimeout(resolve, Math.min(left, MAX_TIMER_MS))));
    }
  };
  // Async, so that a throwing clock rejects the race. A synchronous throw would leave a rejection of `answer` unhandled.
  const tooLate = async (): Promise<Awaited<T>> => {
    const until = readClock(clock) + ms;
    try {
      await sleep(until);
    } catch (cause) {
      throw new ClockError('the clock failed', cause);
    }
    // The sleep also ends when the work has settled.
    if (isSettled) return await answer;
    throw timeout();
  };
  try {
    return await Promise.race([answer, tooLate()]);
  } finally {
    isSettled = true;
    clearTimeout(timer);
    done?.abort();
  }
}
