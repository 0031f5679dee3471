import type { CommitAnswer, CommitOutcome } from '../../../src/core/store-port.js';
import { StoreError } from '../../../src/core/errors.js';
import { answered, broken } from './bent-store.js';

const made = (outcome: CommitOutcome): CommitAnswer => ({ outcome, head: { seq: 0, hash: '0'.repeat(64) } });

/** Guarantee 9 broken: an outage is answered instead of rejected. */
export const OUTAGES = [
  broken('an outage of get() is answered with no rows', 'rejects get()', (inner) => ({
    get: (keys) => inner.get(keys).catch(() => keys.map(() => undefined)),
  })),
  broken('an outage of live() is answered with no rows', 'rejects live()', (inner) => ({
    live: async (query) => {
      try {
        return await inner.live(query);
      } catch {
        return [];
      }
    },
  })),
  broken('an outage of find() is answered with no rows', 'rejects find()', (inner) => ({
    find: (query) => inner.find(query).catch(() => ({ items: [], next: undefined })),
  })),
  broken('an outage of due() is answered with no rows', 'rejects due()', (inner) => ({
    due: (query) => inner.due(query).catch(() => ({ items: [], next: undefined })),
  })),
  broken('an outage of journal() is answered with an empty journal', 'rejects journal()', (inner) => ({
    async journal(query) {
      const zero = { seq: 0, hash: '0'.repeat(64) };
      return inner.journal(query).catch(() => ({ entries: [], start: zero, head: zero }));
    },
  })),
  broken('an outage of commit() is answered with committed', 'rejects commit()', (inner) => ({
    commit: (change) => inner.commit(change).catch(() => made('committed')),
  })),
  broken('an outage of commit() is answered with conflict', 'rejects commit()', (inner) => ({
    commit: (change) => inner.commit(change).catch(() => made('conflict')),
  })),
  broken('a lost reply is reported as nothing applied', 'leaves the outcome of a commit open', (inner) => ({
    commit: (change) =>
      inner.commit(change).catch((error: unknown) => {
        throw new StoreError('commit', 'the connection was lost', error);
      }),
  })),
  broken('an outage of get() is thrown synchronously', 'rejects get()', (inner) => {
    let down = false;
    return {
      get(keys) {
        if (down) throw new Error('down');
        return inner.get(keys).catch((error: unknown) => {
          down = true;
          throw error;
        });
      },
    };
  }),
  broken('an outage rejects with a string', 'rejects find()', (inner) => ({
    find: (query) => inner.find(query).catch(() => Promise.reject('connection refused')),
  })),
  broken('an outage in another namespace is not noticed', 'rejects in other namespaces of the same backend', (inner) => ({
    get: (keys) => (inner.namespace.endsWith('-b') ? inner.get(keys).catch(() => keys.map(() => undefined)) : inner.get(keys)),
  })),
  broken('a store that has failed once never works again', 'answers again once the backend is back', (inner) => {
    let failure: unknown;
    return {
      async get(keys) {
        if (failure !== undefined) throw failure;
        return inner.get(keys).catch((error: unknown) => {
          failure = error;
          throw error;
        });
      },
    };
  }),
  broken('a change that failed counts as committed when it is repeated', 'commits the change of the outage once', (inner, { ids }) => ({
    async commit(change) {
      if (ids.has(change.id)) return answered(inner, 'committed');
      return inner.commit(change).catch((error: unknown) => {
        ids.add(change.id);
        throw error;
      });
    },
  })),
];
