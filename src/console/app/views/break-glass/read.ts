import type { AccessClient } from '../../../../client.js';
import { names, OLD_BY } from '../../frame/old-by.js';
import type { Query } from '../../frame/read-model.js';

export type Reviews = Awaited<ReturnType<AccessClient['listBreakGlassReviews']>>;
export type Listed = Reviews['items'][number];

/** A person takes break-glass once and waits for its review, so there are few. */
const MOST = 1_000;

/** The pending reviews that the viewer may give, or all. The menu counts them. */
export const reviewsQuery = (seesAll: boolean): Query<Reviews> => ({
  key: `reviews ${String(seesAll)}`,
  read: (client, signal) => client.listBreakGlassReviews({ limit: MOST, ...(seesAll && { all: true }) }, { signal, people: true }),
  isOld: (change, { items }) =>
    OLD_BY.reviews(change) ||
    names(
      items.map(({ request }) => request.id),
      change,
    ),
});
