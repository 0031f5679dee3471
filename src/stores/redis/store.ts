import { refuseLargeChange } from '../../core/change-size.js';
import { readHeadsQuery } from '../../core/namespaces.js';
import { readId, readNamespace, readOptions } from '../../core/parse.js';
import type { Page } from '../../core/ports.js';
import type {
  Change,
  CommitAnswer,
  ContextQuery,
  DueQuery,
  FindQuery,
  GrantStore,
  JournalQuery,
  JournalSlice,
  LiveQuery,
  NamespacePart,
  Row,
  RowKey,
  StoreContext,
  Unsubscribe,
} from '../../core/store-port.js';
import { Watchers } from '../watchers.js';
import { adopt } from './adopt.js';
import type { RedisClient } from './client.js';
import { Connection } from './connection.js';
import { keysOf } from './keys.js';
import { CONNECTION_OPTIONS, readConnection, type RedisGrantStoreOptions } from './options.js';
import { readHeads, Reads } from './reads.js';
import { Writer } from './writer.js';

/** The state that the namespaces of one client share. */
class SharedConnection {
  readonly connection: Connection;
  readonly watchers: Watchers;
  readonly #writers = new Map<string, Writer>();

  constructor(connection: Connection) {
    this.connection = connection;
    const { client } = connection;
    this.watchers = new Watchers(
      client.subscribe && ((namespace, wake) => (client as Required<RedisClient>).subscribe(keysOf(namespace).channel, wake)),
    );
  }

  /**
   * The handles to one namespace share its writer, which waits for the commit. It stays once it has seen an entry: names that
   * come from callers, whose commits conflict or fail, leave none.
   */
  async commit(namespace: string, change: Change): Promise<CommitAnswer> {
    const writer =
      this.#writers.get(namespace) ??
      new Writer(this.connection, keysOf(namespace), (headSeq) => this.watchers.wakeAll(namespace, headSeq));
    this.#writers.set(namespace, writer);
    try {
      return await writer.commit(change);
    } finally {
      if (!writer.hasHead && this.#writers.get(namespace) === writer) this.#writers.delete(namespace);
    }
  }
}

class RedisGrantStore implements GrantStore {
  readonly namespace: string;
  readonly durability: 'process' | 'server';
  /** Absent on a Cluster: no script can read all namespaces there, and a node that hangs would delay the heads of all others (L38). */
  declare readonly heads?: Required<GrantStore>['heads'];
  readonly #shared: SharedConnection;
  readonly #reads: Reads;

  constructor(shared: SharedConnection, namespace: string) {
    this.namespace = namespace;
    this.durability = shared.connection.replicas > 0 ? 'server' : 'process';
    this.#shared = shared;
    const { connection } = shared;
    this.#reads = new Reads(connection, keysOf(namespace));
    if (connection.client.isCluster !== true) this.heads = async (namespaces) => readHeads(connection, readHeadsQuery(namespaces));
  }

  in(namespace: string): GrantStore {
    return new RedisGrantStore(this.#shared, readId('namespace', namespace));
  }

  async get(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> {
    return this.#reads.get(keys);
  }

  async live(query: LiveQuery): Promise<readonly Row[]> {
    return this.#reads.live(query);
  }

  async find(query: FindQuery): Promise<Page<Row>> {
    return this.#reads.find(query);
  }

  async context(query: ContextQuery): Promise<StoreContext> {
    return this.#reads.context(query);
  }

  async due(query: DueQuery): Promise<Page<Row>> {
    return this.#reads.due(query);
  }

  async commit(change: Change): Promise<CommitAnswer> {
    refuseLargeChange(change);
    return this.#shared.commit(this.namespace, change);
  }

  async journal(query: JournalQuery): Promise<JournalSlice> {
    return this.#reads.journal(query);
  }

  async adopt(part: NamespacePart): Promise<void> {
    return adopt(this.#shared.connection, keysOf(this.namespace), this.namespace, part);
  }

  watch(wake: (headSeq?: number) => void): Unsubscribe {
    return this.#shared.watchers.add(this.namespace, wake);
  }
}

/**
 * Keeps grants and their journal in Redis 7 or later, or Valkey. All processes that use the same server and namespace see
 * the same rows.
 *
 * Guarantees: the nine of {@link GrantStore}.
 * - A commit is one script, which compares, writes and links a whole change or nothing.
 * - A check on a scope is one script. It reads the same rows that a commit compares, and no copy of them.
 * - No key has an expiry: only `purge` deletes.
 * - A read, and each attempt to commit, is given up after `timeoutMs`, or up to a quarter of it later.
 * - A replica answers nothing, not even checks. Nor does a primary without the replicas that `min-replicas-to-write`
 *   requires.
 *
 * Gotcha: the server's configuration decides what a resolved commit survives. With the usual `appendfsync everysec`, the
 * loss of the machine loses up to a second of commits, revokes included. A failover loses what the replica did not have yet.
 * `docs/guides/stores/redis.md` says how to reduce that. No grant outlives its `expiresAt`.
 * Gotcha: a server with an eviction policy is refused at the first call, not here.
 * Gotcha: a primary that is cut off from its replicas cannot detect it without `min-replicas-to-write`.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * const client = createClient({ url });
 * client.on('error', (error) => console.error(error));
 * await client.connect();
 * const engine = new JitEngine({ approver, store: redisGrantStore({ client: fromNodeRedis(client), namespace: 'payments' }) });
 */
export function redisGrantStore(options: RedisGrantStoreOptions): GrantStore {
  const given = readOptions('options', options, [...CONNECTION_OPTIONS, 'namespace']);
  const connection = readConnection(given);
  const namespace = readNamespace(given.namespace);
  return new RedisGrantStore(new SharedConnection(new Connection(...connection)), namespace);
}
