import { readField } from '../core/parse.js';

/** The time limit of a client's call. It is no signal, because each call would pay for one. */
export interface CallLimit {
  hasPassed: boolean;
}

const LIMIT = Symbol('limit');

/**
 * Options of a verb, for the call of a client: once its limit has passed, the client has its answer, and the verb begins no commit. A
 * symbol, because no option has such a name, and because a `Proxy` around an engine passes it on, as does a copy of the options.
 */
export const limitedBy = <T extends object>(limit: CallLimit, options: T): T => ({ ...options, [LIMIT]: limit });

/** The limit of the call for which a verb was called. `undefined`: it has none. @throws InvalidArgumentError */
export const limitIn = (options: object): CallLimit | undefined => readField('options', options, LIMIT) as CallLimit | undefined;

/** Its caller is gone: no client, and no log, gets this error. @throws Error */
export function refuseAnswered(limit: CallLimit | undefined): void {
  if (limit?.hasPassed === true) throw new Error('the call was answered before');
}
