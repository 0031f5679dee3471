import type { Decision } from '../records/index.js';
import type { Access, ObservedAccess } from './access.js';
import type { ObservedAnswer } from '../core/observed.js';
import type { Refusal } from './refusal.js';

export type { ObservedAnswer };

/** The request may continue to its handler. */
export interface Admitted {
  /** The request may continue to its handler. */
  readonly allowed: true;
  /** The adapter passes it on to the handler. */
  readonly access: Access;
  /**
   * Ends the watch. The adapter calls it when the response has ended, or its client has disconnected; a second call has no
   * effect. `undefined`: no `abortOnEnd`.
   */
  readonly stop: (() => void) | undefined;
}

/** The request must not continue. */
export interface Refused {
  /** The request was refused. */
  readonly allowed: false;
  /** The answer to send. */
  readonly refusal: Refusal;
  /** The engine's denial; `undefined`: it was not asked, or gave no answer. Not for the client. */
  readonly decision: Decision | undefined;
  /** The failure that caused a 503, or the problem with the subject that caused a 401. Not for the client. */
  readonly error: unknown;
}

/** What a guard that observes would have answered. */
export interface Observation extends ObservedAccess {
  /** `failed`: `subject` or `scope` threw, returned a value of another type, no answer came within a second, or 100 answers are late. */
  readonly answer: ObservedAnswer;
}

/**
 * Decides about one request. It allows only by an answer of the engine: every failure refuses or rejects.
 *
 * @param args the arguments of the framework, passed unchanged to `subject` and `scope`
 * @throws always an `Error`: an error of `subject` or `scope`, or a subject that is not a string. For the framework's error
 *   handling
 */
export type Guard<Args extends readonly unknown[] = readonly unknown[]> = (...args: Args) => Promise<Admitted | Refused>;
