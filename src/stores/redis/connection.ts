import { sha1 } from '@noble/hashes/legacy.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { messageOf, StoreError } from '../../core/errors.js';
import { TimeLimit } from '../time-limit.js';
import { AskError, askErrorOf, isRefusedByScript } from './ask-error.js';
import type { RedisClient, RedisReply } from './client.js';
import { EvictionCheck, POLICY_SCRIPT, type Asker } from './eviction.js';
import { statusFeedOf, type StatusFeed } from './status-feed.js';

const utf8 = new TextEncoder();

/** A script of ours, with the name that Redis keeps it under. */
export class Script {
  readonly text: string;
  readonly sha: string;

  constructor(text: string) {
    this.text = text;
    this.sha = bytesToHex(sha1(utf8.encode(text)));
  }
}

const POLICY = new Script(POLICY_SCRIPT);

/** After so many calls in a row without an answer the connection counts as dead. */
const SILENT_CALLS = 3;

/** One question under way, with all that it takes to answer it. */
interface Call extends Asker {
  /** The script that it is about has gone out. */
  isSent: boolean;
  isOver: boolean;
  /** {@link Server.resets} when it began. */
  readonly resets: number;
  /** How often the status had changed when the script went out. */
  changes: number;
}

/** What is known of the server that answers for some keys. */
interface Server {
  readonly eviction: EvictionCheck;
  /** Calls in a row that had no answer. */
  silent: number;
  /** How often its connection has been reset. */
  resets: number;
}

export interface ConnectionOptions {
  readonly timeoutMs: number;
  readonly assumesNoEviction: boolean;
  /** How many replicas must have a commit; 0: none. */
  readonly replicas: number;
}

/** One client, shared by the stores of all its namespaces: every call with a limit of time, every failure with what it means. */
export class Connection {
  readonly client: RedisClient;
  readonly timeoutMs: number;
  readonly replicas: number;
  readonly #assumesNoEviction: boolean;
  readonly #limit: TimeLimit;
  /** By a key of the namespace on a Cluster, where each may lie on another server; otherwise one, under ''. */
  readonly #servers = new Map<string, Server>();
  readonly #status: StatusFeed;

  constructor(client: RedisClient, { timeoutMs, assumesNoEviction, replicas }: ConnectionOptions) {
    this.client = client;
    this.timeoutMs = timeoutMs;
    this.replicas = replicas;
    this.#assumesNoEviction = assumesNoEviction;
    this.#limit = new TimeLimit(timeoutMs);
    this.#status = statusFeedOf(client);
  }

  /** Asks by a script that only reads. @throws StoreError */
  async read(operation: string, script: Script, keys: readonly string[], args: readonly string[]): Promise<readonly RedisReply[]> {
    try {
      return await this.run(script, keys, args);
    } catch (error) {
      throw new StoreError(operation, messageOf(error), error);
    }
  }

  /** Runs a script: one limit for all that this takes. @throws AskError */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<readonly RedisReply[]> {
    return this.#within(keys, (call, server) => this.#proven(call, server, script, keys, args));
  }

  /**
   * Runs a script that writes and waits until replicas have what it wrote, under the same limit.
   *
   * @param onReply called with the script's reply before the wait, which may fail; whether to wait at all
   * @throws AskError 'unknown' where it is written here and not proven to be there: it would be lost with this server
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

  /** By its name, and by its text where the server doesn't have it: at first, after a restart or SCRIPT FLUSH. */
  async #runNow(call: Call, server: Server, script: Script, keys: readonly string[], args: readonly string[]) {
    const operands = [String(keys.length), ...keys, ...args];
    const isSubject = script !== POLICY;
    let reply: RedisReply;
    try {
      reply = await this.#send(call, server, ['EVALSHA', script.sha, ...operands], isSubject);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      // A client that has connected again may have sent it twice, and the first server may have run it.
      if (call.changes === this.#status.changes) call.isSent = false;
      reply = await this.#send(call, server, ['EVAL', script.text, ...operands], isSubject);
    }
    if (!Array.isArray(reply)) throw new AskError(call.isSent ? 'unknown' : 'no', 'a script was answered with no list');
    return reply as readonly RedisReply[];
  }

  /**
   * WAIT speaks of what its own connection has written. A client that has connected again in between, and has sent WAIT
   * once more by itself, gets a yes at once about nothing: so a change of the status since the script proves nothing.
   */
  async #untilReplicated(call: Call, server: Server): Promise<void> {
    const { changes } = call;
    let have: RedisReply;
    try {
      // The server gives up before the client does, so that its answer comes.
      have = await this.#send(call, server, ['WAIT', String(this.replicas), String(Math.ceil(this.timeoutMs / 2))], false);
    } catch (error) {
      throw new AskError('unknown', messageOf(error));
    }
    if (this.#status.changes !== changes) throw new AskError('unknown', 'the connection changed before the replicas had it');
    const count = Number(have);
    if (!(count >= this.replicas)) throw new AskError('unknown', `${count} of ${this.replicas} replicas have it`);
  }

  /** Gives work one limit of time. @throws AskError */
  #within<T>(keys: readonly string[], work: (call: Call, server: Server) => Promise<T>): Promise<T> {
    const server = this.#serverOf(keys);
    return new Promise((resolve, reject) => {
      const call: Call = { isSent: false, isOver: false, resets: server.resets, changes: 0, onGiveUp: [] };
      const end = this.#limit.begin(() => {
        call.isOver = true;
        for (const callback of call.onGiveUp) callback();
        this.#countSilence(call, server, keys[0] as string);
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
          // The next server may be another one, with another policy.
          if (!isRefusedByScript(messageOf(error))) server.eviction.forget();
          reject(this.#meaningOf(error, call));
        },
      );
    });
  }

  #serverOf(keys: readonly string[]): Server {
    const name = this.client.isCluster === true ? (keys[0] as string) : '';
    let server = this.#servers.get(name);
    if (server === undefined) this.#servers.set(name, (server = { eviction: new EvictionCheck(), silent: 0, resets: 0 }));
    return server;
  }

  /**
   * A client may send a command again by itself when its connection is back. Then a server refuses, as it may be a replica
   * by now, what another one has carried out before: after a change of the status a refusal proves nothing.
   */
  #meaningOf(error: unknown, call: Call): AskError {
    const failure = error instanceof AskError ? error : askErrorOf(messageOf(error), call.isSent);
    return call.isSent && call.changes !== this.#status.changes ? new AskError('unknown', failure.message) : failure;
  }

  /** @param isSubject it is what the call is about: from here on it may have been carried out */
  async #send(call: Call, server: Server, command: readonly string[], isSubject: boolean): Promise<RedisReply> {
    if (this.client.status() !== 'ready') await this.#untilReady(call);
    // What has been given up is never sent.
    if (call.isOver) throw new AskError('no', 'given up');
    if (isSubject && !call.isSent) {
      call.isSent = true;
      call.changes = this.#status.changes;
    }
    try {
      return await this.client.send(command);
    } finally {
      // An answer, or a client that has noticed by itself.
      server.silent = 0;
    }
  }

  /** Only calls that began on this connection say something about it: one reset at a time, however many are waiting. */
  #countSilence(call: Call, server: Server, key: string): void {
    if (call.resets !== server.resets) return;
    server.silent += 1;
    if (server.silent < SILENT_CALLS) return;
    server.silent = 0;
    server.resets += 1;
    this.client.reset?.(key);
  }

  /** Waits here, and not in the client's own queue: what waits there is sent however late the connection comes back. */
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
