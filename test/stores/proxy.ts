import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

type Way = 'to the server' | 'to the client';

/**
 * What happens to data on its way to the server: it passes; its connection is cut instead; it passes and its reply is
 * cut off (or, from that reply on, everything is refused); or it is dropped, with all later data on any connection.
 */
export type Fate = 'pass' | 'cut' | 'cut the reply' | 'refuse at the reply' | 'black hole';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Data in each direction that is delayed, in order: a change of the delay moves none before the other. */
  readonly delayed: Readonly<Record<Way, Delayed[]>>;
  /** Nothing passes any more in either direction, and the connections stay open. */
  isSilent: boolean;
  onReply: (() => void) | undefined;
}

interface Delayed {
  readonly data: Buffer;
  /** When it is due, by `performance.now()`. */
  readonly at: number;
}

/** COMMIT as `pg` sends it: a simple query. */
const COMMIT = Buffer.from('commit\0');

/** The reply to the committing script, and to no other: the channel on which it publishes. */
const CHANNEL = Buffer.from('}:moved\r\n');

/** Whether data on its way to a server commits: a statement of `pg`, or a script of Redis. */
export const isCommit = (data: Buffer): boolean => data.includes(COMMIT) || (data.includes('EVAL') && data.includes(CHANNEL));

/** The network between a store and its server, with faults that a test controls. */
export class Proxy {
  readonly #target: URL;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #blackHoles = new Set<Way>();
  #onRequest: ((data: Buffer) => Fate) | undefined;
  #refuses = false;
  #delayMs = 0;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer({ noDelay: true }, (client) => this.#join(client));
  }

  /** @param url of the server behind the proxy */
  static async to(url: string): Promise<Proxy> {
    const proxy = new Proxy(new URL(url));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The server's URL through this proxy. */
  get url(): string {
    const url = new URL(this.#target);
    url.hostname = '127.0.0.1';
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  /** Resets every connection, and each new one, until {@link mend}. */
  refuse(): void {
    this.#refuses = true;
    this.reset();
  }

  /** Resets every connection; new ones are accepted. */
  reset(): void {
    for (const pair of this.#pairs) cut(pair);
  }

  /** Nothing passes in this direction any more, on open connections and on new ones, until {@link mend}. */
  blackHole(way: Way): void {
    this.#blackHoles.add(way);
  }

  /** The open connections stay silent for ever; new ones work. */
  silenceConnections(): number {
    for (const pair of this.#pairs) pair.isSilent = true;
    return this.#pairs.size;
  }

  /**
   * Delays everything by this time, in both directions, until {@link mend}. What a client has sent arrives also if it closes its
   * connection in the meantime.
   */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Decides about all data that goes to the server, until {@link mend}. */
  intercept(decide: (data: Buffer) => Fate): void {
    this.#onRequest = decide;
  }

  /** Decides about the next commit only. */
  atCommit(fate: Fate): void {
    this.intercept((data) => {
      if (!isCommit(data)) return 'pass';
      this.#onRequest = undefined;
      return fate;
    });
  }

  mend(): void {
    // Dropped data never arrives, so such a connection can only be closed.
    if (this.#blackHoles.size > 0) this.reset();
    this.#blackHoles.clear();
    this.#refuses = false;
    this.#onRequest = undefined;
    this.#delayMs = 0;
  }

  async close(): Promise<void> {
    this.refuse();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#refuses) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({
      host: this.#target.hostname,
      port: Number(this.#target.port === '' ? 6379 : this.#target.port),
      noDelay: true,
    });
    const delayed = { 'to the server': [], 'to the client': [] };
    const pair: Pair = { client, server, delayed, isSilent: false, onReply: undefined };
    this.#pairs.add(pair);
    client.on('data', (data) => {
      const fate = this.#onRequest?.(data) ?? 'pass';
      if (fate === 'cut') cut(pair);
      else if (fate === 'black hole') this.blackHole('to the server');
      else if (fate === 'cut the reply') pair.onReply = () => cut(pair);
      else if (fate === 'refuse at the reply') pair.onReply = () => this.refuse();
      this.#pass(pair, data, server, 'to the server');
    });
    server.on('data', (data) => {
      // Redis has not run a script that it does not know: the client sends it once more, whole.
      if (pair.onReply === undefined || data.includes('-NOSCRIPT')) this.#pass(pair, data, client, 'to the client');
      else pair.onReply();
    });
    server.on('error', () => undefined);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    client.on('close', () => {
      // The data on its way to the server arrives first.
      if (delayed['to the server'].length === 0) end();
    });
    server.on('close', end);
  }

  #pass(pair: Pair, data: Buffer, to: Socket, way: Way): void {
    const delayed = pair.delayed[way];
    if (this.#delayMs === 0 && delayed.length === 0) this.#write(pair, data, to, way);
    else if (delayed.push({ data, at: performance.now() + this.#delayMs }) === 1) this.#passDelayed(pair, to, way);
  }

  /** Passes the oldest delayed data once they are due, then the following data. */
  #passDelayed(pair: Pair, to: Socket, way: Way): void {
    const delayed = pair.delayed[way];
    const [next] = delayed;
    if (next === undefined) {
      if (way === 'to the server' && pair.client.destroyed) pair.server.destroy();
      return;
    }
    setTimeout(
      () => {
        this.#write(pair, next.data, to, way);
        delayed.shift();
        this.#passDelayed(pair, to, way);
      },
      Math.max(0, next.at - performance.now()),
    );
  }

  #write(pair: Pair, data: Buffer, to: Socket, way: Way): void {
    if (!pair.isSilent && !this.#blackHoles.has(way) && !to.destroyed) to.write(data);
  }
}

function cut({ client, server }: Pair): void {
  client.resetAndDestroy();
  server.destroy();
}
