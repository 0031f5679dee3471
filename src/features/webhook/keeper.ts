import { invalid } from '../../core/parse.js';
import type { Clock } from '../../core/ports.js';
import { systemClock, EngineClock } from '../../core/time.js';

/** Reads a clock, which may be left out: then it is the machine's. */
export function readKeeper(argument: string, clock: unknown = systemClock): EngineClock {
  if (typeof (clock as Clock | null)?.now !== 'function') throw invalid(argument, 'an object with now', clock);
  return new EngineClock(clock as Clock);
}
