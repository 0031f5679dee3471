import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Cluster } from 'ioredis';
import { isJitError, JitEngine, reviewers } from 'jit-access';
import { fromIoredis, redisGrantStore } from 'jit-access/redis';
import { aRow } from 'jit-access/testing';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../free-port.js';
import { openedFor } from './opened.js';
import { describeRedis } from './server.js';
import { isInstalled, startServer, type TestServer } from './started.js';

const SLOTS = 16_384;
const PRIMARIES = 3;

/** A command to one server, over a separate connection. */
async function sendTo(server: TestServer, ...command: string[]): Promise<unknown> {
  const client = createClient({ url: server.url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

/** Three primaries, each with a replica. */
class TestCluster {
  readonly nodes: readonly TestServer[];
  readonly #ids: ReadonlyMap<string, TestServer>;

  private constructor(nodes: readonly TestServer[], ids: ReadonlyMap<string, TestServer>) {
    this.nodes = nodes;
    this.#ids = ids;
  }

  static async start(): Promise<TestCluster> {
    const nodes: TestServer[] = [];
    // One after the other: two concurrent searches could find the same free port.
    for (let i = 0; i < 2 * PRIMARIES; i++) {
      const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-replica-validity-factor', '0'];
      nodes.push(
        await startServer([
          ...settings,
          '--cluster-port',
          String(await freePort()),
          '--repl-diskless-sync-delay',
          '0',
          '--loglevel',
          'notice',
        ]),
      );
    }
    const ids = new Map(await Promise.all(nodes.map(async (node) => [String(await sendTo(node, 'CLUSTER', 'MYID')), node] as const)));
    const cluster = new TestCluster(nodes, ids);
    await cluster.#join();
    return cluster;
  }

  async #join(): Promise<void> {
    const [first, ...others] = this.nodes as [TestServer];
    const busOf = async (node: TestServer) => {
      const reply = (await sendTo(node, 'CONFIG', 'GET', 'cluster-port')) as object;
      return String(Object.values(reply).at(-1));
    };
    for (const other of others) await sendTo(other, 'CLUSTER', 'MEET', first.host, String(first.port), await busOf(first));
    for (let i = 0; i < PRIMARIES; i++) {
      const [from, to] = [i, i + 1].map((part) => Math.floor((SLOTS * part) / PRIMARIES)) as [number, number];
      await sendTo(this.nodes[i] as TestServer, 'CLUSTER', 'ADDSLOTSRANGE', String(from), String(to - 1));
    }
    const ids = [...this.#ids.keys()];
    for (let i = 0; i < PRIMARIES; i++) {
      const replica = this.nodes[PRIMARIES + i] as TestServer;
      // It must know its primary.
      while (
        await sendTo(replica, 'CLUSTER', 'REPLICATE', ids[i] as string).then(
          () => false,
          () => true,
        )
      );
    }
    for (const node of this.nodes) {
      while (!/cluster_state:ok[^]*cluster_known_nodes:6/.test(String(await sendTo(node, 'CLUSTER', 'INFO'))));
    }
    for (const node of this.nodes.slice(0, PRIMARIES)) {
      while (!/state=online/.test(String(await sendTo(node, 'INFO', 'replication'))));
    }
  }

  send(node: TestServer, ...command: string[]): Promise<unknown> {
    return sendTo(node, ...command);
  }

  /** The current primaries, with the one that holds a namespace first. */
  async primariesOf(namespace: string): Promise<readonly TestServer[]> {
    const [any] = this.nodes as [TestServer];
    const slot = Number(await sendTo(any, 'CLUSTER', 'KEYSLOT', `{jit:${namespace}}:head`));
    const own = Math.min(Math.floor((slot * PRIMARIES) / SLOTS), PRIMARIES - 1);
    const place = [own, own + 1, own - 1].find((i) => {
      const [from, to] = [i, i + 1].map((part) => Math.floor((SLOTS * part) / PRIMARIES)) as [number, number];
      return from <= slot && slot < to;
    }) as number;
    return [this.nodes[place] as TestServer, ...this.nodes.slice(0, PRIMARIES).filter((_, i) => i !== place)];
  }

  /** The replica that a primary started with. */
  replicaOf(primary: TestServer): TestServer {
    return this.nodes[this.nodes.indexOf(primary) + PRIMARIES] as TestServer;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

const STORES = 12;

describe.skipIf(!isInstalled)('a Cluster of three primaries with replicas', () => {
  let cluster: TestCluster;
  beforeAll(async () => void (cluster = await TestCluster.start()));
  afterAll(() => cluster.stop());
  const undo: (() => unknown)[] = [];
  afterEach(async () => {
    for (const each of undo.splice(0).reverse()) await each();
  });

  const clientOf = (): Cluster => {
    const client = new Cluster(
      cluster.nodes.map(({ host, port }) => ({ host, port })),
      { clusterRetryStrategy: () => 20, retryDelayOnFailover: 20 },
    );
    client.on('error', () => undefined);
    undo.push(() => client.disconnect());
    return client;
  };
  const policy = (node: TestServer, name: string) => cluster.send(node, 'CONFIG', 'SET', 'maxmemory-policy', name);
  const says = (ask: () => Promise<unknown>) => ask().then(() => 'answered', String);

  it('accepts or refuses by the eviction policy of the node that holds the namespace (L12) [V9]', async () => {
    const namespace = randomUUID();
    const [own, ...others] = (await cluster.primariesOf(namespace)) as [TestServer];
    undo.push(() => Promise.all([own, ...others].map((node) => policy(node, 'noeviction'))));
    const client = clientOf();
    // Each store asks for itself.
    const answers = () =>
      Promise.all(
        Array.from({ length: STORES }, () => says(() => redisGrantStore({ client: fromIoredis(client), namespace }).get([aRow()]))),
      );
    await policy(own, 'allkeys-lru');
    expect(new Set(await answers())).toEqual(new Set([expect.stringContaining('this server can evict grants (allkeys-lru)')]));
    await policy(own, 'noeviction');
    for (const node of others) await policy(node, 'allkeys-lru');
    expect(new Set(await answers())).toEqual(new Set(['answered']));
  });

  it('replaces the connection to the silent node only (L38) [V4]', async () => {
    const client = clientOf();
    const store = redisGrantStore({ client: fromIoredis(client), namespace: randomUUID(), timeoutMs: 150 });
    const [primary] = await cluster.primariesOf(store.namespace);
    await store.get([aRow()]);
    let other = store;
    while ((await cluster.primariesOf(other.namespace))[0] === primary) other = store.in(randomUUID());
    await other.get([aRow()]);
    const nodes = client.nodes('master') as unknown as { stream: Duplex | undefined; options: { port?: number } }[];
    // A node without a call has no connection yet.
    const connections = nodes.flatMap(({ stream, options }) =>
      stream === undefined ? [] : [{ stream, isOwn: options.port === primary?.port }],
    );
    // No data of this node arrives any more.
    for (const { stream, isOwn } of connections) if (isOwn) stream.pause();
    let answer: unknown;
    for (let asked = 0; asked < 20 && answer === undefined; asked++) {
      answer = await store.get([aRow()]).catch(() => undefined);
      expect(await other.get([aRow()])).toEqual([undefined]);
    }
    expect(answer).toEqual([undefined]);
    expect(connections.map(({ stream }) => stream.destroyed)).toEqual(connections.map(({ isOwn }) => isOwn));
  });

  it('continues with the replica that takes over from a primary that hangs, and keeps what it revokes then (L12, L41) [V4]', async () => {
    const namespace = randomUUID();
    const [own] = (await cluster.primariesOf(namespace)) as [TestServer];
    const engineOn = (client: Cluster) =>
      new JitEngine({
        store: redisGrantStore({ client: fromIoredis(client), namespace, timeoutMs: 400 }),
        approver: reviewers({ members: ['user:sam'] }),
        onError: () => undefined,
      });
    const engine = engineOn(clientOf());
    const settled = async <T>(ask: () => Promise<T>): Promise<T> => {
      for (let tries = 0; ; tries++) {
        try {
          return await ask();
        } catch (error) {
          if (!isJitError(error) || tries === 30) throw error;
        }
      }
    };
    const { request } = await settled(() => engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' }));
    await settled(() => engine.approve(request.id, { by: 'user:sam' }));
    const check = () => engine.isAllowed('user:maya', 'a:b');
    expect(await settled(check)).toBe(true);
    const heir = cluster.replicaOf(own);
    const offset = async (node: TestServer) =>
      /(?:master|slave)_repl_offset:(\d+)/.exec(String(await cluster.send(node, 'INFO', 'replication')))?.[1];
    while ((await offset(own)) !== (await offset(heir)));
    own.process?.kill('SIGSTOP');
    undo.push(() => own.process?.kill('SIGCONT'));
    while (!/role:master/.test(String(await cluster.send(heir, 'INFO', 'replication'))));
    // The client receives no signal: the connection is as open as before.
    expect(await settled(check).catch(String)).toBe(true);
    await settled(() => engine.revoke(`${request.id}.1`, { by: 'user:sam' }));
    own.process?.kill('SIGCONT');
    const others = [engine, engineOn(clientOf())];
    for (let i = 0; i < 50; i++) {
      for (const one of others) expect(await one.isAllowed('user:maya', 'a:b').catch(() => 'refused')).not.toBe(true);
    }
  });
});

describeRedis(
  'the eviction policy of a running Redis',
  (server) => {
    const { store, connect, after } = openedFor(server);
    afterEach(() => void vi.restoreAllMocks());

    it('is read again each minute (L12) [V9]', async () => {
      const { store: one, send } = await store();
      expect(await one.get([aRow()])).toEqual([undefined]);
      await send('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
      after(() => connect().then((other) => other.send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')));
      const now = performance.now();
      vi.spyOn(performance, 'now').mockReturnValue(now + 60_000);
      expect(await one.get([aRow()]).then(() => 'answered', String)).toMatch(/this server can evict grants \(allkeys-lru\)/);
      await send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      expect(await one.get([aRow()])).toEqual([undefined]);
    });
  },
  { own: true },
);
