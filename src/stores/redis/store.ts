import { refuseLargeChange } from '../../core/change-size.js';
import { readHeadsQuery } from '../../core/namespaces.js';
import { invalid, readCount, readId, readNamespace, readOptions } from '../../core/parse.js';
import type { Page } from '../../core/ports.js';
import type {
  Change,
  CommitAnswer,
  DueQuery,
  FindQuery,
  GrantStore,
  JournalQuery,
  JournalSlice,
  LiveQuery,
  Row,
  RowKey,
  Unsubscribe,
} from '../../core/store-port.js';
import type { RedisClient } from './client.js';
import { Connection } from './connection.js';
import { keysOf } from './keys.js';
import { readHeads, Reads } from './reads.js';
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
  /** How long a read, or one attempt to commit, may take with all that it asks, in milliseconds, or up to a quarter longer. Default: 5,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * What the server can't be asked and you vouch for. `noeviction`: its policy is that, and it refuses `INFO`. Default:
   * nothing; the policy is read before the first question, each minute and after each failure, and any other is refused.
   */
  readonly assume?: { readonly noeviction?: boolean | undefined } | undefined;
  /**
   * A commit resolves when at least this many replicas have it, too (`WAIT`, on the connection that wrote it); `durability`
   * is then 'server'. While it waits, checks over the same client wait, too. Refused on a Cluster. Default: 0.
   */
  readonly replicas?: number | undefined;
}

/** What the handles to one namespace share. */
interface NamespaceState {
  readonly reads: Reads;
  readonly writer: Writer;
  readonly watchers: Watchers;
}

/** What the namespaces of one client share. */
class SharedConnection {
  readonly connection: Connection;
  readonly #spaces = new Map<string, NamespaceState>();

  constructor(connection: Connection) {
    this.connection = connection;
  }

  space(namespace: string): NamespaceState {
    let space = this.#spaces.get(namespace);
    if (space === undefined) {
      const { client } = this.connection;
      const keys = keysOf(namespace);
      const watchers = new Watchers(client.subscribe && ((wake) => (client as Required<RedisClient>).subscribe(keys.channel, wake)));
      const writer = new Writer(this.connection, keys, (headSeq) => watchers.wakeAll(headSeq));
      this.#spaces.set(namespace, (space = { reads: new Reads(this.connection, keys), writer, watchers }));
    }
    return space;
  }
}

class RedisGrantStore implements GrantStore {
  readonly namespace: string;
  readonly durability: 'process' | 'server';
  /** Not on a Cluster: no script reaches all namespaces there, and a node that hangs would hold up the heads of all others (L38). */
  declare readonly heads?: Required<GrantStore>['heads'];
  readonly #hall: SharedConnection;
  readonly #space: NamespaceState;

  constructor(hall: SharedConnection, namespace: string) {
    this.namespace = namespace;
    this.durability = hall.connection.replicas > 0 ? 'server' : 'process';
    this.#hall = hall;
    this.#space = hall.space(namespace);
    const { connection } = hall;
    if (connection.client.isCluster !== true) this.heads = async (namespaces) => readHeads(connection, readHeadsQuery(namespaces));
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

  async commit(change: Change): Promise<CommitAnswer> {
    refuseLargeChange(change);
    return this.#space.writer.commit(change);
  }

  async journal(query: JournalQuery): Promise<JournalSlice> {
    return this.#space.reads.journal(query);
  }

  watch(wake: (headSeq?: number) => void): Unsubscribe {
    return this.#space.watchers.add(wake);
  }
}

/**
 * A store in Redis 7 or later, or Valkey: every process that shares the server shares the truth.
 *
 * Guarantees: the nine of {@link GrantStore}. A commit is one script, which compares, writes and links all of a change
 * or nothing; a check on a scope is one script that reads the rows themselves. Nothing is given an expiry: only `purge`
 * deletes. A read is given up after `timeoutMs`, or a quarter of it later, and so is each attempt to commit. A
 * replica, and a primary without the replicas that `min-replicas-to-write` asks for, answer nothing, checks included.
 *
 * Gotcha: how much a resolved commit survives is for the server to say. With the usual `appendfsync everysec` the loss
 * of the machine takes up to a second of them, a revoke too, and a failover what the replica didn't have yet;
 * `docs/stores/redis.md` says how to narrow that. An access ends at its bound all the same.
 * Gotcha: a server that evicts is refused, at the first call and not here.
 * Gotcha: a primary that was cut off from its replicas and not told to need them (`min-replicas-to-write`) can't know it.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * const client = createClient({ url });
 * client.on('error', (error) => console.error(error));
 * await client.connect();
 * const engine = new JitEngine({ approver, store: redisGrantStore({ client: fromNodeRedis(client), namespace: 'payments' }) });
 */
export function redisGrantStore(options: RedisGrantStoreOptions): GrantStore {
  const given = readOptions('options', options, ['client', 'namespace', 'timeoutMs', 'assume', 'replicas']);
  const { client, timeoutMs = 5_000, assume = {}, replicas: wanted = 0 } = given;
  if (typeof (client as Partial<RedisClient> | null | undefined)?.send !== 'function') {
    throw invalid('client', 'made by fromNodeRedis() or fromIoredis()', client);
  }
  const { noeviction = false } = readOptions('assume', assume as object, ['noeviction']);
  if (typeof noeviction !== 'boolean') throw invalid('assume.noeviction', 'true or false', noeviction);
  const namespace = readNamespace(given.namespace);
  const replicas = readCount('replicas', wanted, 0, 1_000);
  if (replicas > 0 && (client as RedisClient).isCluster === true) {
    throw invalid('replicas', '0 on a Cluster: WAIT has no key, so another node than the one that wrote would answer it', replicas);
  }
  const settings = { timeoutMs: readCount('timeoutMs', timeoutMs, 1, 3_600_000), assumesNoEviction: noeviction, replicas };
  return new RedisGrantStore(new SharedConnection(new Connection(client as RedisClient, settings)), namespace);
}
