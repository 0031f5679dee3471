/* The types name only what the adapter uses, so that this package needs no types of Node. */

/** A request of Node: of `node:http`, Express or Fastify's `raw`. */
export interface NodeRequest extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** The path before Express cut off the mount point. */
  readonly originalUrl?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** A TLS socket has `encrypted: true`. */
  readonly socket?: object | undefined;
  /** 2 for HTTP/2, where a connection has many requests at a time. Default: 1. */
  readonly httpVersionMajor?: number | undefined;
  /** Whether the whole body has arrived. Default: true. */
  readonly complete?: boolean | undefined;
  /** Whether the body has been read to its end. */
  readonly readableEnded?: boolean | undefined;
  readonly destroyed?: boolean | undefined;
  on(event: string, listener: (chunk: Uint8Array) => void): unknown;
  removeListener(event: string, listener: (chunk: Uint8Array) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  /** The body, if a parser has read it. */
  readonly body?: unknown;
  /** Ends the connection of a request whose body has not ended. */
  destroy?(): unknown;
}

/** A response of Node. */
export interface NodeResponse {
  statusCode: number;
  setHeader(name: string, value: string | readonly string[]): unknown;
  write(chunk: Uint8Array): boolean;
  end(text?: string): unknown;
  once(event: string, listener: () => void): unknown;
  readonly destroyed?: boolean | undefined;
  /** Whether a handler has ended the response. */
  readonly writableEnded?: boolean | undefined;
  destroy?(error?: Error): unknown;
}
