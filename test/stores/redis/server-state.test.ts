import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from 'ioredis';
import { InvalidArgumentError, isJitError } from 'jit-access';
import { placeOf } from 'jit-access/store';
import { verifyJournal } from 'jit-access/journal';
import { fromIoredis, redisGrantStore } from 'jit-access/redis';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { expect, it } from 'vitest';
import { CLIENTS } from './clients.js';
import { keysIn, openedFor } from './opened.js';
import { describeRedis } from './server.js';
import { startServer } from './started.js';

const oneRow = (namespace: string, id: string) => aChange({ put: [aRow({ id })], append: [anEntry({ namespace, id: `${id}.1` })] });

describeRedis(
  'the eviction policy of a Redis',
  (server) => {
    const { store, connect, after } = openedFor(server);

    it.each(['allkeys-lru', 'volatile-ttl', 'allkeys-random'])('makes every method reject where it is %s', async (policy) => {
      const opened = await store();
      await opened.send('CONFIG', 'SET', 'maxmemory-policy', policy);
      after(() => connect().then(({ send }) => send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')));
      const refused = new RegExp(`this server can evict grants \\(${policy}\\); set maxmemory-policy to noeviction`);
      await expect(opened.store.commit(oneRow(opened.store.namespace, 'a'))).rejects.toThrow(refused);
      await expect(opened.store.get([aRow()])).rejects.toThrow(refused);
      await expect(opened.store.live({ subject: 'user:maya', scope: 'a', at: 0 })).rejects.toThrow(refused);
      await expect(opened.store.find({ kind: 'grant', limit: 1 })).rejects.toThrow(refused);
      await expect(opened.store.due({ at: 0, limit: 1 })).rejects.toThrow(refused);
      await expect(opened.store.journal({ after: 0, limit: 1 })).rejects.toThrow(refused);
      // A repair is noticed without a new store.
      await opened.send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      expect(await opened.store.commit(oneRow(opened.store.namespace, 'a'))).toMatchObject({ outcome: 'committed' });
    });

    it('requires an explicit option where it cannot be read', async () => {
      const { send } = await connect();
      const user = `u${randomUUID()}`;
      await send('ACL', 'SETUSER', user, 'on', '>secret', '~*', '&*', '+@all', '-info');
      after(() => send('ACL', 'DELUSER', user));
      const { client } = await connect(undefined, server().url.replace('//', `//${user}:secret@`));
      const error: unknown = await redisGrantStore({ client, namespace: 'payments' })
        .get([aRow()])
        .catch((thrown: unknown) => thrown);
      expect(isJitError(error) && error.code).toBe('ERR_JIT_STORE');
      expect(String(error)).toMatch(/the eviction policy could not be read: .*no permissions.*assume: { noeviction: true }/s);
      expect(String(error)).not.toMatch(/secret/);
      expect(
        await redisGrantStore({ client, namespace: 'payments', assume: { noeviction: true } }).get([aRow({ id: randomUUID() })]),
      ).toEqual([undefined]);
    });
  },
  { own: true },
);

describeRedis(
  'a Redis cluster',
  (server) => {
    const { store, connect, after } = openedFor(server);

    /** One node that serves all slots. */
    const form = async () => {
      const connected = await connect();
      await connected.send('CLUSTER', 'ADDSLOTSRANGE', '0', '16383').catch(() => undefined);
      while (!String(await connected.send('CLUSTER', 'INFO')).includes('cluster_state:ok')) await connected.send('PING');
      return connected;
    };

    it.each(['default', '{tag}', 'a}b', '}', '{', 'tenant {a}:b', '\u4e00'])(
      'keeps all keys of the namespace %j in one slot',
      async (namespace) => {
        const { send } = await form();
        const slots = await Promise.all(keysIn(namespace).map((key) => send('CLUSTER', 'KEYSLOT', key)));
        expect(new Set(slots).size).toBe(1);
        // A cluster refuses a script whose keys are in several slots.
        for (const make of Object.values(CLIENTS)) {
          const opened = await store({ namespace }, make);
          const id = randomUUID();
          expect(await opened.store.commit(oneRow(namespace, id))).toMatchObject({ outcome: 'committed' });
          expect(await opened.store.get([aRow({ id })])).toEqual([aRow({ id })]);
          expect(
            (await opened.store.find({ kind: 'grant', after: placeOf(aRow({ id })), limit: 1 })).items.every((row) => row.id > id),
          ).toBe(true);
          expect((await opened.store.journal({ after: 0, limit: 1 })).entries).toHaveLength(1);
        }
      },
    );

    it('is discovered and watched by the Cluster client of ioredis', async () => {
      await form();
      const cluster = new Cluster([server().url]);
      cluster.on('error', () => undefined);
      after(() => cluster.disconnect());
      const one = redisGrantStore({ client: fromIoredis(cluster), namespace: randomUUID() });
      const woken = new Promise<void>((resolve) => after(one.watch?.(() => resolve()) ?? (() => undefined)));
      expect(await one.commit(oneRow(one.namespace, 'a'))).toMatchObject({ outcome: 'committed' });
      expect(await one.get([aRow({ id: 'a' })])).toEqual([aRow({ id: 'a' })]);
      expect(await one.live({ subject: 'user:maya', scope: 'db-prod:write', at: 0 })).toHaveLength(1);
      expect((await one.find({ kind: 'grant', limit: 2 })).items).toHaveLength(1);
      await woken;
    });
  },
  { own: true, args: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'] },
);

describeRedis(
  'a Redis that is killed',
  (server) => {
    const { store, connect, after } = openedFor(server);

    it('has every acknowledged change, whole, after kill -9 under load with appendfsync always', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'jit-access-redis-log-'));
      after(() => rm(folder, { recursive: true, force: true }));
      const args = ['--appendonly', 'yes', '--appendfsync', 'always'];
      const first = await startServer(args, { folder });
      after(() => first.stop());
      const { store: own, ...opened } = await store({ timeoutMs: 1_000 }, undefined, first.url);
      const acknowledged: string[] = [];
      const load = Array.from({ length: 4 }, async (_, writer) => {
        for (let turn = 0; ; turn++) {
          const id = `w${writer}-${turn}`;
          if ((await own.commit(oneRow(own.namespace, id))).outcome === 'committed') acknowledged.push(id);
          if (acknowledged.length === 200) first.process?.kill('SIGKILL');
        }
      });
      await Promise.allSettled(load);
      await first.stop();
      opened.close();
      const second = await startServer(args, { folder, port: first.port });
      after(() => second.stop());
      const { store: later } = await store({ namespace: own.namespace }, undefined, second.url);
      const slice = await later.journal({ after: 0, limit: 1_000 });
      expect((await verifyJournal(slice.entries, { start: slice.start, head: slice.head })).ok).toBe(true);
      const entries = slice.entries.map(({ id }) => id.replace(/\.1$/, ''));
      expect(entries).toEqual(expect.arrayContaining(acknowledged));
      expect((await later.find({ kind: 'grant', limit: 1_000 })).items.map(({ id }) => id)).toEqual([...entries].sort());
    });

    it('acknowledges with replicas only changes that a replica has', async () => {
      await (await connect()).send('CONFIG', 'SET', 'repl-diskless-sync-delay', '0');
      const replica = await startServer(['--replicaof', `127.0.0.1 ${server().port}`]);
      after(() => replica.stop());
      const opened = await store({ replicas: 1 });
      const { namespace } = opened.store;
      expect(opened.store.durability).toBe('server');
      while (!/state=online/.test(String(await opened.send('INFO', 'replication')))) await opened.send('PING');
      const change = oneRow(namespace, 'a');
      expect(await opened.store.commit(change)).toMatchObject({ outcome: 'committed' });
      const { store: there, send } = await store({ namespace }, undefined, replica.url);
      const hasThere = (id: string) => send('HEXISTS', `{jit:${namespace}}:rows`, `grant\0${id}`);
      expect(await hasThere('a')).toBe(1);
      await expect(there.commit(oneRow(namespace, 'b'))).rejects.toThrow(/READONLY/);

      replica.process?.kill('SIGSTOP');
      after(() => replica.process?.kill('SIGCONT'));
      const late = oneRow(namespace, 'c');
      // The second change finds what the first has written, over a connection that has written nothing.
      for (let time = 0; time < 2; time++) {
        const hasty = await store({ namespace, replicas: 1, timeoutMs: 400 });
        await expect(hasty.store.commit(late)).rejects.toMatchObject({ code: 'ERR_JIT_OUTCOME_UNKNOWN' });
      }
      replica.process?.kill('SIGCONT');
      expect(await opened.store.commit(late)).toMatchObject({ outcome: 'committed' });
      expect(await hasThere('c')).toBe(1);
    });
  },
  { own: true },
);

describeRedis('the options of redisGrantStore', (server) => {
  const { store, connect } = openedFor(server);

  it('are refused by name where they are invalid', async () => {
    const { client } = await connect();
    const refused = (options: object, argument: string) => {
      const make = () => redisGrantStore(options as Parameters<typeof redisGrantStore>[0]);
      expect(make).toThrow(InvalidArgumentError);
      expect(make).toThrow(expect.objectContaining({ argument }));
    };
    refused({}, 'client');
    refused({ client: {} }, 'client');
    refused({ client }, 'namespace');
    for (const namespace of ['', ' a', null, 7, '\ud800']) refused({ client, namespace }, 'namespace');
    for (const timeoutMs of [0, -1, 1.5, NaN, '5s', 2 ** 31]) refused({ client, namespace: 'payments', timeoutMs }, 'timeoutMs');
    for (const noeviction of ['yes', 1, null]) refused({ client, namespace: 'payments', assume: { noeviction } }, 'assume.noeviction');
    for (const assume of ['yes', 1, null, { eviction: true }]) refused({ client, namespace: 'payments', assume }, 'assume');
    for (const replicas of [-1, 0.5, '1']) refused({ client, namespace: 'payments', replicas }, 'replicas');
    refused({ client, nameSpace: 'a' }, 'options');
    expect(redisGrantStore({ client, namespace: 'payments' })).toMatchObject({ namespace: 'payments', durability: 'process' });
    expect(() => redisGrantStore({ client, namespace: 'payments' }).in('')).toThrow(InvalidArgumentError);
  });

  it('accept a client with a key prefix, and connect a lazy client', async () => {
    const opened = await store({}, (url) => CLIENTS.ioredis(url, { keyPrefix: 'app:', lazyConnect: true }));
    const { namespace } = opened.store;
    const woken = new Promise<void>((resolve) => opened.store.watch?.(() => resolve()));
    const change = oneRow(namespace, 'a');
    expect(await opened.store.commit(change)).toMatchObject({ outcome: 'committed' });
    expect(await opened.store.live({ subject: 'user:maya', scope: 'db-prod:write', at: 0 })).toEqual(change.put);
    expect((await opened.store.find({ kind: 'grant', limit: 1 })).items).toEqual(change.put);
    await woken;
    const { send } = await connect();
    const found = (await send('KEYS', `*{jit:${namespace}}*`)) as string[];
    expect(found.sort()).toEqual(
      keysIn(namespace)
        .map((key) => `app:${key}`)
        .sort(),
    );
  });
});
