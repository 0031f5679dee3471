import { fromIoredis, fromNodeRedis, redisGrantStore } from 'jit-access/redis';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { startServer } from '../../../stores/redis/started.js';
import type { Write } from '../measure/requests.js';
import type { Call } from '../measure/rounds.js';
import { encodeRow, fieldOf } from '../../../../src/stores/redis/row-text.js';
import { slowNetwork } from '../measure/slow-network.js';
import type { Engine } from './engine.js';

let seq = 0;

/** A server of its own, through both clients. */
export async function redis(): Promise<Engine> {
  const server = await startServer(['--appendonly', 'yes', '--appendfsync', 'everysec']);
  const connect = async (url: string) => {
    const client = createClient({ url });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const node = await connect(server.url);
  const plain = await connect(server.url);
  const other = new Redis(server.url);
  const plainOther = new Redis(server.url);
  const version = /redis_version:(\S+)/.exec(await plain.info('server'))?.[1] ?? '';
  return {
    name: 'Redis',
    calls: 2_000,
    setting: `Redis ${version}, appendfsync everysec`,
    ways: {
      'through `redis`': { driver: 'redis', store: redisGrantStore({ client: fromNodeRedis(node), namespace: 'payments' }) },
      'through `ioredis`': { driver: 'ioredis', store: redisGrantStore({ client: fromIoredis(other), namespace: 'payments' }) },
    },
    async bare(questions) {
      // Keys of its own, each with a value as long as what a check reads.
      const [{ subject: firstSubject, scope: firstScope } = { subject: '', scope: '' }] = questions;
      const value = (await plain.hGet('{jit:payments}:live', `+${firstSubject}\0+${firstScope}`)) ?? '';
      const keyOf = ({ subject, scope }: (typeof questions)[number]) => `bench:${subject}:${scope}`;
      for (const question of questions) await plain.set(keyOf(question), value);
      const look =
        (client: { get(key: string): Promise<string | null> }): Call =>
        async (i) => {
          const question = questions[i % questions.length] as (typeof questions)[number];
          if ((await client.get(keyOf(question))) === null) throw new Error(`${question.subject} holds nothing`);
        };
      return { redis: look(plain), ioredis: look(plainOther) };
    },
    async open(delayMs) {
      const network = delayMs === 0 ? undefined : await slowNetwork(server.host, server.port, delayMs);
      const client = await connect(network === undefined ? server.url : `redis://127.0.0.1:${network.port}`);
      const close = async () => {
        client.destroy();
        await network?.close();
      };
      const write: Write = (changes) => {
        const rows = changes.flatMap(({ put }) => put);
        const entries = changes.flatMap(({ append }) => append.map((entry) => [String(++seq), JSON.stringify(entry)] as const));
        const lines = rows.flatMap(({ kind, subject = '', scope = '', createdAt, id }) => {
          const end = `${createdAt}\0${id}`;
          return [`${kind}\0${end}`, `${kind}\0${subject}\0${end}`, `${kind}\0${scope}\0${end}`];
        });
        return client
          .multi()
          .hSet('bench:rows', new Map(rows.map((row) => [fieldOf(row), encodeRow(row)])))
          .zAdd(
            'bench:index',
            lines.map((value) => ({ score: 0, value })),
          )
          .hSet('bench:journal', new Map(entries))
          .zAdd(
            'bench:changes',
            changes.map((change) => ({ score: seq, value: change.id })),
          )
          .exec();
      };
      return { store: redisGrantStore({ client: fromNodeRedis(client), namespace: 'payments' }), write, close };
    },
    async bytes() {
      return Number(/used_memory:(\d+)/.exec(await plain.info('memory'))?.[1]);
    },
    async close() {
      for (const client of [node, plain]) client.destroy();
      for (const client of [other, plainOther]) client.disconnect();
      await server.stop();
    },
  };
}
