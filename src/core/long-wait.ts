import type { Clock } from './ports.js';
import { OwnFailure } from './print-failure.js';
import { within } from './timers.js';

/** After this time, a wait is reported. Milliseconds. */
const LONG_MS = 5_000;

/**
 * Waits for `work`, and reports once that the wait takes long. So a process that does not end says why.
 *
 * @param awaited what the wait is for, asked when it is reported
 */
export async function reportIfLong<T>(
  clock: Clock,
  work: Promise<T>,
  verb: string,
  awaited: () => string,
  onError: (error: unknown, during: string) => void,
): Promise<T> {
  const timeout = () => new OwnFailure(`${verb}() has waited for ${LONG_MS / 1_000} seconds, for ${awaited()}`);
  await within(clock, LONG_MS, () => work, timeout).catch((error: unknown) => {
    if (error instanceof OwnFailure) onError(error, verb);
  });
  return work;
}
