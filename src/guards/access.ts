import { invalid } from '../core/parse.js';
import type { Decision } from '../records/index.js';

/** Access that is being watched: what `abortOnEnd` gives a guard. The `AccessWatch` of `jit-access/work` is one. */
export interface WatchedAccess {
  /** Aborts when the access ends, or can no longer be confirmed; its `reason` is the error that says why. */
  readonly signal: AbortSignal;
  /** Ends the watching, not the access. The guard calls it when the response is over; more than one call is fine. */
  stop(): void;
}

/** What a guard hands on to the handler that it has let a request through to. */
export interface Access {
  /** Why, by which grant, and until when by what is known now: `validUntil`. */
  readonly decision: Decision;
  /**
   * Aborts when the access ends, when that could not be confirmed for too long, and when the response is over or its
   * client has gone; its `reason` says why, like the `reason` of the watch that `abortOnEnd` gave. A handler that streams or goes on working listens to it.
   *
   * @throws InvalidArgumentError if the guard has no `abortOnEnd`: a signal that never aborts would never stop anything
   */
  readonly signal: AbortSignal;
}

/** @param watch `undefined`: the guard has no `abortOnEnd` */
export function makeAccess(decision: Decision, watch: WatchedAccess | undefined): Access {
  // Not enumerable: what prints or copies an access need not ask for its signal.
  return Object.defineProperty({ decision }, 'signal', {
    get() {
      if (watch === undefined) throw invalid('abortOnEnd', 'set on the guard whose signal is read', undefined);
      return watch.signal;
    },
  }) as Access;
}

const handedOn = new WeakMap<object, Access>();

/** @param carrier what the framework gives the handler as well: its request, or its response */
export function attachAccess(carrier: object, access: Access): void {
  handedOn.set(carrier, access);
}

/**
 * The access by which a guard has let this through. Behind several guards: that of the last.
 *
 * @throws InvalidArgumentError where none has
 */
export function accessOf(carrier: object): Access {
  const access = handedOn.get(carrier);
  if (access === undefined) throw invalid('carrier', 'what a guard has let through', carrier);
  return access;
}
