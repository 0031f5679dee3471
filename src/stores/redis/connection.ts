import { sha1 } from '@noble/hashes/legacy.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { messageOf, StoreError } from '../../errors.js';
import { AskError, askErrorOf } from './ask-error.js';
import type { RedisClient, RedisReply } from './client.js';
import { checkEviction } from './eviction.js';
import { TimeLimit } from '../time-limit.js';

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

/** One client, shared by the stores of all its namespaces: every call with a limit of time, every failure with what it means. */
export class Connection {
  readonly client: RedisClient;
  readonly timeoutMs: number;
  readonly #assumeNoEviction: boolean;
  readonly #limit: TimeLimit;
  #isChecked: boolean;
  #checking: Promise<void> | undefined;

  constructor(client: RedisClient, timeoutMs: number, assumeNoEviction: boolean) {
    this.client = client;
    this.timeoutMs = timeoutMs;
    this.#assumeNoEviction = assumeNoEviction;
    this.#limit = new TimeLimit(timeoutMs);
    this.#isChecked = assumeNoEviction;
  }

  /** Asks by one command that only reads. @throws StoreError */
  async read(operation: string, command: readonly string[]): Promise<RedisReply> {
    try {
      return await this.send(command);
    } catch (error) {
      throw new StoreError(operation, messageOf(error), error);
    }
  }

  /** Asks by a script that only reads. @throws StoreError */
  async readBy(operation: string, script: Script, keys: readonly string[], args: readonly string[]): Promise<readonly RedisReply[]> {
    try {
      return await this.run(script, keys, args);
    } catch (error) {
      throw new StoreError(operation, messageOf(error), error);
    }
  }

  /** Runs a script by its name, and by its text where the server doesn't have it: at first, after a restart or SCRIPT FLUSH. @throws AskError */
  async run(script: Script, keys: readonly string[], args: readonly string[]): Promise<readonly RedisReply[]> {
    const operands = [String(keys.length), ...keys, ...args];
    let reply: RedisReply;
    try {
      reply = await this.send(['EVALSHA', script.sha, ...operands]);
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      reply = await this.send(['EVAL', script.text, ...operands]);
    }
    if (!Array.isArray(reply)) throw new AskError('unknown', 'a script was answered with no list');
    return reply as readonly RedisReply[];
  }

  /**
   * Waits until replicas have all that was written before, over this connection and any other.
   *
   * @throws AskError 'unknown': it has been written here, and would be lost with this server
   */
  async untilReplicated(replicas: number): Promise<void> {
    let have: RedisReply;
    try {
      // The server gives up before the client does, so that its answer comes.
      have = await this.send(['WAIT', String(replicas), String(Math.ceil(this.timeoutMs / 2))]);
    } catch (error) {
      throw new AskError('unknown', messageOf(error));
    }
    if (Number(have) < replicas) throw new AskError('unknown', `${Number(have)} of ${replicas} replicas have it`);
  }

  /** @throws AskError */
  async send(command: readonly string[]): Promise<RedisReply> {
    try {
      if (!this.#isChecked) await this.#check();
      return await this.#sendNow(command);
    } catch (error) {
      // The next server may be another one, with another policy.
      this.#isChecked = this.#assumeNoEviction;
      throw error;
    }
  }

  /** Once for all who wait for it. */
  async #check(): Promise<void> {
    this.#checking ??= checkEviction((question) => this.#sendNow(question));
    try {
      await this.#checking;
      this.#isChecked = true;
    } finally {
      this.#checking = undefined;
    }
  }

  #sendNow(command: readonly string[]): Promise<RedisReply> {
    return new Promise((resolve, reject) => {
      let isSent = false;
      let isOver = false;
      const end = this.#limit.begin(() => {
        isOver = true;
        const what = isSent ? 'no answer from Redis' : 'no connection to Redis';
        reject(new AskError(isSent ? 'unknown' : 'no', `${what} within ${this.timeoutMs} ms`));
      });
      const fail = (error: unknown): void => {
        end();
        reject(error instanceof AskError ? error : askErrorOf(messageOf(error), isSent));
      };
      const go = async (): Promise<void> => {
        // What has been given up is never sent.
        if (isOver) return;
        isSent = true;
        const reply = await this.client.send(command);
        end();
        resolve(reply);
      };
      if (this.client.status() === 'ready') go().catch(fail);
      else
        this.#untilReady(() => isOver)
          .then(go)
          .catch(fail);
    });
  }

  /** Waits here, and not in the client's own queue: what waits there is sent however late the connection comes back. */
  async #untilReady(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const status = this.client.status();
      if (status === 'ready') return;
      if (status === 'closed') throw new AskError('no', 'the Redis client is closed, or was never connected');
      await new Promise<void>((resolve) => {
        const stop = this.client.onStatus(() => {
          stop();
          resolve();
        });
      });
    }
  }
}
