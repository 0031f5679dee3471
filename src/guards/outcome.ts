import type { Decision } from '../records/index.js';
import type { Access } from './access.js';
import type { Refusal } from './refusal.js';

/** The request may go on to its handler. */
export interface Admitted {
  readonly allowed: true;
  /** To be handed on to the handler. */
  readonly access: Access;
  /** To be called when the response is over, or its client has gone: ends the watch. Calling it twice is fine. `undefined`: no `abortOnEnd`. */
  readonly stop: (() => void) | undefined;
}

/** The request goes no further. */
export interface Refused {
  readonly allowed: false;
  /** To be sent. */
  readonly refusal: Refusal;
  /** The engine's no; `undefined`: it was not asked, or gave no answer. Not for the caller. */
  readonly decision: Decision | undefined;
  /** What failed, for a 503, or was wrong with the subject, for a 401. Not for the caller. */
  readonly error: unknown;
}

/**
 * Decides about one request. It allows only by an answer of the engine: whatever fails, refuses or rejects.
 *
 * @param args what the framework gives; handed to `subject` and `scope` as they are
 * @throws an `Error`, always: what `subject` or `scope` has thrown, or a subject that is no string. For the framework's own errors
 */
export type Guard<Args extends readonly unknown[] = readonly unknown[]> = (...args: Args) => Promise<Admitted | Refused>;
