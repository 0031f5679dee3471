import { invalid, readCount, readId, readBoundedList, readOptions } from '../../core/parse.js';
import type { Backoff } from '../../lifecycle/provisioning.js';
import type { MaybePromise } from '../../core/ports.js';
import { isPattern, isScope, readScope } from '../../core/scope.js';
import { readDuration, type Duration } from '../../core/duration.js';

/** What `apply` receives: the desired state of one subject and one scope, not an event. */
export interface DesiredState<Scope extends string = string> {
  readonly subject: string;
  readonly scope: Scope;
  /** Whether the subject holds the scope now. Set the external system to this state, independently of its previous state. */
  readonly held: boolean;
  /**
   * The change's number, which only grows. Let the external system keep the highest number for each subject and scope, and
   * refuse a lower one. Then a delayed call cannot restore an old state.
   */
  readonly seq: number;
  /** The change's id. A repeat of a call carries the same id: use it as an idempotency key. */
  readonly id: string;
  /** Aborts when the call has taken longer than `timeout`. Pass it on to the operations that the call awaits. */
  readonly signal: AbortSignal;
}

/** An external system that provisioning keeps up to date with the current holders of each scope. */
export interface ProvisioningTarget<Scope extends string = string> {
  /** Identifies the external system, in every process and after a restart: all targets of one name share one record of its state. */
  readonly name: string;
  /** The scopes that it knows: 1 to 1,000, no patterns. A grant of a pattern counts for each scope that it covers. */
  readonly scopes: readonly Scope[];
  /**
   * Brings the external system to the desired state. It may be called again with the same change, and must then have the
   * same effect once. It must settle; a rejection is a failed call.
   */
  apply(desired: DesiredState<Scope>): MaybePromise<void>;
  /** How many calls a change gets before it counts as permanently failed. Default: 8. */
  readonly tries?: number | undefined;
  /** The longest wait after the first failed call. Each further wait is at most twice as long. Default: 1 second. */
  readonly retryAfter?: Duration | undefined;
  /** The longest wait between two calls. Default: 5 minutes. */
  readonly maxRetryAfter?: Duration | undefined;
  /** How long one call may take before it counts as failed, and another process may make it. Default: 30 seconds. */
  readonly timeout?: Duration | undefined;
}

/** A validated target, with all defaults. */
export interface ParsedTarget extends Pick<ProvisioningTarget, 'name' | 'scopes' | 'apply'> {
  readonly backoff: Backoff;
  readonly timeoutMs: number;
}

const MAX_SCOPES = 1_000;
/** The target's follower is named after it, and a follower's name is an id. */
const MAX_NAME = 200;

function readName(argument: string, value: unknown): string {
  const name = readId(argument, value);
  if (name.length > MAX_NAME) throw invalid(argument, `an id of at most ${MAX_NAME} characters`, name);
  return name;
}

function readDeclared(argument: string, value: unknown): string {
  if (isPattern(value) && !isScope(value))
    throw invalid(argument, 'a scope, not a pattern: list each scope that the external system knows', value);
  return readScope(argument, value);
}

/** @throws InvalidArgumentError */
export function parseTarget(given: unknown): ParsedTarget {
  const read = readOptions<keyof ProvisioningTarget>('target', given, [
    'name',
    'scopes',
    'apply',
    'tries',
    'retryAfter',
    'maxRetryAfter',
    'timeout',
  ]);
  const { name, scopes, apply, tries = 8, retryAfter = '1s', maxRetryAfter = '5m', timeout = '30s' } = read;
  if (typeof apply !== 'function') throw invalid('target.apply', 'a function', apply);
  const list = readBoundedList('target.scopes', scopes, 1, MAX_SCOPES).map((scope, i) => readDeclared(`target.scopes[${i}]`, scope));
  const twice = list.find((scope, i) => list.indexOf(scope) !== i);
  if (twice !== undefined) throw invalid('target.scopes', 'a list without duplicates', twice);
  const backoff = {
    tries: readCount('target.tries', tries, 1, 1_000),
    firstMs: readDuration('target.retryAfter', retryAfter),
    maxMs: readDuration('target.maxRetryAfter', maxRetryAfter),
  };
  if (backoff.firstMs > backoff.maxMs) throw invalid('target.retryAfter', `at most maxRetryAfter (${backoff.maxMs} ms)`, backoff.firstMs);
  return Object.freeze({
    name: readName('target.name', name),
    scopes: Object.freeze(list),
    // Called as a method of the given object, because it may use `this`.
    apply: (desired: DesiredState) => (apply as ProvisioningTarget['apply']).call(given, desired),
    backoff: Object.freeze(backoff),
    timeoutMs: readDuration('target.timeout', timeout),
  });
}
