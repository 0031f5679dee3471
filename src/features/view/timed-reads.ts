import { StoreError } from '../../core/errors.js';
import type { MaybePromise } from '../../core/ports.js';
import type { GrantStore } from '../../core/store-port.js';
import type { EngineClock } from '../../core/clock.js';
import { isThenable } from '../../core/thenable.js';
import { within } from '../../core/timers.js';

/** The reads of a view. */
export type ViewReads = Pick<GrantStore, 'namespace' | 'get' | 'live' | 'find' | 'journal'>;

/** How long one read may take, in milliseconds. It is longer than the limit of one statement in the stores of this package. */
const READ_MS = 10_000;

/**
 * The reads of a store, each with a time limit. One run of a view follows the other, so a read that never settles would end the
 * view for ever, also after the store answers again (L38). A late answer is ignored.
 */
export function timedReads(store: ViewReads, { source }: EngineClock): ViewReads {
  const timed = <T>(method: keyof GrantStore, answer: MaybePromise<T>): MaybePromise<T> => {
    if (!isThenable(answer)) return answer;
    const late = () => new StoreError(method, `no answer within ${READ_MS} ms: the view reads again`, undefined);
    return within<T>(source, READ_MS, () => answer, late);
  };
  return {
    namespace: store.namespace,
    get: async (keys) => timed('get', store.get(keys)),
    live: (query) => timed('live', store.live(query)),
    find: async (query) => timed('find', store.find(query)),
    journal: async (query) => timed('journal', store.journal(query)),
  };
}
