import { assertBoolean, invalid, readOptions } from '../../core/parse.js';
import { toUtf8 } from '../../core/utf8.js';
import { nextTurn } from '../../core/turns.js';
import { plainHandlerOf, type PlainAnswer, type PlainHandler } from '../json-body/plain-answer.js';
import { plainTarget } from '../json-body/request-url.js';
import { headersOf, ThinRequest, type RequestSource } from '../json-body/thin-request.js';
import { bodyOf, hasBody, type IncomingBody } from './node-body.js';
import type { NodeRequest, NodeResponse } from './node-types.js';

/** A handler with its path: of `createHttpHandler`, `createAuthzenHandler` or `createAuthzenMetadataHandler`. */
export interface MountedHandler {
  (request: Request): Promise<Response>;
  /** The path under which the handler is mounted, such as `/jit`. */
  readonly basePath: string;
  /** It answers this path and everything below it. Default: `basePath`. */
  readonly prefix?: string | undefined;
}

/** A listener for `http.createServer`, and a middleware for Express. */
export type NodeHandler = (request: NodeRequest, response: NodeResponse, next?: (error?: unknown) => void) => void;

/** The options of `toNodeHandler`. */
export interface NodeHandlerOptions {
  /**
   * Whether functions such as `identify` receive a `Request` that the runtime has made. Otherwise its parts are made when they are read: it
   * is an instance of `Request` with real `Headers`, but from Node 24 on, `new Request(request)` and `fetch(request)` refuse it. Pass
   * `request.clone()` to them, or set this. A small answer then costs about twice the CPU time. Default: false.
   */
  readonly realRequest?: boolean | undefined;
}

/**
 * Serves the handler in Express, in Connect and with `node:http`. It calls `next()` for every path that the handler does not serve;
 * without `next`, it answers 404. If a parser such as `express.json()` has read the body, it uses the parsed value.
 *
 * @param handler what `createHttpHandler` returned, or another function from `Request` to `Response` with a `basePath`
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` for any other value, and for an invalid option
 * @example
 * app.use(toNodeHandler(handler));
 */
export function toNodeHandler(handler: MountedHandler, options: NodeHandlerOptions = {}): NodeHandler {
  if (typeof handler !== 'function') throw invalid('handler', 'a handler of createHttpHandler', handler);
  const { realRequest = false } = readOptions<keyof NodeHandlerOptions>('options', options, ['realRequest']);
  assertBoolean('realRequest', realRequest);
  const { basePath, prefix = basePath } = handler;
  const plain = plainHandlerOf(handler);
  const served: Served = { answer: plain ?? answering(handler), isThin: plain !== undefined && !realRequest, originOf: originReader() };
  return (incoming, response, next) => {
    if (typeof (response as Partial<NodeResponse> | undefined)?.setHeader !== 'function')
      throw invalid(
        'response',
        'that of node:http, such as reply.raw of Fastify: where a Request is given, pass the handler itself',
        response,
      );
    const path = incoming.originalUrl ?? incoming.url ?? '/';
    const isOurs = path.startsWith(`${prefix}/`) || path.split('?', 1)[0] === prefix;
    if (!isOurs && next !== undefined) {
      next();
      return;
    }
    serve(served, incoming, response, path).catch((error: unknown) => {
      if (next === undefined) response.destroy?.(error instanceof Error ? error : undefined);
      else next(error);
    });
  };
}

interface Served {
  readonly answer: PlainHandler;
  readonly isThin: boolean;
  readonly originOf: (origin: string) => string;
}

const answering =
  (handler: MountedHandler): PlainHandler =>
  async (request) => {
    const { status, headers, body } = await handler(request);
    return { status, headers: Object.fromEntries(headers), body };
  };

async function serve(served: Served, incoming: NodeRequest, response: NodeResponse, path: string): Promise<void> {
  const gone = signalOf(response);
  const body = bodyOf(incoming);
  let answer: PlainAnswer;
  try {
    answer = refusalOf(incoming, path) ?? (await served.answer(toRequest(served, incoming, path, gone, body)));
  } catch (error) {
    void close(incoming, response, body);
    throw error;
  }
  // Node runs microtasks between the head of a message and the body that came in the same packet.
  if (incoming.complete === false && hasBody(incoming)) await nextTurn();
  // Another handler has answered in the meantime, as a timeout middleware does. A second answer is an error, for which Express closes the
  // connection.
  if (response.writableEnded === true) {
    if (typeof answer.body !== 'string') await answer.body?.cancel();
    await close(incoming, response, body);
    return;
  }
  const isHttp2 = (incoming.httpVersionMajor ?? 1) > 1;
  // The body has not arrived, and the next request of this connection stands behind it. HTTP/2 has a stream for each request.
  const isEarly = incoming.complete === false && !isHttp2 && hasBody(incoming);
  response.statusCode = answer.status;
  // HTTP/2 has no `Connection`.
  for (const [name, value] of Object.entries(answer.headers)) if (name !== 'connection' || !isHttp2) response.setHeader(name, value);
  if (isEarly) response.setHeader('connection', 'close');
  const text = typeof answer.body === 'string' && !isEarly ? answer.body : undefined;
  if (text === undefined) await send(answer, response, gone, isEarly);
  if (isHttp2) {
    response.end(text);
    await close(incoming, response, body);
  } else if (text !== undefined) {
    response.end(text);
    await body.discard();
  } else {
    // After `end`, Node destroys a connection that is to be closed. If the client still writes, the reset could overtake the answer.
    await body.discard();
    response.end();
  }
}

/** Reads the rest of the body of an answered request. If it does not end, ends the connection, or the stream of HTTP/2. */
async function close(incoming: NodeRequest, response: NodeResponse, body: IncomingBody): Promise<void> {
  if (await body.discard()) return;
  response.destroy?.();
  incoming.destroy?.();
}

/** `undefined`: the request may be answered. */
function refusalOf({ method = 'GET' }: NodeRequest, path: string): PlainAnswer | undefined {
  // A `Request` with one of these methods cannot be made.
  if (/^(?:CONNECT|TRACE|TRACK)$/i.test(method)) return { status: 405, headers: {}, body: null };
  // A URL resolves dots and backslashes. A guard before the handler has judged the path as it arrived.
  const isRewritten = plainTarget(path) === undefined && new URL(urlOf(LOCAL, path)).pathname !== path.split('?', 1)[0];
  return isRewritten ? { status: 404, headers: {}, body: null } : undefined;
}

/** The methods that a `Request` keeps as they are. */
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

function toRequest(served: Served, incoming: NodeRequest, path: string, gone: () => AbortSignal, body: IncomingBody): Request {
  const { method = 'GET', headers } = incoming;
  const scheme = isEncrypted(incoming.socket) ? 'https' : 'http';
  const origin = served.originOf(`${scheme}://${textOf(headers.host) ?? textOf(headers[':authority']) ?? 'localhost'}`);
  const hasNoBody = method === 'GET' || method === 'HEAD';
  const parsed = hasNoBody ? undefined : parsedBody(incoming);
  const source: RequestSource = {
    method,
    get url() {
      return plainTarget(path) === undefined ? new URL(urlOf(origin, path)).href : `${origin}${path}`;
    },
    lines: parsed === undefined ? headers : withoutLength(headers),
    init: () => ({ signal: gone(), ...(!hasNoBody && ({ body: parsed ?? body.stream(), duplex: 'half' } as RequestInit)) }),
    bytes: (max) => (parsed === undefined ? body.bytes(max) : Promise.resolve(limited(toUtf8(parsed), max))),
  };
  if (served.isThin && METHODS.includes(method)) return ThinRequest.of(source);
  return new Request(source.url, { method, headers: headersOf(source.lines), ...source.init() });
}

const limited = (bytes: Uint8Array, max: number): Uint8Array | undefined => (bytes.length > max ? undefined : bytes);

const textOf = (value: string | readonly string[] | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

const isEncrypted = (socket: object | undefined): boolean => (socket as { readonly encrypted?: unknown } | undefined)?.encrypted === true;

/** The origin of a request that names no valid host. */
const LOCAL = 'http://localhost';

/** A `Host` that is no host must not decide how the path is read. The last one is kept: most requests name the same. */
function originReader(): (origin: string) => string {
  let last = LOCAL;
  let read = LOCAL;
  return (origin) => {
    if (origin === last) return read;
    const isHost = URL.canParse(origin) && new URL(origin).origin === origin.toLowerCase();
    read = isHost ? origin.toLowerCase() : LOCAL;
    last = origin;
    return read;
  };
}

const urlOf = (origin: string, path: string): string => (URL.canParse(`${origin}${path}`) ? `${origin}${path}` : `${origin}/`);

/** If a parser has read the stream, its value is written again: the handler validates it like any other body. */
function parsedBody({ body, readableEnded }: NodeRequest): string | undefined {
  if (body === undefined || readableEnded !== true) return undefined;
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** The headers of a body that is written again. A text without a type gets the one that `Request` gives it. */
function withoutLength(headers: NodeRequest['headers']): NodeRequest['headers'] {
  const { 'content-length': _, 'content-encoding': __, ...kept } = headers;
  return { 'content-type': 'text/plain;charset=UTF-8', ...kept };
}

/** Aborts when the connection closes. `close` also follows the end of the response: aborting then changes nothing. */
function signalOf(response: NodeResponse): () => AbortSignal {
  let isGone = false;
  let made: AbortController | undefined;
  response.once('close', () => {
    isGone = true;
    made?.abort();
  });
  return () => {
    made ??= new AbortController();
    if (isGone) made.abort();
    return made.signal;
  };
}

/** Sends the body of an answer, if it is early whole and with its length, so that its client has it before the response ends. */
async function send({ status, body }: PlainAnswer, response: NodeResponse, gone: () => AbortSignal, isEarly: boolean): Promise<void> {
  if (isEarly && (status >= 400 || typeof body === 'string')) {
    const bytes = typeof body === 'string' ? toUtf8(body) : new Uint8Array(await new Response(body).arrayBuffer());
    response.setHeader('content-length', String(bytes.length));
    response.write(bytes);
  } else if (body !== null && typeof body !== 'string') await pipe(body, response, gone());
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
