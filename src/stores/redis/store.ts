import { invalid, readCount, readId, readNamespace, readOptions } from '../../input.js';
import type {
  Change,
  CommitOutcome,
  DueQuery,
  FindQuery,
  GrantStore,
  JournalQuery,
  JournalSlice,
  LiveQuery,
  Page,
  Row,
  RowKey,
  Unsubscribe,
} from '../../ports.js';
import type { RedisClient } from './client.js';
import { Connection } from './connection.js';
import { keysOf } from './keys.js';
import { Reads } from './reads.js';
import { Watchers } from './watchers.js';
import { Writer } from './writer.js';

/** See {@link redisGrantStore}. */
export interface RedisGrantStoreOptions {
  /** Of {@link fromNodeRedis} or {@link fromIoredis}, or one of your own. */
  readonly client: RedisClient;
  /**
   * The service, or tenant, whose grants these are; its keys begin with `{jit:<namespace>}:`. Services that share the server
   * must differ in it: in one namespace they are one service.
   */
  readonly namespace: string;
  /** How long Redis may take for one answer, in milliseconds. Default: 5,000. */
  readonly timeoutMs?: number | undefined;
  /** The policy of this server is `noeviction`, and can't be read. Default: it is read, and any other is refused. */
  readonly assumeNoEviction?: boolean | undefined;
  /** A commit resolves when at least this many replicas have it, too (`WAIT`); `durability` is then 'server'. While it waits, checks over the same client wait, too. Default: 0. */
  readonly replicas?: number | undefined;
}

/** What the handles to one namespace share. */
interface Space {
  readonly reads: Reads;
  readonly writer: Writer;
  readonly watchers: Watchers;
}

/** What the namespaces of one client share. */
class Hall {
  readonly connection: Connection;
  readonly replicas: number;
  readonly #spaces = new Map<string, Space>();

  constructor(connection: Connection, replicas: number) {
    this.connection = connection;
    this.replicas = replicas;
  }

  space(namespace: string): Space {
    let space = this.#spaces.get(namespace);
    if (space === undefined) {
      const { client } = this.connection;
      const keys = keysOf(namespace);
      const watchers = new Watchers(client.subscribe && ((wake) => (client as Required<RedisClient>).subscribe(keys.channel, wake)));
      const writer = new Writer(this.connection, keys, this.replicas, () => watchers.wakeAll());
      this.#spaces.set(namespace, (space = { reads: new Reads(this.connection, keys), writer, watchers }));
    }
    return space;
  }
}

class RedisGrantStore implements GrantStore {
  readonly namespace: string;
  readonly durability: 'process' | 'server';
  readonly #hall: Hall;
  readonly #space: Space;

  constructor(hall: Hall, namespace: string) {
    this.namespace = namespace;
    this.durability = hall.replicas > 0 ? 'server' : 'process';
    this.#hall = hall;
    this.#space = hall.space(namespace);
  }

  in(namespace: string): GrantStore {
    return new RedisGrantStore(this.#hall, readId('namespace', namespace));
  }

  async get(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> {
    return this.#space.reads.get(keys);
  }

  async live(query: LiveQuery): Promise<readonly Row[]> {
    return this.#space.reads.live(query);
  }

  async find(query: FindQuery): Promise<Page<Row>> {
    return this.#space.reads.find(query);
  }

  async due(query: DueQuery): Promise<Page<Row>> {
    return this.#space.reads.due(query);
  }

  async commit(change: Change): Promise<CommitOutcome> {
    return this.#space.writer.commit(change);
  }

  async journal(query: JournalQuery): Promise<JournalSlice> {
    return this.#space.reads.journal(query);
  }

  watch(wake: () => void): Unsubscribe {
    return this.#space.watchers.add(wake);
  }
}

/**
 * A store in Redis 7 or later, or Valkey: every process that shares the server shares the truth.
 *
 * Guarantees: the nine of {@link GrantStore}. A commit is one script, which compares, writes and links all of a change
 * or nothing; a check on a scope is one HGET. Nothing is given an expiry: only `purge` deletes. Each question to
 * Redis is given up after `timeoutMs`, or a quarter of it later; a commit without a reply is sent once more.
 *
 * Gotcha: how much a resolved commit survives is for the server to say. With the usual `appendfsync everysec` the loss
 * of the machine takes up to a second of them, a revoke too, and a failover what the replica didn't have yet;
 * `docs/stores/redis.md` says how to narrow that. An access ends at its bound all the same.
 * Gotcha: a server that evicts is refused, at the first call and not here.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * const client = createClient({ url: process.env.REDIS_URL });
 * client.on('error', (error) => console.error(error));
 * await client.connect();
 * const engine = new JitEngine({ approver, store: redisGrantStore({ client: fromNodeRedis(client), namespace: 'payments' }) });
 */
export function redisGrantStore(options: RedisGrantStoreOptions): GrantStore {
  const given = readOptions('options', options, ['client', 'namespace', 'timeoutMs', 'assumeNoEviction', 'replicas']);
  const { client, timeoutMs = 5_000, assumeNoEviction = false, replicas = 0 } = given;
  if (typeof (client as Partial<RedisClient> | null | undefined)?.send !== 'function') {
    throw invalid('client', 'made by fromNodeRedis() or fromIoredis()', client);
  }
  if (typeof assumeNoEviction !== 'boolean') throw invalid('assumeNoEviction', 'true or false', assumeNoEviction);
  const namespace = readNamespace(given.namespace);
  const connection = new Connection(client as RedisClient, readCount('timeoutMs', timeoutMs, 1, 3_600_000), assumeNoEviction);
  return new RedisGrantStore(new Hall(connection, readCount('replicas', replicas, 0, 1_000)), namespace);
}
