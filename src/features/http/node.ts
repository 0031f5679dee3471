import { invalid } from '../../core/parse.js';

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
  /** Whether the body has been read to its end. */
  readonly readableEnded?: boolean | undefined;
  /** The body, where a parser has read it. */
  readonly body?: unknown;
}

/** A response of Node. */
export interface NodeResponse {
  statusCode: number;
  setHeader(name: string, value: string | readonly string[]): unknown;
  write(chunk: Uint8Array): boolean;
  end(): unknown;
  once(event: string, listener: () => void): unknown;
  readonly destroyed?: boolean | undefined;
  /** Whether a handler has ended the response. */
  readonly writableEnded?: boolean | undefined;
  destroy?(error?: Error): unknown;
}

/** A handler with its path: of `createHttpHandler`, `createAuthzenHandler` or `createAuthzenMetadataHandler`. */
export interface MountedHandler {
  (request: Request): Promise<Response>;
  readonly basePath: string;
  /** It answers this path and everything below it. Default: `basePath`. */
  readonly prefix?: string | undefined;
}

/** A listener for `http.createServer`, and a middleware for Express. */
export type NodeHandler = (request: NodeRequest, response: NodeResponse, next?: (error?: unknown) => void) => void;

/**
 * Serves the handler in Express, in Connect and with `node:http`. It calls `next()` for every path that the handler does not serve;
 * without `next`, it answers 404. Where a parser such as `express.json()` has read the body, it uses the parsed value.
 *
 * @param handler what `createHttpHandler` returned, or another function from `Request` to `Response` with a `basePath`
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` for any other value
 * @example
 * app.use(toNodeHandler(handler));
 */
export function toNodeHandler(handler: MountedHandler): NodeHandler {
  if (typeof handler !== 'function') throw invalid('handler', 'a handler of createHttpHandler', handler);
  const { basePath, prefix = basePath } = handler;
  return (incoming, response, next) => {
    const path = incoming.originalUrl ?? incoming.url ?? '/';
    const isOurs = path.startsWith(`${prefix}/`) || path.split('?', 1)[0] === prefix;
    if (!isOurs && next !== undefined) {
      next();
      return;
    }
    serve(handler, incoming, response, path).catch((error: unknown) => {
      if (next === undefined) response.destroy?.(error instanceof Error ? error : undefined);
      else next(error);
    });
  };
}

async function serve(handler: MountedHandler, incoming: NodeRequest, response: NodeResponse, path: string): Promise<void> {
  const gone = new AbortController();
  // `close` also follows the end of the response. Aborting then changes nothing.
  response.once('close', () => gone.abort());
  const answer = refusalOf(incoming, path) ?? (await handler(toRequest(incoming, path, gone.signal)));
  // Another handler has answered in the meantime, as a timeout middleware does. A second answer is an error, for which Express closes the
  // connection.
  if (response.writableEnded === true) {
    await answer.body?.cancel();
    return;
  }
  response.statusCode = answer.status;
  for (const [name, value] of answer.headers) response.setHeader(name, value);
  if (answer.body !== null) await pipe(answer.body, response, gone.signal);
  response.end();
}

/** `undefined`: the request may be answered. */
function refusalOf({ method = 'GET' }: NodeRequest, path: string): Response | undefined {
  // A `Request` with one of these methods cannot be made.
  if (/^(?:CONNECT|TRACE|TRACK)$/i.test(method)) return new Response(null, { status: 405 });
  // A URL resolves dots and backslashes. A guard before the handler has judged the path as it arrived.
  const isRewritten = new URL(urlOf(LOCAL, path)).pathname !== path.split('?', 1)[0];
  return isRewritten ? new Response(null, { status: 404 }) : undefined;
}

/** The origin of a request that names no valid host. */
const LOCAL = 'http://localhost';

function toRequest(incoming: NodeRequest, path: string, signal: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    // The pseudo-headers of HTTP/2.
    if (name.startsWith(':')) continue;
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) headers.append(name, one);
  }
  const { method = 'GET' } = incoming;
  const scheme = isEncrypted(incoming.socket) ? 'https' : 'http';
  const url = urlOf(`${scheme}://${headers.get('host') ?? textOf(incoming.headers[':authority']) ?? 'localhost'}`, path);
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers, signal });
  return new Request(url, { method, headers, signal, body: bodyOf(incoming, headers), duplex: 'half' } as RequestInit);
}

const textOf = (value: string | readonly string[] | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

const isEncrypted = (socket: object | undefined): boolean => (socket as { readonly encrypted?: unknown } | undefined)?.encrypted === true;

/** The URL of the request. A `Host` that is no host must not decide how the path is read. */
function urlOf(origin: string, path: string): string {
  const base = URL.canParse(origin) && new URL(origin).origin === origin.toLowerCase() ? origin : LOCAL;
  return URL.canParse(`${base}${path}`) ? `${base}${path}` : `${base}/`;
}

/** Where a parser has read the stream, its value is written again: the handler validates it like any other body. */
function bodyOf(incoming: NodeRequest, headers: Headers): ReadableStream<Uint8Array> | string {
  const { body } = incoming;
  if (body !== undefined && incoming.readableEnded === true) {
    headers.delete('content-length');
    headers.delete('content-encoding');
    return typeof body === 'string' ? body : JSON.stringify(body);
  }
  const chunks = incoming[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await chunks.next();
      if (next.done === true) controller.close();
      else controller.enqueue(new Uint8Array(next.value));
    },
    async cancel() {
      await chunks.return?.();
    },
  });
}

async function pipe(body: ReadableStream<Uint8Array>, response: NodeResponse, signal: AbortSignal): Promise<void> {
  const reader = body.getReader();
  const stop = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || signal.aborted) return;
    // Another handler has ended the stream. A further write is an error event, which ends the process.
    if (response.writableEnded === true) {
      stop();
      return;
    }
    if (!response.write(value))
      await new Promise<void>((resolve) => {
        response.once('drain', resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
  }
}
