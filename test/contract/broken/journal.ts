import { GENESIS, hashOfEntry, link } from '../../../src/journal/link.js';
import type { JournalSlice } from '../../../src/core/store-port.js';
import type { AuditEntry } from '../../../src/records/index.js';
import type { Bend } from './bent-store.js';
import { broken, commits } from './bent-store.js';

/** A store whose journal is changed when it is read. */
const slices =
  (bend: (slice: JournalSlice) => JournalSlice): Bend =>
  (inner) => ({ journal: async (query) => bend(await inner.journal(query)) });

const entries = (bend: (entry: AuditEntry, i: number) => AuditEntry): Bend =>
  slices((slice) => ({ ...slice, entries: slice.entries.map(bend) }));

/** A separate journal, chained by its own rule. */
function chained(hash: (prevHash: string, seq: number, digest: string) => string, seqOf = (seq: number) => seq): Bend {
  return (inner) => ({
    async journal({ after, limit }) {
      const kept = await inner.journal({ after: 0, limit: 10_000 });
      let prevHash = kept.start.hash;
      const all = kept.entries.map((entry): AuditEntry => {
        const seq = seqOf(entry.seq);
        const linked = { ...entry, seq, prevHash, hash: hash(prevHash, seq, entry.digest) };
        prevHash = linked.hash;
        return linked;
      });
      const last = all.at(-1);
      return {
        entries: all.filter((entry) => entry.seq > after).slice(0, limit),
        start: kept.start,
        head: last === undefined ? kept.head : { seq: last.seq, hash: last.hash },
      };
    },
  });
}

/** Guarantee 5 broken: a gap, a wrong link, or another order. */
export const JOURNAL = [
  broken('an empty journal has no anchors', 'is empty at first', (inner) => ({
    async journal(query) {
      const slice = await inner.journal(query);
      return slice.head.seq > 0 ? slice : { ...slice, head: { seq: 0, hash: '' } };
    },
  })),
  broken(
    'a gap in the sequence',
    'numbers entries 1, 2, 3 in the order of commits',
    chained(hashOfEntry, (seq) => (seq > 2 ? seq + 1 : seq)),
  ),
  broken(
    'the sequence begins at 0',
    'numbers entries 1, 2, 3 in the order of commits',
    chained(hashOfEntry, (seq) => seq - 1),
  ),
  broken(
    'the entries of a change are sorted',
    'numbers entries 1, 2, 3 in the order of commits',
    commits(({ append }) => ({ append: [...append].sort((a, b) => (a.id < b.id ? -1 : 1)) })),
  ),
  broken(
    'a wrong link: prevHash is that of the start',
    'links each entry to the one before',
    entries((entry) => ({ ...entry, prevHash: GENESIS.hash })),
  ),
  broken(
    'the hash covers the previous seq',
    'links each entry to the one before',
    chained((prevHash, seq, digest) => hashOfEntry(prevHash, seq - 1, digest)),
  ),
  broken(
    'the hash omits the previous entry',
    'links each entry to the one before',
    chained((_, seq, digest) => hashOfEntry(GENESIS.hash, seq, digest)),
  ),
  broken(
    'hashes are upper-case',
    'links each entry to the one before',
    entries((entry) => ({ ...entry, hash: entry.hash.toUpperCase(), prevHash: entry.prevHash.toUpperCase() })),
  ),
  broken(
    'the data of an entry are not kept',
    'keeps every field of an entry',
    entries((entry) => ({ ...entry, data: {} })),
  ),
  broken(
    'the instant of an entry is the real time',
    'keeps every field of an entry',
    entries((entry) => ({ ...entry, at: Date.now() })),
  ),
  broken(
    'an absent field of an entry comes back as null',
    'keeps every field of an entry',
    entries((entry) => ({ ...entry, grantId: entry.grantId ?? (null as unknown as string) })),
  ),
  broken(
    'two changes are linked to the same head',
    'has no gap, no double and no broken link after 64 concurrent changes',
    (inner, { log }) => ({
      async commit(change) {
        const last = log.at(-1);
        const head = last === undefined ? GENESIS : { seq: last.seq, hash: last.hash };
        const answer = await inner.commit(change);
        if (answer.outcome === 'committed') log.push(...link(head, change.append));
        return answer;
      },
      journal: async ({ after, limit }) => ({
        entries: log.filter((entry) => entry.seq > after).slice(0, limit),
        start: GENESIS,
        head: log.at(-1) ?? GENESIS,
      }),
    }),
  ),
  broken('entries of concurrent changes are mixed', 'has no gap, no double and no broken link after 64 concurrent changes', (inner) => ({
    async commit(change) {
      const answer = await inner.commit({ ...change, append: change.append.slice(0, 1) });
      for (const [i, entry] of change.append.slice(1).entries()) {
        await inner.commit({ id: `${change.id}/${i}`, expect: [], put: [], append: [entry] });
      }
      return answer;
    },
  })),
  broken('a conflict uses up a seq', 'leaves no gap for a change that conflicted among others', (inner, shared) => ({
    async commit(change) {
      const answer = await inner.commit(change);
      if (answer.outcome === 'conflict') shared.count += 1;
      else for (const { id } of change.append) shared.offsets.set(id, shared.count);
      return answer;
    },
    async journal(query) {
      const slice = await inner.journal(query);
      return { ...slice, entries: slice.entries.map((entry) => ({ ...entry, seq: entry.seq + (shared.offsets.get(entry.id) ?? 0) })) };
    },
  })),
  broken('entries are ordered by the start of their commit', 'has its entries in the order of commits', (inner, shared) => ({
    async commit(change) {
      // The seq is taken before the transaction, as a database sequence or a clock would give it.
      const place = (shared.count += 1);
      for (let turn = place % 3; turn > 0; turn--) await Promise.resolve();
      const answer = await inner.commit(change);
      if (answer.outcome === 'committed') for (const { id } of change.append) shared.offsets.set(id, place);
      return answer;
    },
    async journal({ after, limit }) {
      const { entries: kept } = await inner.journal({ after: 0, limit: 10_000 });
      const placeOf = (entry: AuditEntry) => shared.offsets.get(entry.id) ?? 0;
      const all = link(
        GENESIS,
        [...kept].sort((a, b) => placeOf(a) - placeOf(b)),
      );
      return { entries: all.slice(after, after + limit), start: GENESIS, head: all.at(-1) ?? GENESIS };
    },
  })),
  broken('entries are ordered by the id of their change', 'has every entry of a commit that was answered before another', (inner) => ({
    async journal({ after, limit }) {
      const { entries: kept } = await inner.journal({ after: 0, limit: 10_000 });
      const all = link(
        GENESIS,
        [...kept].sort((a, b) => (a.id < b.id ? -1 : 1)),
      );
      return { entries: all.slice(after, after + limit), start: GENESIS, head: all.at(-1) ?? GENESIS };
    },
  })),
  broken('a page starts with the entry at after', 'gives pages after a number', (inner) => ({
    journal: (query) => inner.journal({ ...query, after: Math.max(0, query.after - 1) }),
  })),
  broken('a page is one entry too long', 'gives pages after a number', (inner) => ({
    journal: (query) => inner.journal({ ...query, limit: query.limit + 1 }),
  })),
  broken('a page never has more than three entries', 'gives pages after a number', (inner) => ({
    async journal(query) {
      const slice = await inner.journal({ ...query, limit: Math.min(3, query.limit) });
      return query.after >= 3 && query.limit > 5 ? { ...slice, entries: [] } : slice;
    },
  })),
  broken('the head is that of the page', 'gives start and head with every page', slices(headOfPage)),
  broken('a page is found by position, which later entries shift', 'loses nothing between pages while it grows', (inner, shared) => ({
    async journal(query) {
      const slice = await inner.journal(query);
      const grown = query.after > 0 && shared.count < slice.head.seq ? 1 : 0;
      shared.count = slice.head.seq;
      return { ...slice, entries: slice.entries.slice(grown) };
    },
  })),
  broken('a change without entries gets an entry from the store', 'does not move for a change without entries', (inner) => ({
    async commit(change) {
      const { head } = await inner.journal({ after: 0, limit: 1 });
      const { entries: last } = await inner.journal({ after: head.seq - 1, limit: 1 });
      return inner.commit(change.append.length > 0 ? change : { ...change, append: last });
    },
  })),
];

function headOfPage(slice: JournalSlice): JournalSlice {
  const last = slice.entries.at(-1);
  return last === undefined ? slice : { ...slice, head: { seq: last.seq, hash: last.hash } };
}
