import type { Clock } from '../../core/ports.js';
import { within } from '../../core/timers.js';
import type { CallLimit } from '../../kernel/call-limit.js';

/**
 * Serves a call within a time limit. A client that got another answer than that of `serve` must find later what it would find now: so
 * `serve` gets the limit, and begins nothing once it has passed. It passes also if the clock fails.
 *
 * @throws the error of `serve`, `timeout()`, or ClockError
 */
export async function serveWithin<T>(
  clock: Clock,
  ms: number,
  serve: (limit: CallLimit) => Promise<T>,
  timeout: () => Error,
): Promise<Awaited<T>> {
  const limit: CallLimit = { hasPassed: false };
  const late = () => {
    limit.hasPassed = true;
    return timeout();
  };
  try {
    return await within(clock, ms, () => serve(limit), late);
  } catch (error) {
    limit.hasPassed = true;
    throw error;
  }
}
