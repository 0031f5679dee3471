import { invalid } from '../../core/parse.js';
import type { Served } from './operation.js';
import type { HttpCaller, HttpPermission, ParsedHttpOptions } from './options.js';
import { HttpError } from './problem.js';

/** The caller that `identify` returned, with its id as the engine reads it. */
export interface Identified {
  readonly caller: HttpCaller;
  readonly self: string;
}

const unavailable = (): HttpError =>
  new HttpError(503, ['unavailable', 'Unavailable', 'The caller cannot be identified now. Try again later.'], { 'retry-after': '5' });

/**
 * Asks `identify`. A failure is a 503: a session store that is down must not look like a sign-out.
 *
 * @returns `undefined`: the caller is not authenticated
 */
export async function identifyCaller(
  request: Request,
  { options, kernel }: Pick<Served, 'options' | 'kernel'>,
): Promise<Identified | undefined> {
  try {
    const caller = await options.identify(request);
    if (caller === undefined || caller === null || caller === false) return undefined;
    if (typeof caller !== 'object') throw invalid('identify', 'an object with subject, or undefined', caller);
    return { caller, self: kernel.settings.readId('identify.subject', caller.subject) };
  } catch (error) {
    options.onError(error, 'identify');
    throw unavailable();
  }
}

/** Asks `may`. Only `true` permits. A failure is a 503, and permits nothing. */
export async function isPermitted({ may, onError }: ParsedHttpOptions, permission: HttpPermission): Promise<boolean> {
  try {
    return (await may(permission)) === true;
  } catch (error) {
    onError(error, 'may');
    throw unavailable();
  }
}
