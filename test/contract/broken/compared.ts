import { StoreError } from '../../../src/core/errors.js';
import type { RowKey } from '../../../src/core/store-port.js';
import { answered, broken, commits } from './bent-store.js';

const sameKey = (a: RowKey) => (b: RowKey) => a.kind === b.kind && a.id === b.id;

/** Guarantee 2 broken: an expectation is not compared, or not in the same transaction. */
export const COMPARED = [
  broken(
    'nothing is compared: the last write wins',
    'lets exactly one of 64 concurrent changes win that expect the same version',
    commits(() => ({ expect: [] })),
  ),
  broken(
    'only written records are compared',
    'refuses a change when a record that it only read has changed',
    commits(({ expect, put }) => ({ expect: expect.filter((key) => put.some(sameKey(key))) })),
  ),
  broken(
    'a record that is only read is compared only for its presence',
    'refuses a change when a record that it only read has been created or removed',
    commits(({ expect, put }) => ({ expect: expect.filter((key) => key.version > 0 || put.some(sameKey(key))) })),
  ),
  broken(
    'version 0 ("must not exist") is not compared',
    'treats 0 as "must not exist", whether the record is written or only read',
    commits(({ expect }) => ({ expect: expect.filter((key) => key.version !== 0) })),
  ),
  broken(
    'each write adds 1 to the version that is kept',
    'writes the version that the change gives, also 2 to a new record, and 2 above the kept one',
    commits(({ expect, put }) => ({
      put: put.map((row) => ({ ...row, version: (expect.find(sameKey(row))?.version ?? 0) + 1 })),
    })),
  ),
  broken('versions are read before the transaction', 'lets exactly one of 64 concurrent changes create a record', (inner) => ({
    async commit(change) {
      const kept = await inner.get(change.expect);
      if (change.expect.some((key, i) => (kept[i]?.version ?? 0) !== key.version)) return answered(inner, 'conflict');
      return inner.commit({ ...change, expect: [] });
    },
  })),
  broken(
    'in a change of a usage row, records that are only read are not compared',
    'of which each half writes what the other half only reads',
    commits(({ expect, put }) => ({
      expect: put.some((row) => row.kind === 'usage') ? expect.filter((key) => put.some(sameKey(key))) : expect,
    })),
  ),
  broken(
    'grants are compared with their version one turn earlier',
    'commits nothing after the change that changed what it only read',
    (inner) => ({
      async commit(change) {
        const grants = change.expect.filter((key) => key.kind === 'grant' && !change.put.some(sameKey(key)));
        const kept = await inner.get(grants);
        if (grants.some((key, i) => (kept[i]?.version ?? 0) !== key.version)) return answered(inner, 'conflict');
        await Promise.resolve();
        return inner.commit({ ...change, expect: change.expect.filter((key) => !grants.includes(key)) });
      },
    }),
  ),
  broken('records that are only read are compared before the transaction', 'that each read what the other writes', (inner) => ({
    async commit(change) {
      const kept = await inner.get(change.expect);
      if (change.expect.some((key, i) => (kept[i]?.version ?? 0) !== key.version)) return answered(inner, 'conflict');
      return inner.commit({ ...change, expect: change.expect.filter((key) => change.put.some(sameKey(key))) });
    },
  })),
  broken('a record that many changes share is compared before the transaction', 'win that write different records', (inner) => ({
    async commit(change) {
      const kept = await inner.get(change.expect);
      if (change.expect.some((key, i) => (kept[i]?.version ?? 0) !== key.version)) return answered(inner, 'conflict');
      return inner.commit({ ...change, expect: change.expect.filter((key) => key.kind !== 'subject') });
    },
  })),
  broken('a record at a newer version than expected passes', 'compares for equality', (inner) => ({
    async commit(change) {
      const kept = await inner.get(change.expect);
      const expect = change.expect.map((key, i) => ({
        ...key,
        version: Math.max(key.version, key.version > 0 ? (kept[i]?.version ?? 0) : 0),
      }));
      return inner.commit({ ...change, expect });
    },
  })),
  broken('updates are lost: a later writer overwrites', 'loses no update: 16 writers', (inner) => ({
    async commit(change) {
      if (!change.put.some((row) => row.kind === 'usage')) return inner.commit(change);
      return inner.commit({ ...change, expect: [], put: change.put });
    },
  })),
  broken('a lost race over the head is answered conflict', 'commits each of 64 changes at once', (inner, shared) => ({
    async commit(change) {
      if (shared.count > 0) return answered(inner, 'conflict');
      shared.count += 1;
      await Promise.resolve();
      shared.count -= 1;
      return inner.commit(change);
    },
  })),
  broken('a commit gives up after some lost races', 'commits each of 64 changes at once', (inner, shared) => ({
    async commit(change) {
      shared.count += 1;
      await Promise.resolve();
      for (let lost = 0; shared.count > 1; lost++) {
        if (lost === 10) throw new StoreError('commit', 'other processes were first');
        await Promise.resolve();
      }
      shared.count -= 1;
      return inner.commit(change);
    },
  })),
  broken('a missing record passes with any version', 'refuses any version of a record that does not exist', (inner) => ({
    async commit(change) {
      const kept = await inner.get(change.expect);
      return inner.commit({ ...change, expect: change.expect.filter((_, i) => kept[i] !== undefined) });
    },
  })),
  broken(
    'removed records are not compared',
    'compares the version of a record that is removed',
    commits(({ expect, remove = [] }) => ({ expect: expect.filter((key) => !remove.some(sameKey(key))) })),
  ),
  broken(
    'only the first expectation is compared',
    'compares every expectation, wherever it stands',
    commits(({ expect }) => ({ expect: expect.slice(0, 1) })),
  ),
  broken('expectations compare only the id', 'compares kind and id together', (inner) => ({
    async commit(change) {
      for (const key of change.expect.filter(({ version }) => version === 0)) {
        const others = await inner.get(['grant', 'request'].map((kind) => ({ kind, id: key.id })));
        if (others.some((row) => row !== undefined)) return inner.commit({ ...change, expect: [{ ...key, version: 1 }] });
      }
      return inner.commit(change);
    },
  })),
  broken('a change without writes is not compared', 'answers a change that only compares', (inner) => ({
    commit: async (change) => (change.put.length + change.append.length === 0 ? answered(inner, 'committed') : inner.commit(change)),
  })),
];
