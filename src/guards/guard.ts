import { isJitError } from '../core/errors.js';
import { invalid, readPort } from '../core/parse.js';
import type { Decision } from '../records/index.js';
import { isScope } from '../core/scope.js';
import { makeAccess, type WatchedAccess } from './access.js';
import { readCaller, readNeed, type Caller, type GuardEngine, type GuardOptions } from './options.js';
import type { Admitted, Guard, Refused } from './outcome.js';
import { accessRequired, invalidScope, unauthenticated, unavailable, type Refusal } from './refusal.js';

/**
 * The guard underneath every adapter: engine and options in, a decision or the data of a response out. It knows no
 * framework, and takes identity from nothing but `subject`.
 *
 * An adapter calls it for each request, sends the refusal or hands `access` on, and calls `stop`, if there is one, at the end. Whatever it
 * rejects with is for the framework's error handling; the handler is not for such a request.
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
  return async (...args) => {
    const outcome = await asked(() => decide(caller, need, args));
    if (!outcome.allowed) caller.onRefused(outcome, ...args);
    return outcome;
  };
}

/** Frameworks take what is thrown for more than it is: to Express, `undefined` is no error, and 'route' the way past the guard. */
async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Error ? error : new Error('subject or scope has thrown what is no error', { cause: error });
  }
}

async function decide<Args extends readonly unknown[]>(
  caller: Caller<Args>,
  need: string | ((...args: Args) => unknown),
  args: Args,
): Promise<Admitted | Refused> {
  const subject = await caller.subject(...args);
  if (subject === undefined || subject === null || subject === '') return refused(unauthenticated(caller.realm));
  if (typeof subject !== 'string') throw invalid('subject(...)', 'a string; undefined, null or an empty one for nobody', subject);
  const scope = typeof need === 'string' ? need : await need(...args);
  if (!isScope(scope)) return refused(invalidScope());
  try {
    return await admit(caller, subject, scope);
  } catch (error) {
    return refusedBy(error, caller, scope);
  }
}

/** @throws whatever the engine throws */
async function admit(caller: Caller<never>, subject: string, scope: string): Promise<Admitted | Refused> {
  const { engine, touch, abortOnEnd, requestUrl } = caller;
  const decision = await engine.check(subject, scope, { touch });
  if (!decision.allowed) return refused(accessRequired(scope, requestUrl), decision);
  if (abortOnEnd === undefined) return admitted(decision, undefined);
  const watch = readPort<WatchedAccess>('abortOnEnd(...)', await abortOnEnd(subject, scope), ['stop']);
  // The access may have ended in the turn in which the watch was handed over.
  watch.signal.throwIfAborted();
  return admitted(decision, watch);
}

function admitted(decision: Decision, watch: WatchedAccess | undefined): Admitted {
  return { allowed: true, access: makeAccess(decision, watch), stop: watch && (() => watch.stop()) };
}

function refused(refusal: Refusal, decision?: Decision, error?: unknown): Refused {
  return { allowed: false, refusal, decision, error };
}

/**
 * An invalid subject is no id of anybody who could hold access: that caller is not authenticated. Any other argument that the
 * engine finds invalid is the service's own, as the matcher of a checker is, and says nothing about the caller.
 */
function refusedBy(error: unknown, { realm, requestUrl, retryAfterMs }: Caller<never>, scope: string): Refused {
  const isOfSubject = isJitError(error) && error.code === 'ERR_JIT_INVALID_ARGUMENT' && error.argument === 'subject';
  if (isOfSubject) return refused(unauthenticated(realm), undefined, error);
  if (isJitError(error) && error.code === 'ERR_JIT_DENIED') return refused(accessRequired(scope, requestUrl), error.decision, error);
  return refused(unavailable(retryAfterMs), undefined, error);
}
