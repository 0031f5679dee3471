import { readListener } from './parse.js';
import { printFailure } from './print-failure.js';

/**
 * Reads the option `onError`. The default prints: see {@link printFailure}.
 *
 * @throws InvalidArgumentError
 */
export const readOnError = (part: string, given: unknown): ((error: unknown, during?: string) => void) =>
  given === undefined ? (error, during) => printFailure(part, error, during) : readListener('onError', given);
