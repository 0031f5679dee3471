import type { NamespacePart, GrantStore } from '../../../src/core/store-port.js';
import type { Bend, Shared } from './bent-store.js';
import { broken } from './bent-store.js';

type Adopt = Required<GrantStore>['adopt'];

/** An `adopt` that calls the memory store with a changed part, or not at all. */
const adopt =
  (bend: (adopt: Adopt, part: NamespacePart, inner: GrantStore, shared: Shared) => Promise<void>): Bend =>
  (inner, shared) => ({ adopt: async (part) => bend((inner as Required<GrantStore>).adopt.bind(inner), part, inner, shared) });

const refused = (error: unknown): undefined => {
  if ((error as { code?: unknown }).code !== 'ERR_JIT_STORE') throw error;
  return undefined;
};

/** Guarantee 1 broken for `adopt`. */
export const ADOPTING = [
  broken(
    'adopt() begins each row at version 1',
    'takes rows, entries and both anchors as they are, and continues from them',
    adopt((take, part) => take({ ...part, rows: part.rows.map((row) => ({ ...row, version: 1 })) })),
  ),
  broken(
    'an adopted journal has no start of its own',
    'takes rows, entries and both anchors as they are, and continues from them',
    (inner) => ({
      async journal(query) {
        const slice = await inner.journal(query);
        return slice.start.seq === 40 ? { ...slice, start: { seq: 0, hash: '0'.repeat(64) } } : slice;
      },
    }),
  ),
  broken('a namespace that is arriving has an empty journal', 'is closed until the last part has arrived', (inner) => ({
    journal: (query) =>
      inner.journal(query).catch((error: unknown) => {
        if ((error as { code?: unknown }).code !== 'ERR_JIT_MOVED') throw error;
        const zero = { seq: 0, hash: '0'.repeat(64) };
        return { entries: [], start: zero, head: zero };
      }),
  })),
  broken(
    'a part for a namespace in use is ignored',
    'refuses a namespace to which a change was committed',
    adopt((take, part) => take(part).catch(refused)),
  ),
  broken(
    'adopt() refuses a part that it has',
    'has one effect where a part is sent again, one after the other or at once',
    adopt(async (take, part, inner, { ids }) => {
      const name = JSON.stringify([inner.namespace, part]);
      if (ids.has(name)) throw new Error('this part is there');
      await take(part);
      ids.add(name);
    }),
  ),
  broken(
    'adopt() keeps the first row of a key',
    'replaces a row of an earlier part',
    adopt(async (take, part, inner) => {
      const kept = await inner.get(part.rows);
      await take({ ...part, rows: part.rows.filter((_, i) => kept[i] === undefined) });
    }),
  ),
  broken(
    'adopt() believes the anchors of the last part',
    'opens no namespace whose entries do not reach from start to head',
    adopt((take, part) => take(part).catch((error: unknown) => (part.anchors === undefined ? Promise.reject(error as Error) : undefined))),
  ),
  broken(
    'adopt() needs an entry',
    'takes a namespace whose journal was trimmed whole',
    adopt(async (take, part) => {
      if (part.anchors !== undefined && part.anchors.head.seq === part.anchors.start.seq) throw new Error('there is no entry');
      await take(part);
    }),
  ),
  broken(
    'adopted entries have the ids of no change',
    'knows the changes that the other store has committed',
    adopt((take, part) => take({ ...part, entries: part.entries.map((entry) => ({ ...entry, id: entry.id.replace('.', '-') })) })),
  ),
  broken(
    'adopt() takes a part of any size',
    'refuses a part that is larger than a change, or of another namespace, applying nothing',
    adopt(async (take, part) => take({ ...part, rows: part.rows.slice(0, 1_000) })),
  ),
  broken(
    'an outage of adopt() is answered as success',
    'rejects adopt()',
    adopt((take, part) => take(part).catch(refused)),
  ),
];
