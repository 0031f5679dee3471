import { invalid } from '../../core/parse.js';
import type { Clock } from '../../core/ports.js';
import { sleepUntil } from '../../core/timers.js';
import { nextTurn } from '../../core/turns.js';

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
 * without `next`, it answers 404. If a parser such as `express.json()` has read the body, it uses the parsed value.
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

/** The most that is read of a body after its answer. Bytes. */
const MAX_DISCARDED = 1_048_576;
/** How long a connection may stay open after an answer that its client's body outlasts. Milliseconds. */
const LINGER_MS = 500;
/** Sleeps by real timers, from zero. */
const TIMER: Clock = { now: () => 0 };

async function serve(handler: MountedHandler, incoming: NodeRequest, response: NodeResponse, path: string): Promise<void> {
  const gone = new AbortController();
  // `close` also follows the end of the response. Aborting then changes nothing.
  response.once('close', () => gone.abort());
  const body = bodyOf(incoming);
  let answer: Response;
  try {
    answer = await (refusalOf(incoming, path) ?? handler(toRequest(incoming, path, gone.signal, body)));
  } catch (error) {
    void close(incoming, response, body);
    throw error;
  }
  // Node runs microtasks between the head of a message and the body that came in the same packet.
  if (incoming.complete === false) await nextTurn();
  // Another handler has answered in the meantime, as a timeout middleware does. A second answer is an error, for which Express closes the
  // connection.
  if (response.writableEnded === true) {
    await answer.body?.cancel();
    await close(incoming, response, body);
    return;
  }
  const isHttp2 = (incoming.httpVersionMajor ?? 1) > 1;
  // The body has not arrived, and the next request of this connection stands behind it. HTTP/2 has a stream for each request.
  const isEarly = incoming.complete === false && !isHttp2;
  response.statusCode = answer.status;
  // HTTP/2 has no `Connection`.
  for (const [name, value] of answer.headers) if (name !== 'connection' || !isHttp2) response.setHeader(name, value);
  if (isEarly) response.setHeader('connection', 'close');
  if (isEarly && answer.status >= 400) await sendWhole(answer, response);
  else if (answer.body !== null) await pipe(answer.body, response, gone.signal);
  if (isHttp2) {
    response.end();
    await close(incoming, response, body);
  } else {
    // After `end`, Node destroys a connection that is to be closed. If the client still writes, the reset could overtake the answer.
    await body.discard();
    response.end();
  }
}

/** Sends an answer with its length, so that its client has the whole of it before the response ends. */
async function sendWhole(answer: Response, response: NodeResponse): Promise<void> {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  response.setHeader('content-length', String(bytes.length));
  response.write(bytes);
}

/** Reads the rest of the body of an answered request. If it does not end, ends the connection, or the stream of HTTP/2. */
async function close(incoming: NodeRequest, response: NodeResponse, body: IncomingBody): Promise<void> {
  if (await body.discard()) return;
  response.destroy?.();
  incoming.destroy?.();
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

function toRequest(incoming: NodeRequest, path: string, signal: AbortSignal, body: IncomingBody): Request {
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
  return new Request(url, { method, headers, signal, body: parsedBody(incoming, headers) ?? body.stream(), duplex: 'half' } as RequestInit);
}

const textOf = (value: string | readonly string[] | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

const isEncrypted = (socket: object | undefined): boolean => (socket as { readonly encrypted?: unknown } | undefined)?.encrypted === true;

/** The URL of the request. A `Host` that is no host must not decide how the path is read. */
function urlOf(origin: string, path: string): string {
  const base = URL.canParse(origin) && new URL(origin).origin === origin.toLowerCase() ? origin : LOCAL;
  return URL.canParse(`${base}${path}`) ? `${base}${path}` : `${base}/`;
}

/** If a parser has read the stream, its value is written again: the handler validates it like any other body. */
function parsedBody({ body, readableEnded }: NodeRequest, headers: Headers): string | undefined {
  if (body === undefined || readableEnded !== true) return undefined;
  headers.delete('content-length');
  headers.delete('content-encoding');
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** The body of a request: the handler reads its start, and the adapter the rest. */
interface IncomingBody {
  stream(): ReadableStream<Uint8Array>;
  /**
   * Reads and drops the rest, up to {@link MAX_DISCARDED} and {@link LINGER_MS}: Node reads the next request of a connection only after
   * the body of this one. If there is more, it reads no further and lets the time pass, in which the client reads its answer.
   *
   * @returns whether the body has ended
   */
  discard(): Promise<boolean>;
}

function bodyOf(incoming: NodeRequest): IncomingBody {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  const read = () => (chunks ??= incoming[Symbol.asyncIterator]()).next();
  let isAnswered = false;
  return {
    stream: () =>
      new ReadableStream<Uint8Array>({
        async pull(controller) {
          const next = await read();
          // A handler that still reads must not take the parts that `discard` leaves for a whole body.
          if (isAnswered) controller.error(new Error('the request has been answered'));
          else if (next.done === true) controller.close();
          else controller.enqueue(new Uint8Array(next.value));
        },
      }),
    async discard() {
      isAnswered = true;
      // Node itself drops a body that has arrived and that no code has begun to read.
      if (incoming.readableEnded === true || (chunks === undefined && incoming.complete !== false)) return true;
      const done = new AbortController();
      const late = sleepUntil(TIMER, LINGER_MS, done.signal, true).then(() => false);
      try {
        return await Promise.race([readUpTo(MAX_DISCARDED, read), late]);
      } finally {
        done.abort();
      }
    },
  };
}

/** Resolves when the body has ended; never, if it is longer. */
async function readUpTo(bytes: number, read: () => Promise<IteratorResult<Uint8Array>>): Promise<boolean> {
  try {
    for (let left = bytes, next = await read(); next.done !== true; next = await read()) {
      left -= next.value.length;
      if (left < 0) return await new Promise<never>(() => undefined);
    }
  } catch {
    // The client has gone, and its connection with it.
  }
  return true;
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
    if (response.write(value)) continue;
    await new Promise<void>((resolve) => {
      response.once('drain', resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
      // The stream has failed while its client reads nothing. The rest of the answer would wait for that client without an end.
      reader.closed.catch(() => response.destroy?.());
    });
    if (signal.aborted) return;
  }
}
