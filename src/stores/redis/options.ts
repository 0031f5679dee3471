import { assertBoolean, invalid, readCount, readOptions } from '../../core/parse.js';
import type { RedisClient } from './client.js';
import type { Connection } from './connection.js';

/** See {@link redisGrantStore}. */
export interface RedisGrantStoreOptions {
  /** Made by {@link fromNodeRedis} or {@link fromIoredis}, or your own adapter. */
  readonly client: RedisClient;
  /**
   * The service or tenant that owns these grants; its keys begin with `{jit:<namespace>}:`. Services that share the server
   * need different namespaces: within one namespace they see each other's grants.
   */
  readonly namespace: string;
  /**
   * The time limit for a read or for one attempt to commit, with all its commands: milliseconds, or up to a quarter longer.
   * Default: 5,000.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Facts that you guarantee because the store cannot read them. `noeviction`: the server has that policy but refuses
   * `INFO`.
   *
   * Default: none. The store then reads the policy before its first query, every minute and after each failure, and refuses
   * any other policy.
   */
  readonly assume?: { readonly noeviction?: boolean | undefined } | undefined;
  /**
   * The number of replicas that must have a commit before it resolves (`WAIT`, on the connection that wrote it).
   * `durability` is then 'server'. During the wait, checks over the same client wait too. Refused on a Cluster. Default: 0.
   */
  readonly replicas?: number | undefined;
}

/** The options that describe the connection. */
export const CONNECTION_OPTIONS = ['client', 'timeoutMs', 'assume', 'replicas'] as const;

/** @throws InvalidArgumentError */
export function readConnection(
  given: Partial<Record<(typeof CONNECTION_OPTIONS)[number], unknown>>,
): ConstructorParameters<typeof Connection> {
  const { client, timeoutMs = 5_000, assume = {}, replicas: wanted = 0 } = given;
  if (typeof (client as Partial<RedisClient> | null | undefined)?.send !== 'function') {
    throw invalid('client', 'the result of fromNodeRedis() or fromIoredis()', client);
  }
  const { noeviction = false } = readOptions('assume', assume as object, ['noeviction']);
  assertBoolean('assume.noeviction', noeviction);
  const replicas = readCount('replicas', wanted, 0, 1_000);
  if (replicas > 0 && (client as RedisClient).isCluster === true) {
    throw invalid('replicas', '0 on a Cluster: WAIT has no key, so a node other than the writer would answer it', replicas);
  }
  const settings = { timeoutMs: readCount('timeoutMs', timeoutMs, 1, 3_600_000), assumesNoEviction: noeviction, replicas };
  return [client as RedisClient, settings];
}
