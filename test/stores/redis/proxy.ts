import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What lies behind the network. */
type Target = { readonly host: string; readonly port: number; readonly url: string };

/** The network between a client and a server, which can be made to fail. */
export class Proxy {
  readonly #target: Target;
  readonly #server: Server;
  readonly #pairs = new Set<{ readonly client: Socket; readonly server: Socket }>();
  #refuses = false;
  #swallows = false;
  #onRequest: ((data: Buffer) => 'pass' | 'cut' | 'cut the reply') | undefined;

  private constructor(target: Target) {
    this.#target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  static async to(target: Target): Promise<Proxy> {
    const proxy = new Proxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The target's, but by this way. */
  get url(): string {
    const url = new URL(this.#target.url);
    url.hostname = '127.0.0.1';
    url.port = String(this.port);
    return url.href;
  }

  /** Resets every connection, and each new one, until {@link mend}. */
  cut(): void {
    this.#refuses = true;
    this.reset();
  }

  /** Resets every connection; new ones are taken. */
  reset(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** Keeps connections open, and lets nothing through to the client, until {@link mend}. */
  swallow(): void {
    this.#swallows = true;
  }

  /** Decides on the next requests, until {@link mend}: cut before they reach the server, or cut off their reply. */
  intercept(decide: (data: Buffer) => 'pass' | 'cut' | 'cut the reply'): void {
    this.#onRequest = decide;
  }

  mend(): void {
    // What was swallowed never comes: such a connection can only go.
    if (this.#swallows) this.reset();
    this.#refuses = false;
    this.#swallows = false;
    this.#onRequest = undefined;
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#refuses) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#target.port, this.#target.host);
    const pair = { client, server };
    this.#pairs.add(pair);
    let isReplyCut = false;
    client.on('data', (data) => {
      const fate = this.#onRequest?.(data) ?? 'pass';
      if (fate === 'cut') client.resetAndDestroy();
      else server.write(data);
      if (fate === 'cut the reply') isReplyCut = true;
    });
    server.on('data', (data) => {
      if (isReplyCut) client.resetAndDestroy();
      else if (!this.#swallows) client.write(data);
    });
    server.on('error', () => undefined);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    client.on('close', end);
    server.on('close', end);
  }
}
