import type { AccessClient } from '../../../../client.js';
import { names, OLD_BY } from '../../frame/old-by.js';
import type { Query } from '../../frame/read-model.js';

export type InboxRead = Awaited<ReturnType<AccessClient['inbox']>> & { readonly limit: number };

/** What the subject of a request holds. */
export type Holding = NonNullable<InboxRead['holdings']>[number];

/** How risky a request is, as the policy says. */
export type Risk = NonNullable<NonNullable<InboxRead['risks']>[number]['risk']>;

/** Whether such a request must be decided alone. */
export const isHigh = (risk: Risk | undefined): boolean => risk === 'high' || risk === 'critical';

/** The pending requests that the viewer may review now, with what their subjects hold, in one call. */
export const inboxQuery = (limit: number): Query<InboxRead> => ({
  key: `inbox ${String(limit)}`,
  read: async (client, signal) => ({ ...(await client.inbox({ limit, holdings: true }, { signal, people: true })), limit }),
  isOld: (change, { items, holdings = [] }) =>
    OLD_BY.inbox(change) ||
    names(
      [...items.flatMap(({ request, twins }) => [request.id, ...twins]), ...holdings.flatMap(({ grants }) => grants.map(({ id }) => id))],
      change,
    ),
  changesAt: ({ changesAt }) => changesAt,
});
