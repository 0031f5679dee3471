import { refuseLargeChange } from '../../../src/core/change-size.js';
import { GENESIS } from '../../../src/journal/link.js';
import type { Row } from '../../../src/core/store-port.js';
import { answered, broken, commits, rowsOut } from './bent-store.js';

/** Guarantee 1 broken: a change is applied in part. */
export const WHOLE = [
  broken(
    'a row without its entry',
    'stores every row and every entry of a change',
    commits(() => ({ append: [] })),
  ),
  broken(
    'an entry without its row',
    'stores every row and every entry of a change',
    commits(() => ({ put: [], expect: [] })),
  ),
  broken(
    'the last row of a change is not written',
    'stores every row and every entry of a change',
    commits(({ put }) => ({ put: put.slice(0, Math.max(1, put.length - 1)) })),
  ),
  broken('rows are written one by one until one fails', 'changes nothing when one expectation among many fails', (inner) => ({
    async commit(change) {
      for (const [i, row] of change.put.entries()) {
        const expect = change.expect.filter((key) => key.kind === row.kind && key.id === row.id);
        if ((await inner.commit({ id: `${change.id}/${i}`, expect, put: [row], append: [] })).outcome === 'conflict')
          return answered(inner, 'conflict');
      }
      const written = (key: Row | undefined) => (key === undefined ? 0 : key.version);
      const kept = await inner.get(change.expect);
      const stale = change.expect.some(
        (key, i) => !change.put.some((row) => row.kind === key.kind && row.id === key.id) && written(kept[i]) !== key.version,
      );
      return stale ? answered(inner, 'conflict') : inner.commit({ ...change, expect: [], put: [] });
    },
  })),
  broken('rows are written before the entries are linked', 'changes nothing when an entry in the middle cannot be linked', (inner) => ({
    async commit(change) {
      const answer = await inner.commit({ ...change, id: `${change.id}/rows`, append: [], trimJournalTo: undefined });
      return answer.outcome === 'conflict' ? answer : inner.commit({ id: change.id, expect: [], put: [], append: change.append });
    },
  })),
  broken('rows are removed before anything is compared', 'changes nothing when one expectation among many fails', (inner) => ({
    async commit(change) {
      await inner.commit({ id: `${change.id}/first`, expect: [], put: [], append: [], remove: change.remove });
      return inner.commit({ ...change, expect: change.expect.filter((key) => !change.remove?.some((gone) => gone.id === key.id)) });
    },
  })),
  broken(
    'the createdAt of a row is not stored',
    'stores every row and every entry of a change',
    rowsOut((row) => ({ ...row, createdAt: 0 })),
  ),
  broken(
    'the sortAt of a row is not stored',
    'stores every row and every entry of a change',
    rowsOut((row) => ({ ...row, sortAt: undefined })),
  ),
  broken('another createdAt is ignored, not refused', 'changes nothing when a row would get another createdAt', (inner) => ({
    async commit(change) {
      const before = await inner.get(change.put);
      return inner.commit({ ...change, put: change.put.map((row, i) => ({ ...row, createdAt: before[i]?.createdAt ?? row.createdAt })) });
    },
  })),
  broken('a createdAt of 0 counts as missing', 'changes nothing when a row would get another createdAt', (inner) => ({
    async commit(change) {
      const before = await inner.get(change.put);
      const put = change.put.map((row, i) => ({ ...row, createdAt: row.createdAt || (before[i]?.createdAt ?? 0) }));
      return inner.commit({ ...change, put });
    },
  })),
  broken('another createdAt is a conflict', 'changes nothing when a row would get another createdAt', (inner) => ({
    async commit(change) {
      const before = await inner.get(change.put);
      const isAnother = change.put.some((row, i) => (before[i]?.createdAt ?? row.createdAt) !== row.createdAt);
      return isAnother ? answered(inner, 'conflict') : inner.commit(change);
    },
  })),
  broken('the id of a change is remembered before it is applied', 'commits a failed change once it is corrected', (inner, { ids }) => ({
    async commit(change) {
      if (ids.has(change.id)) return answered(inner, 'committed');
      if (change.append.length > 0) ids.add(change.id);
      const answer = await inner.commit(change);
      if (answer.outcome === 'conflict') ids.delete(change.id);
      return answer;
    },
  })),
  broken('a failed change uses up a sequence number', 'continues after a failed change with the next sequence number', (inner, shared) => ({
    async commit(change) {
      const answer = await inner.commit(change).catch((error: unknown) => {
        shared.count += 1;
        throw error;
      });
      for (const { id } of change.append) shared.offsets.set(id, shared.offsets.get(id) ?? shared.count);
      return answer;
    },
    async journal(query) {
      const slice = await inner.journal(query);
      return { ...slice, entries: slice.entries.map((entry) => ({ ...entry, seq: entry.seq + (shared.offsets.get(entry.id) ?? 0) })) };
    },
  })),
  broken('a row is merged into its old version', 'replaces a row whole', (inner) => ({
    async commit(change) {
      const before = await inner.get(change.put);
      const put = change.put.map((row, i) => {
        const defined = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
        return { ...before[i], ...(defined as unknown as Row), body: { ...before[i]?.body, ...row.body } };
      });
      return inner.commit({ ...change, put });
    },
  })),
  broken(
    'an undefined column is returned as null',
    'keeps columns that are undefined undefined',
    rowsOut((row) => ({ ...row, subject: (row.subject ?? null) as string, scope: (row.scope ?? null) as string })),
  ),
  broken(
    'remove is ignored',
    'removes a row from every read, in the change that removes it',
    commits(() => ({ remove: [] })),
  ),
  broken('remove matches only the id', 'removes what a kind and an id name together, and nothing else', (inner) => ({
    commit: (change) =>
      inner.commit({
        ...change,
        remove: change.remove?.flatMap(({ id }) => ['grant', 'usage', 'request'].map((kind) => ({ kind, id }))),
      }),
  })),
  broken('a removed row keeps its version', 'creates a removed row again as a new one', (inner, { ids }) => ({
    async commit(change) {
      const answer = change.expect.some((key) => key.version === 0 && ids.has(`${inner.namespace} ${key.id}`))
        ? await answered(inner, 'conflict')
        : await inner.commit(change);
      if (answer.outcome === 'committed') for (const { id } of change.remove ?? []) ids.add(`${inner.namespace} ${id}`);
      return answer;
    },
  })),
  broken(
    'trimming is ignored',
    'removes rows, drops the prefix and appends its entry in one change',
    commits(() => ({ trimJournalTo: undefined })),
  ),
  broken('trimming drops one entry too many', 'removes rows, drops the prefix and appends its entry in one change', (inner) => ({
    commit: (change) =>
      inner
        .commit(change.trimJournalTo === undefined ? change : { ...change, trimJournalTo: change.trimJournalTo + 1 })
        .catch(() => answered(inner, 'conflict')),
  })),
  broken('trimming loses the anchor', 'keeps the anchor of the last dropped entry as the start', (inner) => ({
    journal: async (query) => ({ ...(await inner.journal(query)), start: GENESIS }),
  })),
  broken('after a purge the seq starts from 1 again', 'continues the chain: no number is given twice', (inner) => ({
    async journal(query) {
      const { start } = await inner.journal({ after: 0, limit: 1 });
      const slice = await inner.journal({ ...query, after: query.after + start.seq });
      return { ...slice, start: GENESIS, entries: slice.entries.map((entry) => ({ ...entry, seq: entry.seq - start.seq })) };
    },
  })),
  broken('a journal that is read from before its start is empty', 'begins at the oldest kept entry when asked from before it', (inner) => ({
    async journal(query) {
      const slice = await inner.journal(query);
      return query.after < slice.start.seq ? { ...slice, entries: [] } : slice;
    },
  })),
  broken('an emptied journal counts as a new one', 'drops every entry: then the start is the head', (inner) => ({
    async journal(query) {
      const slice = await inner.journal(query);
      return slice.start.seq === slice.head.seq ? { entries: [], start: GENESIS, head: GENESIS } : slice;
    },
  })),
  broken('trimming beyond the head trims everything', 'rejects trimming beyond the head, with nothing applied', (inner) => ({
    async commit(change) {
      const to = (await inner.journal({ after: 0, limit: 1 })).head.seq + change.append.length;
      return inner.commit({ ...change, trimJournalTo: change.trimJournalTo && Math.min(change.trimJournalTo, to) });
    },
  })),
  broken('trimming happens on a conflict too', 'a purge > keeps everything when the change conflicts', (inner) => ({
    async commit(change) {
      const answer = await inner.commit(change);
      if (answer.outcome === 'conflict' && change.trimJournalTo !== undefined) {
        await inner.commit({ id: `${change.id}/trim`, expect: [], put: [], append: [], trimJournalTo: change.trimJournalTo });
      }
      return answer;
    },
  })),
  broken(
    'trimming to an earlier place moves the start back',
    'goes in steps, and trimming what is trimmed changes nothing',
    (inner, shared) => ({
      commit(change) {
        shared.count = change.trimJournalTo ?? shared.count;
        return inner.commit(change);
      },
      async journal(query) {
        const slice = await inner.journal(query);
        return shared.count < slice.start.seq ? { ...slice, start: { ...slice.start, seq: shared.count } } : slice;
      },
    }),
  ),
  broken('a repeated purge purges again', 'a purge > has one effect when it is committed again', (inner, { ids }) => ({
    async commit(change) {
      const known = ids.has(change.id);
      ids.add(change.id);
      return known ? inner.commit({ ...change, id: `${change.id}/again`, expect: [], put: [], append: [] }) : inner.commit(change);
    },
  })),
  broken('a journal page is built from three reads', 'keeps each journal page consistent during a purge', (inner) => ({
    async journal(query) {
      const { entries } = await inner.journal(query);
      const { start } = await inner.journal(query);
      for (let turn = 0; turn < 4; turn++) await Promise.resolve();
      const { head } = await inner.journal(query);
      return { entries, start, head };
    },
  })),
  broken('a change of the maximum size is refused', 'takes the greatest number of rows', (inner) => ({
    async commit(change) {
      if (change.put.length >= 1_000 || change.append.length >= 1_000) throw new Error('too large');
      return inner.commit(change);
    },
  })),
  broken('removed rows are not counted', 'takes the greatest number of rows that are written or removed', (inner) => ({
    commit: (change) => inner.commit({ ...change, remove: change.remove?.slice(0, 1_000 - change.put.length) }),
  })),
  broken('a change that is too large is refused with another error', 'takes the greatest number of expectations', (inner) => ({
    async commit(change) {
      if (change.expect.length > 2_000) throw new Error('too large');
      return inner.commit(change);
    },
  })),
  broken('the maxChange is too small for a revoke', 'states a maxChange that an engine accepts', () => ({
    maxChange: { rows: 100, entries: 50, bytes: 1_048_576 },
  })),
  broken('each namespace has a maxChange of its own', 'the same one in each namespace', ({ namespace }) => ({
    maxChange: { rows: namespace === 'default' ? 110 : 120, entries: 60, bytes: 1_048_576 },
  })),
  broken('more than the maxChange is taken', 'takes the greatest number of entries, and refuses one more', () => ({
    maxChange: { rows: 110, entries: 60, bytes: 1_048_576 },
  })),
  broken('less than the maxChange is taken', 'takes the greatest number of rows, and refuses one more', (inner) => ({
    maxChange: { rows: 110, entries: 60, bytes: 1_048_576 },
    async commit(change) {
      refuseLargeChange(change, { rows: 105, entries: 60, bytes: 1_048_576 });
      return inner.commit(change);
    },
  })),
  broken('another createdAt is refused with another error', 'changes nothing when a row would get another createdAt', (inner) => ({
    commit: (change) =>
      inner.commit(change).catch((error: unknown) => {
        throw /createdAt/.test((error as Error).message) ? new Error('another createdAt') : error;
      }),
  })),
  broken('entries have no maximum number: the rest is dropped', 'takes the greatest number of entries', (inner) => ({
    commit: (change) => inner.commit({ ...change, append: change.append.slice(0, 1_000) }),
  })),
  broken('expectations have no maximum number', 'takes the greatest number of expectations', (inner) => ({
    commit: (change) => inner.commit({ ...change, expect: change.expect.slice(0, 2_000) }),
  })),
  broken('a body has no maximum length', 'takes the greatest number of bytes of JSON', (inner) => ({
    commit: (change) =>
      inner.commit({ ...change, put: change.put.map((row) => (JSON.stringify(row.body).length > 1e6 ? { ...row, body: {} } : row)) }),
  })),
];
