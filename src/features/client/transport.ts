import { InvalidArgumentError, messageOf } from '../../core/errors.js';
import type { Clock, MaybePromise } from '../../core/ports.js';
import { systemClock } from '../../core/clock.js';
import { sleepUntil } from '../../core/timers.js';
import { withoutTrailingSlashes } from '../../core/trailing-slashes.js';
import type { HttpProblem } from '../http/problem.js';
import { CallerChangedError, engineErrorOf, HttpClientError } from './errors.js';

/** The options of `createClient`. */
export interface ClientOptions {
  /** Where the handler is mounted, with its `basePath`: `https://access.example.com/access`. A page may give a path, such as `/access`. */
  readonly baseUrl: string;
  /**
   * Sends each call. It decides about cookies: `(url, init) => fetch(url, { ...init, credentials: 'include' })`. Default: the global
   * `fetch`.
   */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /**
   * Headers of each call, such as a bearer token; or a function that returns them. The client calls it once for each call, each page and
   * each connection of `events`. A repeat has the headers of its call. Default: none.
   */
  readonly headers?: Readonly<Record<string, string>> | (() => MaybePromise<Readonly<Record<string, string>>>) | undefined;
  /**
   * The id of the caller whose name the page shows. Each call that writes then names it (`Jit-Caller`), and rejects with
   * `CallerChangedError` if the handler's caller is another one by now, as after a second sign-in in the same browser. Default: none.
   */
  readonly caller?: string | undefined;
  /** The clock of the pauses between two attempts. Default: the system clock; a `ManualClock` in tests. */
  readonly clock?: Clock | undefined;
}

/** One call of the handler. */
export interface Sent {
  readonly method: string;
  /** Below `<baseUrl>/v1`, with its query. */
  readonly path: string;
  readonly body?: object | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

/** How often a call is repeated after a failure that may pass. */
const REPEATS = 2;
/** The pause before a repeat if no answer arrived. Milliseconds. */
const PAUSE_MS = 500;
/** The longest pause before a repeat. Milliseconds. */
const MAX_PAUSE_MS = 10_000;

/** How many answers are kept for `If-None-Match`. Beyond that, all are dropped. */
const MAX_KEPT = 100;

/** An answer with its tag. Kept as text, so that a caller that changes an answer changes no other one. */
interface Kept {
  readonly etag: string;
  readonly text: string;
}

/** Refuses an option that would have no effect, such as a reason in the place of the options. @throws InvalidArgumentError */
export function refuseUnknown(options: object, known: readonly string[]): void {
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new InvalidArgumentError(name, `omitted: the options are ${known.join(', ')}`, 'an unknown option');
}

/**
 * A value as a part of a path or a header. A path with `.` or `..` would name another operation, and half of a surrogate pair has no
 * encoding.
 *
 * @throws InvalidArgumentError
 */
export function segment(value: unknown, argument = 'id'): string {
  if (typeof value !== 'string' || /^\.{0,2}$|\p{Cs}/u.test(value)) throw new InvalidArgumentError(argument, 'a text', typeof value);
  return encodeURIComponent(value);
}

/** Sends calls, and repeats those that a repeat cannot harm. */
export class Transport {
  readonly #options: ClientOptions;
  readonly #caller: Readonly<Record<string, string>> | undefined;
  /** By path. */
  readonly #kept = new Map<string, Kept>();

  /** @throws InvalidArgumentError */
  constructor(options: ClientOptions) {
    const { baseUrl } = options;
    refuseUnknown(options, ['baseUrl', 'fetch', 'headers', 'caller', 'clock']);
    // The rejected URL may hold a password, so the error does not show it.
    if (typeof baseUrl !== 'string' || /[?#]|^\w+:\/\/[^/]*@/.test(baseUrl))
      throw new InvalidArgumentError('baseUrl', 'a URL without a user name, ? or #', typeof baseUrl);
    if (options.caller !== undefined) this.#caller = { 'jit-caller': segment(options.caller, 'caller') };
    this.#options = options;
  }

  /**
   * @param isRepeatable whether a repeat changes nothing
   * @throws an error of the engine, or HttpClientError, or the reason of `signal`
   */
  async send(call: Sent, isRepeatable: boolean): Promise<unknown> {
    const withHeaders = await this.withHeaders(call);
    for (let left = isRepeatable ? REPEATS : 0; ; left--) {
      try {
        return await this.#attempt(withHeaders);
      } catch (error) {
        const { status, retryAfterMs } = error as Partial<HttpClientError>;
        const pauseMs = status === undefined ? PAUSE_MS : status === 503 ? retryAfterMs : undefined;
        if (!(error instanceof HttpClientError) || left === 0 || pauseMs === undefined) throw engineErrorOf(error);
        await this.pause(Math.min(pauseMs, MAX_PAUSE_MS), call.signal);
      }
    }
  }

  async #attempt(call: Sent): Promise<unknown> {
    if (call.method !== 'GET') return valueOf(call, await this.open(call));
    const kept = this.#kept.get(call.path);
    // A tag that matches nothing keeps the cache of a browser out: its copy would have an old `at`.
    const response = await this.open({ ...call, headers: { ...call.headers, 'if-none-match': kept?.etag ?? '"-"' } });
    const keep = (etag: string, text: string) => {
      if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
      this.#kept.set(call.path, { etag, text });
    };
    return valueOf(call, response, kept, keep);
  }

  /** Ends early, without an error, when the signal aborts. */
  pause(ms: number, signal = new AbortController().signal): Promise<void> {
    const { clock = systemClock } = this.#options;
    return sleepUntil(clock, Math.ceil(clock.now() + ms), signal);
  }

  /** Adds the headers of the options. Before a repeat they could be those of another person, who would then repeat the call of the first. */
  async withHeaders(call: Sent): Promise<Sent> {
    const { headers } = this.#options;
    const given = typeof headers === 'function' ? await headers() : headers;
    return { ...call, headers: { ...given, ...(call.method === 'POST' && this.#caller), ...call.headers } };
  }

  /** Sends a call once, with its headers. @throws HttpClientError if no answer arrives, or the reason of its signal */
  async open(call: Sent): Promise<Response> {
    const { method, path, body, signal = null, headers } = call;
    const { baseUrl, fetch = globalThis.fetch } = this.#options;
    // `fetch` would send the caller's own headers to another origin, and its answer would seem to be that of the handler. It would also
    // repeat a redirected POST as a GET. Not `error`, which edge runtimes refuse.
    const init = { method, headers, body: body ? JSON.stringify(body) : null, signal, redirect: 'manual' } as const;
    return answered(call, () => fetch(`${withoutTrailingSlashes(baseUrl)}/v1${path}`, init));
  }
}

/** @throws HttpClientError, or the reason of the call's signal */
async function answered<T>({ method, path, signal }: Sent, wait: () => Promise<T>): Promise<T> {
  try {
    signal?.throwIfAborted();
    return await wait();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new HttpClientError(`${method} ${path}: no answer (${messageOf(cause)})`, cause);
  }
}

/**
 * The JSON of an answer.
 *
 * @param kept the answer that a 304 means
 * @param keep called with an answer that may be kept
 * @throws HttpClientError if the answer is an error, or was not given by the handler
 */
export async function valueOf(call: Sent, response: Response, kept?: Kept, keep?: (etag: string, text: string) => void): Promise<unknown> {
  const { status, headers } = response;
  const text = status === 304 && kept ? kept.text : await answered(call, () => response.text());
  const value = parse(text) as Partial<HttpProblem> | undefined;
  // A browser reports a redirect that it does not follow as status 0.
  if (value && (response.ok || status === 304)) {
    const etag = headers.get('etag');
    // An answer with a reading of the clock is not kept: its `at` must be fresh.
    if (etag !== null && value.at === undefined) keep?.(etag, text);
    return value;
  }
  const problem = typeof value?.type === 'string' && typeof value.detail === 'string' ? (value as HttpProblem) : undefined;
  const message = problem?.detail ?? `${call.method} ${call.path}: status ${status}, not from the handler`;
  const after = headers.get('retry-after');
  const Failure = problem?.type === 'urn:jit-access:problem:caller-changed' ? CallerChangedError : HttpClientError;
  throw new Failure(message, undefined, status, problem, after === null ? undefined : Number(after) * 1_000 || PAUSE_MS);
}

/** `undefined`: no JSON. */
export function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text as string);
  } catch {
    return undefined;
  }
}
