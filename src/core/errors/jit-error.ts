/** Marks the errors of every loaded copy of this package. `instanceof` recognises only the errors of its own copy. */
export const BRAND = Symbol.for('jit-access.error');

/** The base class of every error of this package. Distinguish the errors by their literal `code`. */
export abstract class JitError extends Error {
  abstract readonly code: string;

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Keeps a record that holds texts of people out of `JSON.stringify`, spreads and loggers. */
export function hide(error: JitError, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value });
}

/** The part of a message that names a request which was recorded before the failure. */
export const recorded = (requestId: string | undefined): string => (requestId === undefined ? '' : `; request ${requestId} is recorded`);

/**
 * The message of a thrown `Error`. Foreign code may throw any value: for one that is no `Error` or is unreadable, a text says so.
 *
 * Node reports a refused connection to a host of several addresses as one error without a message, which lists one error for each.
 */
export function messageOf(error: unknown): string {
  try {
    if (!(error instanceof Error)) return 'no error was given';
    const { message, errors } = error as Partial<AggregateError> & Error;
    if (message !== '' || !Array.isArray(errors)) return message;
    return errors
      .slice(0, 4)
      .map((each) => (each instanceof Error ? each.message : ''))
      .join('; ');
  } catch {
    return 'no readable error was given';
  }
}
