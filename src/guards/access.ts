import { invalid } from '../core/parse.js';
import { shared } from '../core/shared.js';
import type { Decision } from '../records/index.js';

/** A watch over access: the result of a guard's `abortOnEnd`. The `AccessWatch` of `jit-access/work` is one. */
export interface WatchedAccess {
  /** Aborts when the access ends, or can no longer be confirmed; its `reason` is the error that says why. */
  readonly signal: AbortSignal;
  /** Ends the watch, not the access. The guard calls it when the response has ended. Further calls have no effect. */
  stop(): void;
}

/** The part of an {@link Access} that a handler may rely on behind a guard with `observe: true`: the request may have no access. */
export interface ObservedAccess {
  /** `true`: the guard only observes, so that the handler runs with every decision. */
  readonly observed: boolean;
  /** The answer of the engine. `undefined`: it gave none, which happens only behind a guard that observes. */
  readonly decision: Decision | undefined;
  /** Why an observing guard has no answer of the engine: an error of `subject`, `scope` or the engine. Otherwise `undefined`. */
  readonly error?: unknown;
}

/**
 * The object that a guard passes to the handler of an allowed request. Behind a guard with `observe: true`, declare it as
 * {@link ObservedAccess}: `decision` may then be missing.
 */
export interface Access extends ObservedAccess {
  /**
   * The decision: its reason, the grant, and `validUntil`, the end of the access as known now. The decision of a view has no `grant`.
   */
  readonly decision: Decision;
  /** The id of the grant that allows. `undefined`: standing access allows, or the view keeps no ids. */
  readonly grantId: string | undefined;
  /**
   * Aborts when the access ends or could not be confirmed for too long. Also aborts when the response has ended or its client
   * has disconnected. Its `reason` says why, like the `reason` of the watch that `abortOnEnd` returned. A handler that
   * streams or runs for long should listen to it.
   *
   * @throws InvalidArgumentError if the guard has no `abortOnEnd`: a signal that never aborts would never stop the handler. Behind
   *   a guard that observes, it never aborts
   */
  readonly signal: AbortSignal;
}

/** @param watch `undefined`: the guard has no `abortOnEnd` */
export function makeAccess(decision: Decision, grantId: string | undefined, watch: WatchedAccess | undefined): Access {
  // Not enumerable, so that code which prints or copies an access does not trigger the getter's error.
  return Object.defineProperty({ observed: false, decision, grantId }, 'signal', {
    get() {
      if (watch === undefined) throw invalid('abortOnEnd', 'set on the guard whose signal is read', undefined);
      return watch.signal;
    },
  }) as Access;
}

/** The access of a guard that observes. Its signal never aborts: nothing about the request may change. */
export function makeObserved(observation: Omit<ObservedAccess, 'observed'>, grantId: string | undefined): Access {
  const { decision, error } = observation;
  return Object.defineProperty({ observed: true, decision, error, grantId }, 'signal', {
    get: () => new AbortController().signal,
  }) as Access;
}

/**
 * Keeps the access for `accessOf`. The access of a guard that observes never replaces that of a guard that has allowed the request.
 *
 * @param carrier an object that the framework also passes to the handler: its request, its response or its context
 * @returns the access for the handler
 */
export function attachAccess(carrier: object, access: Access): Access {
  const { accesses } = shared();
  const before = accesses.get(carrier) as Access | undefined;
  const kept = access.observed && before?.observed === false ? before : access;
  accesses.set(carrier, kept);
  return kept;
}

/**
 * The access with which a guard has allowed a request. After several guards, the access of the last one that does not only observe.
 *
 * @throws InvalidArgumentError if no guard has allowed or observed it
 */
export function accessOf(carrier: object): Access {
  const access = shared().accesses.get(carrier) as Access | undefined;
  if (access === undefined) throw invalid('carrier', 'a request that a guard has allowed', carrier);
  return access;
}
