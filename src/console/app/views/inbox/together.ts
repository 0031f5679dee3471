import type { InboxItem } from '../../../../index.js';
import { isHigh, type InboxRead } from './read.js';

/** The most requests that are decided at once. */
export const MOST_CHOSEN = 20;

/** Why a request must be decided alone. */
export type Alone = 'risk' | 'unknown' | 'locked' | 'denied' | 'signIn';

/** Why a request cannot be decided together with others. `undefined`: it can. @param risks of the answer that lists it */
export function aloneBy({ request, locked, denials }: InboxItem, risks: InboxRead['risks']): Alone | undefined {
  const known = risks?.find(({ requestId }) => requestId === request.id);
  if (known === undefined) return 'unknown';
  if (isHigh(known.risk)) return 'risk';
  if (locked) return 'locked';
  if (denials.length > 0) return 'denied';
  return request.quorum?.assurance === undefined ? undefined : 'signIn';
}

/** A request as it was shown when it was chosen. */
export type Chosen = ReadonlyMap<string, InboxItem>;

/**
 * The chosen requests that are unchanged, and those that are not: they have ended, or something about them was recorded.
 *
 * @param mayDecide whether the viewer may decide an item now, together with others
 */
export function sorted(chosen: Chosen, shown: ReadonlyMap<string, InboxItem>, mayDecide: (item: InboxItem) => boolean) {
  const same: InboxItem[] = [];
  const changed: InboxItem[] = [];
  for (const [id, item] of chosen) {
    const now = shown.get(id);
    if (now !== undefined && isSame(now, item) && mayDecide(now)) same.push(now);
    else changed.push(item);
  }
  return { same, changed };
}

/** A comment is no new version of its request. */
const isSame = (a: InboxItem, b: InboxItem): boolean => a.request.version === b.request.version && a.comments.length === b.comments.length;
