import type { GrantStore } from 'jit-access';
import type { Row } from 'jit-access/store';
import { rowsLike } from './live-store.js';
import type { LiveGrant } from './world.js';

const NO_ENTRY = { seq: 0, hash: '0'.repeat(64) };

/**
 * The reads of a store with these live grants and no journal. Each page is made when it is read, as a driver makes it, so the bytes of a
 * view over it are those of the view alone.
 */
export function rowSource(grants: Iterable<LiveGrant>): Pick<GrantStore, 'namespace' | 'durability' | 'get' | 'live' | 'find' | 'journal'> {
  const rows = rowsLike(grants);
  const none = Object.freeze([]) as readonly Row[];
  return {
    namespace: 'default',
    durability: 'memory',
    get: async (keys) => keys.map(() => undefined),
    live: () => none,
    journal: async () => ({ entries: [], start: NO_ENTRY, head: NO_ENTRY }),
    async find({ kind, limit }) {
      if (kind !== 'grant') return { items: [], next: undefined };
      const items: Row[] = [];
      for (let next = await rows.next(); next.done !== true; next = await rows.next()) {
        items.push(next.value);
        if (items.length === limit) return { items, next: JSON.stringify([next.value.createdAt, next.value.id]) };
      }
      return { items, next: undefined };
    },
  };
}
