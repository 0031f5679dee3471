import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** COMMIT as `pg` sends it: a simple query. */
const COMMIT = Buffer.from('commit\0');

/** A network between a store and its PostgreSQL, which can fail. */
export class Proxy {
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #pairs = new Set<readonly [client: Socket, server: Socket]>();
  #onCommit: (pair: readonly [Socket, Socket], chunk: Buffer) => boolean = () => true;
  #silent = new Set<'to the server' | 'to the client'>();
  #refuses = false;

  private constructor(target: URL) {
    this.#target = { host: target.hostname, port: Number(target.port) };
    this.#server = createServer((client) => this.#join(client));
  }

  static async to(url: string): Promise<Proxy> {
    const proxy = new Proxy(new URL(url));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The same database, through this network. */
  urlOf(url: string): string {
    const through = new URL(url);
    through.port = String((this.#server.address() as AddressInfo).port);
    return through.href;
  }

  /** The next COMMIT never arrives: its connection is cut. */
  cutBeforeCommit(): void {
    this.#onNextCommit((pair) => {
      cut(pair);
      return false;
    });
  }

  /** The next COMMIT arrives, and its answer doesn't: the connection is cut in its place. */
  cutReplyToCommit(andRefuse = false): void {
    this.#onNextCommit((pair) => {
      pair[1].removeAllListeners('data');
      pair[1].once('data', () => (andRefuse ? this.refuse() : cut(pair)));
      return true;
    });
  }

  /** Nothing goes this way any more, and nobody is told; also on connections that are made later. */
  blackHole(way: 'to the server' | 'to the client'): void {
    this.#silent.add(way);
  }

  /** The next COMMIT, and all behind it, goes nowhere. */
  blackHoleAtCommit(): void {
    this.#onNextCommit(() => {
      this.blackHole('to the server');
      return false;
    });
  }

  /** The connections of now have gone silent for ever; those of later are as good as any. */
  silenceConnections(): number {
    const { size } = this.#pairs;
    for (const [client, server] of this.#pairs) {
      client.removeAllListeners('data').resume();
      server.removeAllListeners('data').resume();
    }
    return size;
  }

  refuse(): void {
    this.#refuses = true;
    for (const pair of this.#pairs) cut(pair);
  }

  mend(): void {
    this.#silent.clear();
    this.#refuses = false;
  }

  async stop(): Promise<void> {
    for (const pair of this.#pairs) cut(pair);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #onNextCommit(act: (pair: readonly [Socket, Socket]) => boolean): void {
    this.#onCommit = (pair) => {
      this.#onCommit = () => true;
      return act(pair);
    };
  }

  #join(client: Socket): void {
    if (this.#refuses) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#target);
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    client.on('data', (chunk) => {
      if (chunk.includes(COMMIT) && !this.#onCommit(pair, chunk)) return;
      if (!this.#silent.has('to the server')) server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (!this.#silent.has('to the client')) client.write(chunk);
    });
    for (const [one, other] of [pair, [server, client] as const]) {
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
  }
}

const cut = ([client, server]: readonly [Socket, Socket]): void => {
  client.resetAndDestroy();
  server.destroy();
};
