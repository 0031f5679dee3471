import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { redisGrantStore, type RedisClient } from 'jit-access/redis';
import { aRow } from 'jit-access/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Connection } from '../../../src/stores/redis/connection.js';
import { POLICY_SCRIPT } from '../../../src/stores/redis/eviction.js';

afterEach(() => void vi.useRealTimers());

describe('calls that wait for the eviction policy', () => {
  it('are answered after the reconnect, although the call that asked for the policy timed out (L30)', async () => {
    vi.useFakeTimers();
    let status: ReturnType<RedisClient['status']> = 'connecting';
    const wakes = new Set<() => void>();
    const client: RedisClient = {
      status: () => status,
      onStatus(wake) {
        wakes.add(wake);
        return () => wakes.delete(wake);
      },
      send: async ([name, text]) => {
        if (name === 'EVALSHA') throw new Error('NOSCRIPT No matching script');
        return text === POLICY_SCRIPT ? ['policy', 'noeviction'] : [''];
      },
    };
    const store = redisGrantStore({ client, namespace: 'payments', timeoutMs: 1_000 });
    const read = () => store.get([aRow()]).catch(String);
    const first = read();
    await vi.advanceTimersByTimeAsync(900);
    const second = read();
    await vi.advanceTimersByTimeAsync(400);
    expect(await first).toMatch(/no connection to Redis within 1000 ms/);
    status = 'ready';
    for (const wake of wakes) wake();
    let outcome: unknown = 'waits still';
    void second.then((answer) => (outcome = answer));
    await vi.advanceTimersByTimeAsync(0);
    expect(outcome).toEqual([undefined]);
  });
});

describe('a client of Redis', () => {
  it('holds no reference to the stores that were made over it', async () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    let subscribed = 0;
    const client: RedisClient = {
      status: () => 'ready',
      onStatus: () => {
        subscribed += 1;
        return () => undefined;
      },
      send: async () => [''],
    };
    const made = Array.from(
      { length: 10 },
      () => new WeakRef(new Connection(client, { timeoutMs: 1_000, assumesNoEviction: true, replicas: 0 })),
    );
    for (let turn = 0; turn < 4; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      gc();
    }
    expect(made.filter((one) => one.deref() !== undefined)).toEqual([]);
    // The client lives on, with one listener for all of them.
    expect([client.status(), subscribed]).toEqual(['ready', 1]);
  });
});
