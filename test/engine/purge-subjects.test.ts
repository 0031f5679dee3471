import { describe, expect, it } from 'vitest';
import { MemoryGrantStore } from '../../src/index.js';
import type { FaultyStore } from '../../src/testing.js';
import { aGranted, anEngine, aPending, at, HOUR, MAYA, MINUTE, SAM } from './an-engine.js';

const subjectRows = async (store: MemoryGrantStore | FaultyStore) =>
  (await store.find({ kind: 'subject', limit: 100 })).items.map((row) => row.id);

describe('purge of subject rows', () => {
  it("L33 removes a subject's row with its last request, on record, and keeps that of a subject who has one", async () => {
    const { engine, clock, store } = anEngine();
    await aGranted(engine);
    await clock.advance(HOUR);
    await engine.sweep();
    await aPending(engine, { subject: 'user:noor' });
    await engine.purge({ before: at(HOUR), by: SAM });
    expect(await subjectRows(store)).toEqual(['user:noor']);
    const entries = (await store.journal({ after: 0, limit: 1_000 })).entries;
    const removed = entries.flatMap((entry) => (entry.type === 'journal.purged' ? entry.data['removed'] : []));
    expect(removed).toContainEqual({ kind: 'subject', id: MAYA });
  });

  it('L33 keeps the row of a subject who asks while the purge looks', async () => {
    const inner = new MemoryGrantStore();
    const { engine, clock } = anEngine({ store: inner });
    await aGranted(engine);
    await clock.advance(HOUR);
    await engine.sweep();
    let asked = false;
    const racing = new Proxy(inner, {
      get: (target, method: keyof MemoryGrantStore) => {
        if (method === 'find') {
          return async (query: Parameters<MemoryGrantStore['find']>[0]) => {
            const page = await target.find(query);
            if (query.kind === 'request' && query.subject === MAYA && !asked) {
              asked = true;
              await aPending(engine, { ttl: 5 * MINUTE });
            }
            return page;
          };
        }
        const value = target[method] as unknown;
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    });
    const { engine: purger } = anEngine({ store: racing, clock });
    await purger.purge({ before: at(HOUR), by: SAM });
    expect(asked).toBe(true);
    expect(await subjectRows(inner)).toEqual([MAYA]);
  });
});
