import { isJitError } from '../core/errors.js';
import { invalid, readPort } from '../core/parse.js';
import type { Decision } from '../records/index.js';
import { isScope } from '../core/scope.js';
import { makeAccess, type Access, type WatchedAccess } from './access.js';
import { readCaller, readNeed, type Caller, type GuardEngine, type GuardOptions, type GuardView } from './options.js';
import { createObserver } from './observe.js';
import type { Admitted, Guard, Refused } from './outcome.js';
import { accessRequired, invalidScope, unauthenticated, unavailable, type Refusal } from './refusal.js';

/**
 * The guard under every adapter: it takes an engine and options, and returns a decision or the data of a response. It knows
 * no framework, and takes the identity only from `subject`.
 *
 * An adapter calls the guard for each request. It sends the refusal or passes `access` on, and calls `stop`, if present, at
 * the end. It passes every rejection to the framework's error handling, and does not run the handler then.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * const guard = createGuard(engine, { subject: (request: Request) => sessionOf(request)?.userId, scope: 'db-prod:write' });
 * const outcome = await guard(request);
 */
export function createGuard<Args extends readonly unknown[], Scope extends string = string>(
  engine: GuardEngine<Scope>,
  options: GuardOptions<Args, NoInfer<Scope>>,
): Guard<Args> {
  const caller = readCaller<Args>(engine, options);
  const need = readNeed<Args>(options);
  const observe = createObserver(caller);
  const observing = { ...caller, writes: { touch: false, recordUse: false } };
  return async (...args) => {
    if (caller.observes()) return observe(() => decide(observing, need, args), args);
    const outcome = await asked(() => decide(caller, need, args));
    if (!outcome.allowed) {
      if (outcome.refusal.status === 503) caller.onError(outcome.error, 'check');
      caller.onRefused(outcome, ...args);
    }
    return outcome;
  };
}

/**
 * Makes every rejection an `Error`. Frameworks interpret other values: Express reads `undefined` as "no error", and 'route'
 * for "skip the remaining handlers of the route", which skips the guard.
 */
async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Error ? error : new Error('subject or scope threw a value that is not an error', { cause: error });
  }
}

async function decide<Args extends readonly unknown[]>(
  caller: Caller<Args>,
  need: string | ((...args: Args) => unknown),
  args: Args,
): Promise<Admitted | Refused> {
  const subject = await caller.subject(...args);
  if (subject === undefined || subject === null || subject === '') return refused(unauthenticated(caller.realm));
  if (typeof subject !== 'string')
    throw invalid('subject(...)', 'a string, or undefined, null or an empty one if the caller is unknown', subject);
  const scope = typeof need === 'string' ? need : await need(...args);
  if (!isScope(scope)) return refused(invalidScope());
  try {
    return await admit(caller, subject, scope);
  } catch (error) {
    return refusedBy(error, caller, scope);
  }
}

/** @throws every error of the engine */
async function admit(caller: Caller<never>, subject: string, scope: string): Promise<Admitted | Refused> {
  const { engine, view, writes, abortOnEnd, requestUrl } = caller;
  const { decision, grantId } = (view && seenBy(view, subject, scope)) ?? ofEngine(await engine.check(subject, scope, writes));
  if (!decision.allowed) return refused(accessRequired(scope, requestUrl), decision);
  if (abortOnEnd === undefined) return admitted(makeAccess(decision, grantId, undefined), undefined);
  const watch = readPort<WatchedAccess>('abortOnEnd(...)', await abortOnEnd(subject, scope), ['stop']);
  // The access may have ended in the turn in which `abortOnEnd` resolved.
  watch.signal.throwIfAborted();
  return admitted(makeAccess(decision, grantId, watch), () => watch.stop());
}

interface Decided {
  readonly decision: Decision;
  readonly grantId: string | undefined;
}

const ofEngine = (decision: Decision): Decided => ({ decision, grantId: decision.grant?.id });

/** The decision of a view. `undefined`: the view cannot answer, or an engine may allow what the view may not. */
function seenBy(view: GuardView, subject: string, scope: string): Decided | undefined {
  const { allowed, reason, at, grantId, pattern, validUntil } = view.check(subject, scope);
  const isYes = reason === 'granted' || reason === 'standing';
  if (!isYes && reason !== 'no_grant' && reason !== 'not_started' && reason !== 'locked') return undefined;
  // A yes needs both.
  if (allowed !== isYes) return undefined;
  return { decision: { allowed, reason, subject, scope, at, grant: undefined, pattern, validUntil }, grantId };
}

const admitted = (access: Access, stop: (() => void) | undefined): Admitted => ({ allowed: true, access, stop });

function refused(refusal: Refusal, decision?: Decision, error?: unknown): Refused {
  return { allowed: false, refusal, decision, error };
}

/**
 * An invalid subject cannot be the id of a caller who holds access, so that caller is not authenticated. Any other invalid
 * argument is a mistake of the service, for example a checker's matcher, and says nothing about the caller.
 */
function refusedBy(error: unknown, { realm, requestUrl, retryAfterMs }: Caller<never>, scope: string): Refused {
  const isOfSubject = isJitError(error) && error.code === 'ERR_JIT_INVALID_ARGUMENT' && error.argument === 'subject';
  if (isOfSubject) return refused(unauthenticated(realm), undefined, error);
  if (isJitError(error) && error.code === 'ERR_JIT_DENIED') return refused(accessRequired(scope, requestUrl), error.decision, error);
  return refused(unavailable(retryAfterMs), undefined, error);
}
