import { queryObjects } from 'node:v8';
import type { GrantStore } from 'jit-access';
import { redisGrantStore, type RedisClient, type RedisReply } from 'jit-access/redis';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { outcomesOf } from '../../commit-answers.js';
import { EvictionCheck } from '../../../src/stores/redis/eviction.js';
import { Writer } from '../../../src/stores/redis/writer.js';
import { openedFor } from './opened.js';
import { describeRedis } from './server.js';

/** How many objects of a class the heap holds. A count collects all garbage first. */
async function held(type: new (...args: never[]) => unknown): Promise<number> {
  await new Promise((resolve) => setImmediate(resolve));
  return queryObjects(type, { format: 'count' });
}

/** A client whose server answers each commit with this reply, and each read with one missing row. */
function answering(commit: () => readonly RedisReply[], others: Partial<RedisClient> = {}): RedisClient {
  const sendNow = (command: readonly string[]): RedisReply => {
    // Only a script that writes rows has six keys.
    if (command[2] === '6') return commit();
    return command[2] === '1' && command.length === 4 ? ['policy', 'noeviction'] : [''];
  };
  return { status: () => 'ready', onStatus: () => () => undefined, send: async (command) => sendNow(command), ...others };
}

const conflict = () => ['0', '0'.repeat(64), 'conflict'];
const failure = (): never => {
  throw new Error('READONLY You cannot write');
};
const MANY = 10_000;

describe('redisGrantStore.in()', () => {
  it('[A6] keeps no part of a name that was only read or watched, or whose changes conflict or fail', async () => {
    let reply: () => readonly RedisReply[] = conflict;
    let subscribed = 0;
    const subscribe = () => {
      subscribed += 1;
      return () => void (subscribed -= 1);
    };
    const store = redisGrantStore({ client: answering(() => reply(), { subscribe }), namespace: 'default' });
    await store.in('warm').get([aRow()]);
    const types = [Writer, Map, Set];
    const before = await Promise.all(types.map(held));
    for (let i = 0; i < MANY; i++) {
      const handle = store.in(`tenant-${i}`);
      const end = handle.watch?.(() => undefined);
      await handle.get([aRow()]);
      reply = i % 2 === 0 ? conflict : failure;
      await handle.commit(aChange({ put: [aRow()] })).catch(() => undefined);
      end?.();
    }
    const after = await Promise.all(types.map(held));
    after.forEach((count, i) => expect(count - (before[i] as number), `more of ${types[i]?.name}`).toBeLessThan(MANY / 100));
    expect([subscribed, store.namespace]).toEqual([0, 'default']);
  });

  it('[A6] keeps one writer for each namespace with a commit, which its handles share', async () => {
    let seq = 0;
    const client = answering(() => [String((seq += 1)), '1'.repeat(64), 'committed']);
    const store = redisGrantStore({ client, namespace: 'default' });
    const before = await held(Writer);
    for (let i = 0; i < 30; i++) await store.in(`tenant-${i % 10}`).commit(aChange({ append: [anEntry()] }));
    expect((await held(Writer)) - before).toBe(10);
    expect(store.namespace).toBe('default');
  });

  it('[A6] keeps what it knows of the servers of a Cluster by slot, not by name', async () => {
    const store = redisGrantStore({ client: answering(conflict, { isCluster: true }), namespace: 'default' });
    await store.get([aRow()]);
    const before = await held(EvictionCheck);
    // The hash tag of a key ends at its first brace, so all of these are in one slot.
    for (let i = 0; i < MANY; i++) await store.in(`tenant}${i}`).get([aRow()]);
    expect((await held(EvictionCheck)) - before).toBeLessThanOrEqual(1);
    expect(store.namespace).toBe('default');
  });
});

describeRedis('handles to one namespace in Redis', (server) => {
  const { store: open } = openedFor(server);

  it('[A6] show and report each commit of another handle to one that has read and watched before, the first one too', async () => {
    const { store } = await open();
    const [reader, writer] = [store.in(store.namespace), store.in(store.namespace)];
    const woken: (number | undefined)[] = [];
    const end = reader.watch?.((seq) => woken.push(seq));
    expect(await reader.get([aRow()])).toEqual([undefined]);
    const refused = await writer.commit(aChange({ expect: [{ kind: 'grant', id: aRow().id, version: 1 }], put: [aRow({ version: 2 })] }));
    expect(outcomesOf([refused])).toEqual(['conflict']);
    for (const version of [1, 2]) {
      const change = aChange({ put: [aRow({ version })], append: [anEntry({ id: `c.${version}` })] });
      expect(outcomesOf([await writer.commit(change)])).toEqual(['committed']);
      expect(await reader.get([aRow()])).toEqual([aRow({ version })]);
      expect(await idsOf(reader)).toHaveLength(version);
    }
    await expect.poll(() => woken).toEqual(expect.arrayContaining([1, 2]));
    end?.();
  });

  it('[A6] commit at once, while the first change of one of them conflicts', async () => {
    const { store } = await open();
    const changes = Array.from({ length: 40 }, (_, i) => {
      const id = `r${i}`;
      const expects = i % 4 === 0 ? { expect: [{ kind: 'grant', id, version: 1 }] } : {};
      return aChange({ id: `c${i}`, put: [aRow({ id })], append: [anEntry({ id: `c${i}.1` })], ...expects });
    });
    const outcomes = outcomesOf(await Promise.all(changes.map((change) => store.in(store.namespace).commit(change))));
    expect(outcomes).toEqual(changes.map((_, i) => (i % 4 === 0 ? 'conflict' : 'committed')));
    expect((await idsOf(store)).sort()).toEqual(changes.flatMap(({ id }, i) => (i % 4 === 0 ? [] : [`${id}.1`])).sort());
  });
});

const idsOf = async (store: GrantStore): Promise<string[]> => (await store.journal({ after: 0, limit: 100 })).entries.map(({ id }) => id);
