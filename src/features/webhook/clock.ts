import { invalid } from '../../core/parse.js';
import type { Clock } from '../../core/ports.js';
import { systemClock, EngineClock } from '../../core/time.js';

/** The caller's clock, with its high-water mark. Default: the machine's clock. */
export function parseClock(argument: string, clock: unknown = systemClock): EngineClock {
  if (typeof (clock as Clock | null)?.now !== 'function') throw invalid(argument, 'an object with now', clock);
  return new EngineClock(clock as Clock);
}
