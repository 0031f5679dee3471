import { invalid } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import type { ReviewerAuth } from '../../engine/by.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import type { Kernel } from '../../kernel/kernel.js';
import { readAuthentication } from '../../lifecycle/assurance.js';
import { isObject } from '../../records/index.js';
import { headerOf } from '../json-body/headers.js';
import type { Call, Served } from './operation.js';
import type { HttpCaller, HttpPermission, ParsedHttpOptions } from './options.js';
import { HttpError, ownProblem } from './problem.js';

/** The answer to a failure that `onError` has received. */
const unavailable = () => new HttpError(ownProblem('unavailable', { headers: { 'retry-after': '5' } }).answer, true);

/** Ends the work of a call that has its answer. @throws HttpError that no client gets */
export function refuseIfLate({ hasPassed }: CallLimit): void {
  if (hasPassed) throw unavailable();
}

/**
 * Calls a function of the service. Its failure is a 503 and decides nothing: the service is down, and no caller was refused. Nothing
 * follows from an answer that comes after the time limit of the call.
 */
export async function callHook<T>(
  limit: CallLimit,
  call: () => MaybePromise<T>,
  hook: string,
  onError: ParsedHttpOptions['onError'],
): Promise<T> {
  refuseIfLate(limit);
  let answer: T;
  try {
    answer = await call();
  } catch (error) {
    onError(error, hook);
    throw unavailable();
  }
  refuseIfLate(limit);
  return answer;
}

/** Asks `identify`. @returns `undefined`: the caller is not authenticated */
export function identifyCaller(
  request: Request,
  { identify, onError }: ParsedHttpOptions,
  limit: CallLimit,
): Promise<HttpCaller | undefined> {
  const ask = async (): Promise<HttpCaller | undefined> => {
    const caller: unknown = await identify(request);
    if (caller === undefined || caller === null || caller === false) return undefined;
    if (!isObject(caller)) throw invalid('identify', 'a function that returns an object with subject, or undefined', caller);
    return caller as unknown as HttpCaller;
  };
  return callHook(limit, ask, 'identify', onError);
}

/** The id of the caller as the engine reads it. A wrong id is a mistake of `identify`, and not of the client: 503. */
export function readSelf({ settings }: Kernel, { onError }: ParsedHttpOptions, { subject }: HttpCaller): string {
  try {
    return settings.readId('identify.subject', subject);
  } catch (error) {
    onError(error, 'identify');
    throw unavailable();
  }
}

/**
 * Refuses a call that was made for another caller: a page shows the name of one person, and its cookie may be that of another by now.
 * Called before anything of the call is judged or counted.
 *
 * @throws HttpError 412, or InvalidArgumentError for a header that names no caller, or several
 */
export function refuseOtherCaller(request: Request, { settings }: Kernel, self: string): void {
  const header = headerOf(request, 'jit-caller');
  if (header !== null && settings.readId('Jit-Caller', decoded(header)) !== self) throw ownProblem('caller-changed');
}

/** Ids may have characters that no header has, so it is encoded as a part of a URI. A repeated header arrives with a comma. */
function decoded(header: string): string {
  try {
    if (!header.includes(',')) return decodeURIComponent(header);
  } catch {
    // The same answer as for a repeated header.
  }
  throw invalid('Jit-Caller', 'one id, encoded as by encodeURIComponent', header);
}

/** The authentication of a caller who reviews. A wrong one is a mistake of `identify`, and not of the client: 503. */
export function authOf({ caller: { auth }, options: { onError } }: Pick<Call, 'caller' | 'options'>): ReviewerAuth | undefined {
  try {
    return readAuthentication('identify.auth', auth);
  } catch (error) {
    onError(error, 'identify');
    throw unavailable();
  }
}

/** An id of a call as the engine reads it: `may` judges the id that the engine acts on. @throws InvalidArgumentError */
export const idOf = <Given extends string | undefined>({ kernel }: Pick<Served, 'kernel'>, argument: string, given: Given): Given =>
  (given === undefined ? given : kernel.settings.readId(argument, given)) as Given;

/** Asks `may`. Only `true` permits. */
export async function isPermitted({ may, onError }: ParsedHttpOptions, permission: HttpPermission, limit: CallLimit): Promise<boolean> {
  return (await callHook(limit, () => may(permission), 'may', onError)) === true;
}
