import { autoApprove, CorruptError, InvalidArgumentError, JitEngine, StoreError, type GrantStore } from 'jit-access';
import { fromIoredis, fromNodeRedis, redisGrantStore, type RedisClient, type RedisReply } from 'jit-access/redis';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { createClient, createCluster, createSentinel } from 'redis';
import { describe, expect, it } from 'vitest';
import { keysIn, openedFor } from './opened.js';
import { describeRedis } from './server.js';

/** A client without a server, with scripted answers. */
function scripted(reply: (command: readonly string[]) => RedisReply | Promise<RedisReply>, over: Partial<RedisClient> = {}): RedisClient {
  return { status: () => 'ready', onStatus: () => () => undefined, send: async (command) => reply(command), ...over };
}
const storeOver = (client: RedisClient, timeoutMs = 5_000): GrantStore =>
  redisGrantStore({ client, namespace: 'payments', assume: { noeviction: true }, timeoutMs });
const change = aChange({ put: [aRow()], append: [anEntry()] });

describe('redisGrantStore over a client with invalid answers', () => {
  const reads: Readonly<Record<string, (store: GrantStore) => unknown>> = {
    get: (store) => store.get([aRow()]),
    'live on a scope': (store) => store.live({ subject: 'a', scope: 'b', at: 0 }),
    'live on all scopes': (store) => store.live({ subject: 'a', at: 0 }),
    find: (store) => store.find({ kind: 'grant', limit: 1 }),
    context: (store) => store.context?.({ keys: [aRow()], live: { subject: 'a', at: 0 } }),
    due: (store) => store.due({ at: 0, limit: 1 }),
    journal: (store) => store.journal({ after: 0, limit: 1 }),
    heads: (store) => store.heads?.(['payments']),
  };

  it.each(Object.entries(reads))('rejects %s', async (_, read) => {
    for (const reply of [7, [7, 7, 7, 7, 7], {}, 'text', [['nested']]] as readonly RedisReply[]) {
      if (reply === 'text' && read === reads['live on a scope']) continue;
      await expect((async () => read(storeOver(scripted(() => reply))))()).rejects.toThrow(StoreError);
    }
  });

  it('has heads() except on a Cluster, where no script reaches all namespaces, and no dueNamespaces()', () => {
    const stores = [undefined, false, true].map((isCluster) =>
      storeOver(scripted(() => null, isCluster === undefined ? {} : { isCluster })),
    );
    expect(stores.map((store) => [store, store.in('other')].map(({ heads }) => typeof heads))).toEqual([
      ['function', 'function'],
      ['function', 'function'],
      ['undefined', 'undefined'],
    ]);
    expect(stores.map((store) => 'dueNamespaces' in store)).toEqual([false, false, false]);
  });

  it('takes only the exact reply for committed', async () => {
    for (const reply of [
      ['1', 'x', 'OK'],
      ['1', 'x'],
      ['1', 'x', 1],
    ] as readonly RedisReply[]) {
      await expect(storeOver(scripted(() => reply)).commit(change)).rejects.toThrow(StoreError);
    }
    await expect(storeOver(scripted(() => null)).commit(change)).rejects.toMatchObject({ code: 'ERR_JIT_OUTCOME_UNKNOWN' });
    await expect(storeOver(scripted(() => Promise.reject('no error'))).commit(change)).rejects.toMatchObject({
      code: 'ERR_JIT_OUTCOME_UNKNOWN',
    });
  });

  it('rejects where the client throws synchronously, or where the server hides its eviction policy', async () => {
    const throwing = scripted(() => null, {
      send: () => {
        throw new TypeError('no such command');
      },
    });
    await expect(storeOver(throwing).get([aRow()])).rejects.toThrow('no such command');
    const silent = redisGrantStore({ client: scripted(() => ['policy', '']), namespace: 'payments' });
    await expect(silent.get([aRow()])).rejects.toThrow('this server hides its eviction policy');
  });

  it('never passes on the error of the client, which contains the written values', async () => {
    const failure = Object.assign(new Error('READONLY You cannot write'), { command: { args: ['what maya said'] } });
    const error: unknown = await storeOver(scripted(() => Promise.reject(failure)))
      .commit(change)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
    for (let cause: unknown = error; cause !== undefined; cause = (cause as Error).cause) expect(cause).not.toBe(failure);
  });

  it('rejects when other processes keep moving the head for longer than its limit', async () => {
    let seq = 0;
    const busy = storeOver(
      scripted(() => [String(++seq), 'a'.repeat(64), 'moved']),
      1,
    );
    await expect(busy.commit(change)).rejects.toThrow(/other commits moved the head of the journal for 1 ms/);
    expect(seq).toBeGreaterThan(0);
  });

  it('links again to the head of each reply, until the change is committed', async () => {
    const bases: unknown[] = [];
    const client = scripted((command) => {
      bases.push(command.at(-4));
      return bases.length < 4 ? [String(10 * bases.length), 'a'.repeat(64), 'moved'] : ['31', 'b'.repeat(64), 'committed'];
    });
    expect(await storeOver(client).commit(change)).toMatchObject({ outcome: 'committed' });
    expect(bases).toEqual(['0', '10', '20', '30']);
  });

  it('accepts watchers without a subscription, and survives a watcher that throws', async () => {
    const store = storeOver(scripted(() => ['1', 'a'.repeat(64), 'committed']));
    store.watch?.(() => {
      throw new Error('not the committer’s trouble');
    });
    const woken = new Promise<void>((resolve) => store.watch?.(() => resolve()));
    expect(await store.commit(change)).toMatchObject({ outcome: 'committed' });
    await woken;
  });

  it('refuses a change before it is sent where a script would fail on its values', async () => {
    let sent = 0;
    const store = storeOver(scripted(() => (sent += 1)));
    for (const row of [{ version: 0 }, { version: 1.5 }, { from: NaN }, { until: -1 }, { dueAt: 2 ** 53 }, { body: undefined as never }]) {
      await expect(store.commit(aChange({ put: [aRow(row)] }))).rejects.toThrow(InvalidArgumentError);
    }
    await expect(store.commit({ ...change, trimJournalTo: NaN })).rejects.toThrow(InvalidArgumentError);
    await expect(store.commit({ ...change, append: [anEntry({ digest: 'short' })] })).rejects.toThrow(InvalidArgumentError);
    expect(sent).toBe(0);
  });

  it.each([undefined, null, {}, 'redis://localhost', { call: () => undefined }, { sendCommand: () => undefined }])(
    'refuses %j as a client',
    (client) => {
      expect(() => fromNodeRedis(client as never)).toThrow(InvalidArgumentError);
      expect(() => fromIoredis(client as never)).toThrow(InvalidArgumentError);
    },
  );

  it('refuses a cluster or a sentinel of the package redis, which send commands differently', () => {
    const rootNodes = [{ url: 'redis://127.0.0.1:1' }];
    const clients = [createCluster({ rootNodes }), createSentinel({ name: 'jit', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] })];
    for (const client of clients) {
      expect(() => fromNodeRedis(client as never)).toThrow('client must be a client of the package redis, made by createClient()');
    }
    expect(fromNodeRedis(createClient()).status()).toBe('closed');
  });
});

describeRedis('rows and entries in Redis that another program wrote', (server) => {
  const { store } = openedFor(server);

  it('give no access, and do not hide other rows', async () => {
    const opened = await store();
    const engine = new JitEngine({ store: opened.store, approver: autoApprove(() => true) });
    const grants = await Promise.all(
      ['a:x', 'a:y'].map(async (scope) => {
        const asked = await engine.requestAccess({ subject: 'user:maya', scope, ttl: '15m' });
        return asked.outcome === 'granted' ? asked.grants[0] : undefined;
      }),
    );
    const [, rows = ''] = keysIn(opened.store.namespace);
    const field = `grant\0${grants[0]?.id}`;
    const row = String(await opened.send('HGET', rows, field));
    // Without its body, with an end that is not a number, with too few columns, and with an end in 2286.
    const bent = [
      row.replace(/\{.*$/s, '{'),
      row.replace(/\d{13}\0\d{13}\0/, 'soon\0soon\0'),
      row.slice(0, 40),
      row.replace(/\0\d{13}\0\{/, '\x009999999999999\0{'),
    ];
    for (const text of bent) {
      expect(text).not.toBe(row);
      await opened.send('HSET', rows, field, text);
      expect(await engine.isAllowed('user:maya', 'a:x')).toBe(false);
      expect(await engine.isAllowed('user:maya', 'a:y')).toBe(true);
      expect((await opened.store.find({ kind: 'grant', limit: 10 })).items).toHaveLength(2);
    }
    await engine.close();
  });

  it('are reported with the seq of the entry that is not JSON', async () => {
    const opened = await store();
    const { namespace } = opened.store;
    await opened.store.commit(aChange({ put: [aRow()], append: [anEntry({ namespace })] }));
    await opened.send('HSET', keysIn(namespace)[4] as string, '1', `${'a'.repeat(64)}{`);
    await expect(opened.store.journal({ after: 0, limit: 1 })).rejects.toThrow(new CorruptError('entry', '1', 'is not JSON'));
  });
});
