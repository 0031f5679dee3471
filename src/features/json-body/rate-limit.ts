import { invalid } from '../../core/parse.js';

/**
 * The whole seconds for which the option `limit` has a caller wait; 0: the call continues.
 *
 * @throws InvalidArgumentError for any other answer: it is a mistake of the service, and permits nothing
 */
export function secondsToWait(answer: unknown): number {
  const seconds = typeof answer === 'number' ? Math.ceil(answer) : answer === undefined ? 0 : NaN;
  if (!Number.isSafeInteger(seconds) || seconds < 0)
    throw invalid('limit', 'a function that returns the seconds to wait, or undefined', answer);
  return seconds;
}
