import { sha1 } from '@noble/hashes/legacy.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { messageOf } from '../../core/errors.js';
import { toUtf8 } from '../../core/utf8.js';
import { TimeLimit } from '../time-limit.js';
import { AskError, askErrorOf, isErrorReply, isRefusedByScript, storeErrorOf } from './ask-error.js';
import type { RedisClient, RedisReply } from './client.js';
import { EvictionCheck, POLICY_SCRIPT, type Asker } from './eviction.js';
import { slotOf } from './key-slot.js';
import { namespaceOf } from './keys.js';
import { statusFeedOf, type StatusFeed } from './status-feed.js';

/** A Lua script of the store, and the SHA-1 under which Redis caches it. */
export class Script {
  readonly text: string;
  #sha: string | undefined;

  constructor(text: string) {
    this.text = text;
  }

  get sha(): string {
    return (this.#sha ??= bytesToHex(sha1(toUtf8(this.text))));
  }
}

const POLICY = new Script(POLICY_SCRIPT);

/** The problem of a reply that no script gives, such as bytes or numbers of a client that maps its replies. */
export const MALFORMED = 'the answer of Redis is malformed';

/** After this many calls in a row without an answer, the store resets the connection. */
const SILENT_CALLS = 3;

/** One call of the store, with all commands that it needs. */
interface Call extends Asker {
  /** True once the call's own script was sent, and so may have been applied. */
  isSent: boolean;
  isOver: boolean;
  /** One of the keys that it uses. */
  readonly key: string;
  /** The value of {@link Server.resets} when the call began. */
  readonly resets: number;
  /** The value of {@link StatusFeed.changes} when the script was sent. */
  changes: number;
}

/** What this process knows of one server. */
interface Server {
  readonly eviction: EvictionCheck;
  /** The number of calls in a row that got no answer. */
  silent: number;
  /** How often its connection was reset. */
  resets: number;
}

export interface ConnectionOptions {
  readonly timeoutMs: number;
  readonly assumesNoEviction: boolean;
  /** The number of replicas that must have a commit; 0 to wait for none. */
  readonly replicas: number;
}

/**
 * One client, shared by the stores of all its namespaces. Every call has a time limit, and every failure says whether the
 * command may have run.
 */
export class Connection {
  readonly client: RedisClient;
  readonly timeoutMs: number;
  readonly replicas: number;
  readonly #assumesNoEviction: boolean;
  readonly #limit: TimeLimit;
  /**
   * Without a Cluster: one server, under -1. On a Cluster: one for each slot, which is on one server. Not one for each namespace,
   * whose name a caller may choose.
   */
  readonly #servers = new Map<number, Server>();
  readonly #status: StatusFeed;

  constructor(client: RedisClient, { timeoutMs, assumesNoEviction, replicas }: ConnectionOptions) {
    this.client = client;
    this.timeoutMs = timeoutMs;
    this.replicas = replicas;
    this.#assumesNoEviction = assumesNoEviction;
    this.#limit = new TimeLimit(timeoutMs);
    this.#status = statusFeedOf(client);
  }

  /** Runs a script that answers texts, for a method other than `commit`. @throws StoreError, LayoutError, MovedError */
  async read(operation: string, script: Script, keys: readonly string[], args: readonly string[]): Promise<readonly string[]> {
    try {
      const reply = await this.run(script, keys, args);
      if (!reply.every((item) => typeof item === 'string')) throw new AskError('unknown', MALFORMED);
      return reply;
    } catch (error) {
      throw storeErrorOf(operation, error);
    }
  }

  /** Runs a script, with one time limit for all commands that this takes. @throws AskError */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<readonly RedisReply[]> {
    return this.#within(keys, (call, server) => this.#proven(call, server, script, keys, args));
  }

  /**
   * Runs a script that writes, and waits under the same time limit until the replicas have the write.
   *
   * @param onReply called with the script's reply before the wait, which may fail; returns whether to wait
   * @throws AskError 'unknown' when the write was applied here but not proven to be on the replicas: it could be lost with
   *   this server
   */
  runReplicated(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
    onReply: (reply: readonly RedisReply[]) => boolean,
  ): Promise<readonly RedisReply[]> {
    return this.#within(keys, async (call, server) => {
      const reply = await this.#proven(call, server, script, keys, args);
      if (onReply(reply) && this.replicas > 0) await this.#untilReplicated(call, server);
      return reply;
    });
  }

  async #proven(call: Call, server: Server, script: Script, keys: readonly string[], args: readonly string[]) {
    if (!this.#assumesNoEviction) {
      const ask = () => this.#runNow(call, server, POLICY, keys.slice(0, 1), []);
      await server.eviction.prove(ask, call);
    }
    return this.#runNow(call, server, script, keys, args);
  }

  /** Runs a script by its SHA-1. Sends its text if the server does not have it: at first, after a restart, or after SCRIPT FLUSH. */
  async #runNow(call: Call, server: Server, script: Script, keys: readonly string[], args: readonly string[]) {
    const operands = [String(keys.length), ...keys, ...args];
    const isSubject = script !== POLICY;
    let reply: RedisReply;
    try {
      reply = await this.#send(call, server, ['EVALSHA', script.sha, ...operands], isSubject);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      // NOSCRIPT proves that the script has not run, unless the connection changed. A client that reconnected may have sent
      // the script twice, and the first server may have run it.
      if (call.changes === this.#status.changes) call.isSent = false;
      reply = await this.#send(call, server, ['EVAL', script.text, ...operands], isSubject);
    }
    if (!Array.isArray(reply)) throw new AskError(call.isSent ? 'unknown' : 'no', 'Redis returned no list for a script');
    return reply as readonly RedisReply[];
  }

  /**
   * WAIT covers only the writes of its own connection. A client that reconnected and sent WAIT again gets a meaningless
   * success. So after a change of status since the script, a reply of WAIT proves nothing.
   */
  async #untilReplicated(call: Call, server: Server): Promise<void> {
    const { changes } = call;
    let have: RedisReply;
    try {
      // The server's limit is shorter than the client's, so that its answer arrives in time.
      have = await this.#send(call, server, ['WAIT', String(this.replicas), String(Math.ceil(this.timeoutMs / 2))], false);
    } catch (error) {
      throw new AskError('unknown', messageOf(error));
    }
    if (this.#status.changes !== changes) throw new AskError('unknown', 'the connection changed before the replicas confirmed the change');
    const count = Number(have);
    if (!(count >= this.replicas)) throw new AskError('unknown', `only ${count} of ${this.replicas} replicas confirmed the change`);
  }

  /** Runs work under one time limit. @throws AskError */
  #within<T>(keys: readonly string[], work: (call: Call, server: Server) => Promise<T>): Promise<T> {
    const server = this.#serverOf(keys);
    return new Promise((resolve, reject) => {
      const call: Call = { key: keys[0] as string, isSent: false, isOver: false, resets: server.resets, changes: 0, onGiveUp: [] };
      const end = this.#limit.begin(() => {
        call.isOver = true;
        for (const callback of call.onGiveUp) callback();
        this.#countSilence(call, server);
        server.eviction.forget();
        const what = this.client.status() === 'ready' ? 'no answer from Redis' : 'no connection to Redis';
        reject(new AskError(call.isSent ? 'unknown' : 'no', `${what} within ${this.timeoutMs} ms`));
      });
      work(call, server).then(
        (answer) => {
          end();
          resolve(answer);
        },
        (error: unknown) => {
          end();
          // The client may reach another server next, with another policy.
          if (!isRefusedByScript(messageOf(error))) server.eviction.forget();
          reject(this.#meaningOf(error, call));
        },
      );
    });
  }

  #serverOf(keys: readonly string[]): Server {
    const slot = this.client.isCluster === true ? slotOf(keys[0] as string) : -1;
    let server = this.#servers.get(slot);
    if (server === undefined) this.#servers.set(slot, (server = { eviction: new EvictionCheck(), silent: 0, resets: 0 }));
    return server;
  }

  /**
   * A client may resend a command by itself after it reconnects. By then a first server may have run the command, and the
   * next one refuses it, for example as a replica. So after a change of status a refusal does not prove that nothing was
   * applied.
   */
  #meaningOf(error: unknown, call: Call): AskError {
    const failure = error instanceof AskError ? error : askErrorOf(messageOf(error), namespaceOf(call.key), call.isSent);
    return call.isSent && call.changes !== this.#status.changes ? new AskError('unknown', failure.message) : failure;
  }

  /** @param isSubject whether this is the call's own script: once sent, it may have been applied */
  async #send(call: Call, server: Server, command: readonly string[], isSubject: boolean): Promise<RedisReply> {
    if (this.client.status() !== 'ready') await this.#untilReady(call);
    // A call that was given up sends nothing more.
    if (call.isOver) throw new AskError('no', 'given up');
    if (isSubject && !call.isSent) {
      call.isSent = true;
      call.changes = this.#status.changes;
    }
    const { changes } = this.#status;
    try {
      const reply = await this.client.send(command);
      server.silent = 0;
      return reply;
    } catch (error) {
      // An error reply is an answer, and a new status is a new connection. A time limit of the client's own is neither.
      if (isErrorReply(messageOf(error)) || this.#status.changes !== changes) server.silent = 0;
      else if (!call.isOver && this.client.status() === 'ready') this.#countSilence(call, server);
      throw error;
    }
  }

  /** Counts a call only if it began on the current connection, so that many waiting calls cause one reset. */
  #countSilence(call: Call, server: Server): void {
    if (call.resets !== server.resets) return;
    server.silent += 1;
    if (server.silent < SILENT_CALLS) return;
    server.silent = 0;
    server.resets += 1;
    this.client.reset?.(call.key);
  }

  /** Calls wait here, not in the client's queue: the client would send queued commands however late it reconnects. */
  #untilReady(call: Call): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const status = this.client.status();
        if (status === 'connecting') return;
        stop();
        if (status === 'ready') resolve();
        else reject(new AskError('no', 'the Redis client is closed, or was never connected'));
      };
      const stop = this.#status.add(look);
      call.onGiveUp.push(stop);
      look();
    });
  }
}
