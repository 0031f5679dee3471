import { invalid, readCount, readId, readBoundedList, readOptions } from '../../core/parse.js';
import type { Backoff } from '../../lifecycle/effect.js';
import type { MaybePromise } from '../../core/ports.js';
import { isPattern, isScope, readScope } from '../../core/scope.js';
import { readDuration, type Duration } from '../../core/duration.js';

/** What a system outside is told: not that something has changed, but how it is. */
export interface CoverageChange<Scope extends string = string> {
  readonly subject: string;
  readonly scope: Scope;
  /** Whether the subject holds the scope now: set it so, whatever was before. */
  readonly held: boolean;
  /**
   * The change's number. It only grows: a system that keeps the highest it has seen for this subject and scope, and
   * refuses a lower one, can't be set back by a call that was held up.
   */
  readonly seq: number;
  /** The change's id. A repeat of a call carries the same one: an idempotency key for the system outside. */
  readonly id: string;
  /** Aborts when the call has taken longer than `timeout`; pass it on to what the call waits for. */
  readonly signal: AbortSignal;
}

/** A system outside that is to follow who holds what. */
export interface ProvisioningTarget<Scope extends string = string> {
  /** Stands for the system, the same in every process and after a restart: one name has one record of what it was told. */
  readonly name: string;
  /** The scopes that it knows: 1 to 1,000, no patterns. A grant of a pattern counts for each that it covers. */
  readonly scopes: readonly Scope[];
  /**
   * Brings the system to what the change says. It may be called again with the same change, and must then have the same
   * effect once. It must settle; a rejection is a failed call.
   */
  apply(change: CoverageChange<Scope>): MaybePromise<void>;
  /** How many calls a change gets before it is stuck. Default: 8. */
  readonly tries?: number | undefined;
  /** How long after the first failed call the next comes at most; each wait after that is twice as long. Default: 1 second. */
  readonly retryAfter?: Duration | undefined;
  /** The longest wait between two calls. Default: 5 minutes. */
  readonly maxRetryAfter?: Duration | undefined;
  /** How long one call may take before it has failed, and another process may make it. Default: 30 seconds. */
  readonly timeout?: Duration | undefined;
}

/** An effect, checked, with every default in place. */
export interface ParsedTarget extends Pick<ProvisioningTarget, 'name' | 'scopes' | 'apply'> {
  readonly backoff: Backoff;
  readonly timeoutMs: number;
}

const MAX_SCOPES = 1_000;
/** Its follower is named after it, and a follower's name is an id. */
const MAX_NAME = 200;

function readName(argument: string, value: unknown): string {
  const name = readId(argument, value);
  if (name.length > MAX_NAME) throw invalid(argument, `an id of at most ${MAX_NAME} characters`, name);
  return name;
}

function readDeclared(argument: string, value: unknown): string {
  if (isPattern(value) && !isScope(value)) throw invalid(argument, 'a scope, not a pattern: name each scope that the system knows', value);
  return readScope(argument, value);
}

export function readEffect(given: unknown): ParsedTarget {
  const read = readOptions<keyof ProvisioningTarget>('effect', given, [
    'name',
    'scopes',
    'apply',
    'tries',
    'retryAfter',
    'maxRetryAfter',
    'timeout',
  ]);
  const { name, scopes, apply, tries = 8, retryAfter = '1s', maxRetryAfter = '5m', timeout = '30s' } = read;
  if (typeof apply !== 'function') throw invalid('effect.apply', 'a function', apply);
  const list = readBoundedList('effect.scopes', scopes, 1, MAX_SCOPES).map((scope, i) => readDeclared(`effect.scopes[${i}]`, scope));
  const twice = list.find((scope, i) => list.indexOf(scope) !== i);
  if (twice !== undefined) throw invalid('effect.scopes', 'a list of different scopes', twice);
  const backoff = {
    tries: readCount('effect.tries', tries, 1, 1_000),
    firstMs: readDuration('effect.retryAfter', retryAfter),
    maxMs: readDuration('effect.maxRetryAfter', maxRetryAfter),
  };
  if (backoff.firstMs > backoff.maxMs)
    throw invalid('effect.retryAfter', `at most maxRetryAfter, which is ${backoff.maxMs} ms`, backoff.firstMs);
  return Object.freeze({
    name: readName('effect.name', name),
    scopes: Object.freeze(list),
    // Called on what was given: it may be a method.
    apply: (change: CoverageChange) => (apply as ProvisioningTarget['apply']).call(given, change),
    backoff: Object.freeze(backoff),
    timeoutMs: readDuration('effect.timeout', timeout),
  });
}
