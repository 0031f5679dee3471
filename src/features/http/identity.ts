import { invalid } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import type { Served } from './operation.js';
import type { HttpCaller, HttpPermission, ParsedHttpOptions } from './options.js';
import { ownProblem } from './problem.js';

/** The caller that `identify` returned, with its id as the engine reads it. */
export interface Identified {
  readonly caller: HttpCaller;
  readonly self: string;
}

/** Calls a function of the service. Its failure is a 503 and decides nothing: the service is down, and no caller was refused. */
export async function callHook<T>(call: () => MaybePromise<T>, hook: string, onError: ParsedHttpOptions['onError']): Promise<T> {
  try {
    return await call();
  } catch (error) {
    onError(error, hook);
    throw ownProblem('unavailable', { headers: { 'retry-after': '5' } });
  }
}

/** Asks `identify`. @returns `undefined`: the caller is not authenticated */
export function identifyCaller(request: Request, { options, kernel }: Pick<Served, 'options' | 'kernel'>): Promise<Identified | undefined> {
  const identify = async (): Promise<Identified | undefined> => {
    const caller = await options.identify(request);
    if (caller === undefined || caller === null || caller === false) return undefined;
    if (typeof caller !== 'object') throw invalid('identify', 'an object with subject, or undefined', caller);
    return { caller, self: kernel.settings.readId('identify.subject', caller.subject) };
  };
  return callHook(identify, 'identify', options.onError);
}

/** Asks `may`. Only `true` permits. */
export async function isPermitted({ may, onError }: ParsedHttpOptions, permission: HttpPermission): Promise<boolean> {
  return (await callHook(() => may(permission), 'may', onError)) === true;
}
