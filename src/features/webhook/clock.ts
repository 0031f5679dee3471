import { invalid } from '../../core/parse.js';
import type { Clock } from '../../core/ports.js';
import { systemClock } from '../../core/clock.js';

/** Validates the caller's clock. Default: the system clock. */
export function parseClock(argument: string, clock: unknown = systemClock): Clock {
  if (typeof (clock as Clock | null)?.now !== 'function') throw invalid(argument, 'a clock: an object with now()', clock);
  return clock as Clock;
}
