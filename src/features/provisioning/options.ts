import { assertBoolean, invalid, readCount, readId, readBoundedList, readOptions } from '../../core/parse.js';
import type { Backoff } from '../../lifecycle/provisioning.js';
import type { MaybePromise } from '../../core/ports.js';
import { readPattern } from '../../core/scope.js';
import { readDuration, type Duration } from '../../core/duration.js';

/** What `apply` receives: the desired state of one subject and one scope, not an event. */
export interface DesiredState<Scope extends string = string> {
  /** The subject whose access this is. */
  readonly subject: string;
  /** The scope of the access. */
  readonly scope: Scope;
  /** Whether the subject holds the scope now. Set the external system to this state, independently of its previous state. */
  readonly held: boolean;
  /**
   * Until when the access is held, as known at this call: an extension makes it later, a revoke ends it earlier. `undefined` if
   * the scope is not held. Epoch milliseconds. See {@link ProvisioningTarget.renews}.
   */
  readonly until: number | undefined;
  /**
   * Why the requester asked: the justification of the request whose grant gives the access now. Of several grants, the one that
   * ends last counts. `undefined`: it has none, or the scope is not held.
   */
  readonly reason: string | undefined;
  /** The ticket of that request. `undefined`: none, or the scope is not held. */
  readonly ticket: string | undefined;
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

/** Access that an external system gives. */
export interface HeldOutside<Scope extends string = string> {
  /** The subject that holds the access. */
  readonly subject: string;
  /** The scope of the access. */
  readonly scope: Scope;
}

/** An external system that provisioning keeps up to date with the current holders of each scope. */
export interface ProvisioningTarget<Scope extends string = string> {
  /** Identifies the external system, in every process and after a restart: all targets of one name share one record of its state. */
  readonly name: string;
  /**
   * The scopes and patterns that it knows: 1 to 1,000. Wildcards apply with every matcher.
   *
   * A grant of a pattern counts for each declared scope that it covers. A declared pattern receives what each grant shares with
   * it: for `db:*`, a grant of `db:a` gives the scope `db:a`, and a grant of `**` gives `db:*`. Each such scope is a state of its
   * own.
   */
  readonly scopes: readonly Scope[];
  /**
   * Brings the external system to the desired state. It may be called again with the same change, and must then have the
   * same effect once. It must settle; a rejection is a failed call.
   */
  apply(desired: DesiredState<Scope>): MaybePromise<void>;
  /**
   * Whether `apply` is called again, as a new change, when grants of a held scope were issued or ended: `until` may differ then.
   * Set it if the external system enforces `until`. Default: false.
   */
  readonly renews?: boolean | undefined;
  /**
   * Returns the access that the external system gives now, so that `reconcile()` finds drift. Pairs of a scope that this target
   * does not declare are ignored, and malformed pairs are named. At most 100,000 pairs. Default: none; `reconcile()` compares only its
   * own records.
   */
  readonly read?: ((options: { readonly signal: AbortSignal }) => MaybePromise<readonly HeldOutside<Scope>[]>) | undefined;
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
  readonly read: ((options: { readonly signal: AbortSignal }) => unknown) | undefined;
  readonly renews: boolean;
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

/** @throws InvalidArgumentError */
export function parseTarget(given: unknown): ParsedTarget {
  const {
    name,
    scopes,
    apply,
    read,
    renews = false,
    tries = 8,
    retryAfter = '1s',
    maxRetryAfter = '5m',
    timeout = '30s',
  } = readOptions<keyof ProvisioningTarget>('target', given, [
    'name',
    'scopes',
    'apply',
    'read',
    'renews',
    'tries',
    'retryAfter',
    'maxRetryAfter',
    'timeout',
  ]);
  if (typeof apply !== 'function') throw invalid('target.apply', 'a function', apply);
  if (read !== undefined && typeof read !== 'function') throw invalid('target.read', 'a function', read);
  assertBoolean('target.renews', renews);
  const list = readBoundedList('target.scopes', scopes, 1, MAX_SCOPES).map((scope, i) => readPattern(`target.scopes[${i}]`, scope));
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
    read:
      read &&
      ((options: { readonly signal: AbortSignal }): unknown => (read as NonNullable<ProvisioningTarget['read']>).call(given, options)),
    renews,
    backoff: Object.freeze(backoff),
    timeoutMs: readDuration('target.timeout', timeout),
  });
}
