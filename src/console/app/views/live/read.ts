import type { AccessClient } from '../../../../client.js';
import type { EngineStats } from '../../../../explain.js';
import type { LockWithStatus } from '../../../../index.js';
import { nextOf } from '../../frame/clock.js';
import { OLD_BY } from '../../frame/old-by.js';
import type { Query } from '../../frame/read-model.js';
import { queryOf, type Filters } from './filters.js';

/** A page of open grants, with the number of rows that was asked for. */
export type HeldPage = Awaited<ReturnType<AccessClient['listGrants']>> & { readonly limit: number };

/**
 * What is held and what begins later, the next end first. A page of the API may be short, so it is read until it is full.
 *
 * @param hasPatterns as of `selectionOf`
 */
export const heldQuery = (filters: Filters, limit: number, hasPatterns: boolean): Query<HeldPage> => ({
  key: `held ${String(limit)} ${JSON.stringify(filters)}`,
  async read(client, signal) {
    const query = { ...queryOf(filters, hasPatterns), limit };
    let page = await client.listGrants(query, { signal, people: true });
    while (page.items.length < limit && page.next !== undefined) {
      const more = await client.listGrants({ ...query, limit: limit - page.items.length, after: page.next }, { signal, people: true });
      const changesAt = nextOf([page.changesAt, more.changesAt]);
      page = { ...more, items: [...page.items, ...more.items], people: { ...page.people, ...more.people }, changesAt };
    }
    return { ...page, limit };
  },
  isOld: OLD_BY.held,
  changesAt: ({ changesAt }) => changesAt,
});

/** Numbers of the service. No event says that a sink or the sweeper is behind: they are read each minute. */
export const statsQuery = (isPermitted: boolean): Query<EngineStats | undefined> => ({
  key: `stats ${String(isPermitted)}`,
  read: (client, signal) => (isPermitted ? client.stats({ signal }) : Promise.resolve(undefined)),
  isOld: OLD_BY.none,
});

export const locksQuery: Query<readonly LockWithStatus[]> = {
  key: 'locks',
  read: (client, signal) => client.listLocks({ signal, people: true }),
  isOld: OLD_BY.locks,
  changesAt: (locks) => nextOf(locks.map(({ until }) => until)),
};
