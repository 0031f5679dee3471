import { JitEngine } from '../../engine/engine.js';
import { watchAccess } from '../../features/work/functions.js';
import type { Access } from '../../guards/access.js';
import type { Refused } from '../../guards/outcome.js';
import type { GuardDefaults, GuardEngine } from '../../guards/options.js';
import type { MaybePromise } from '../../core/ports.js';
import type { Grant } from '../../records/index.js';
import { MemoryGrantStore } from '../../stores/memory.js';
import { yieldToOthers } from '../../core/time.js';
import type { Duration } from '../../core/duration.js';
import { holds } from '../assertions.js';
import { FaultyStore } from '../faulty-store.js';
import { ManualClock } from '../manual-clock.js';

/** One route to be served at `/<name>/:id`, for GET, with the guard in front of its handler. */
export interface GuardedRoute {
  /** The first segment of its path. */
  readonly name: string;
  readonly engine: GuardEngine;
  /** What the guard is given besides `subject` and `scope`. */
  readonly choices: GuardDefaults;
  /** Who is calling, by what the request's header `session` says; `undefined` where there is none. */
  subject(session: string | undefined): MaybePromise<string | undefined>;
  /** The scope; or what makes one of the path's second segment, once that is decoded. */
  readonly scope: string | ((id: string) => string);
  /**
   * Only with the option `answersEarly`: once this resolves, the service answers 503 by itself, as a timeout middleware
   * does, without waiting for the guard.
   */
  readonly answered?: Promise<void>;
  /**
   * What the handler streams to the client, each piece as soon as it is there, given the access that the guard has handed on.
   *
   * Gotcha: the handler calls it first, before it touches the response. This call is how the suite learns that a handler ran,
   * and a handler behind a refusal fails at its first write to the response, which has ended.
   */
  answer(access: Access): AsyncIterable<string>;
}

/** A service with the routes of a case. */
export interface GuardServer {
  /**
   * Calls a route, as `fetch(url + '/' + name + '/' + encodeURIComponent(id), init)` does.
   *
   * @param init the headers to send, and a signal by which the client goes away
   */
  call(name: string, id: string, init: { readonly headers: Record<string, string>; readonly signal: AbortSignal }): Promise<Response>;
  /** Ends the service, and whatever is still connected to it. */
  close(): MaybePromise<void>;
}

/** When a grant for `db-idle:write` ends that isn't used. */
export const IDLE_MS = 600_000;

/** Gives up soon when the access can not be confirmed. */
const watchClosely: GuardDefaults['abortOnEnd'] = (engine, subject, scope) =>
  watchAccess(engine, subject, scope, { poll: '1s', maxUnconfirmed: '2s' });

/** More turns of the event loop than anything takes that waits for memory, or for a socket of this machine. */
const MAX_TURNS = 2_000;

/** What a handler did that a case has to wait for. */
export interface Stream {
  readonly access: Access;
  /** Why its signal has aborted, once it has. */
  readonly over: Promise<unknown>;
}

/** An engine on a clock that is moved and a store that fails on command, and the routes that stand behind its guards. */
export class GuardWorld {
  readonly clock = new ManualClock();
  readonly store = new FaultyStore(new MemoryGrantStore());
  readonly engine = new JitEngine({
    store: this.store,
    clock: this.clock,
    approver: {
      name: 'auto',
      decide: ({ scopes }) => ({ outcome: 'approve', ...(scopes.includes('db-idle:write') ? { terms: { idleTtlMs: IDLE_MS } } : {}) }),
    },
    standing: { 'user:reader': ['db-prod:write'] },
  });
  /** The accesses with which handlers have been called, in order. */
  readonly handled: Access[] = [];
  /** What guards have said about their refusals. */
  readonly refused: Refused[] = [];
  /** The streams that handlers have begun, in order. */
  readonly streams: Stream[] = [];
  /** Who the subject of a session is was asked so often. */
  subjects = 0;
  /** What a scope is was asked so often. */
  scopes = 0;
  server: GuardServer | undefined;
  readonly #answered = gate();
  readonly #known = gate();

  /** Has the service answer the route `late` by itself. */
  answerEarly(): void {
    this.#answered.open();
  }

  /** Lets the subject of a session that begins with `late ` become known. */
  letKnow(): void {
    this.#known.open();
  }

  /** Subjects by their session; what isn't here is nobody's. */
  async #subject(session: string | undefined): Promise<string | undefined> {
    this.subjects += 1;
    if (session?.startsWith('late ') === true) {
      await this.#known.promise;
      return this.#subject(session.slice('late '.length));
    }
    switch (session) {
      case undefined:
        return undefined;
      case 'empty':
        return '';
      case 'null':
        return null as never;
      case 'malformed':
        return 'user:\u0000maya';
      case 'reserved':
        return 'system:sweeper';
      case 'a number':
        return 42 as never;
      case 'an object':
        return { toString: () => 'user:maya' } as never;
      case 'true':
        return true as never;
      case 'a list':
        return ['user:maya'] as never;
      case 'throws':
        throw new Error('the sessions can not be read');
      case 'throws undefined':
        return thrown(undefined);
      case "throws 'route'":
        return thrown('route');
      case "throws 'router'":
        return thrown('router');
      default:
        return session;
    }
  }

  get routes(): readonly GuardedRoute[] {
    const { engine } = this;
    const subject = (session: string | undefined) => this.#subject(session);
    const answer = this.#handler((access) => this.#answer(access));
    const onRefused = (refused: Refused) => void this.refused.push(refused);
    const route = { engine, subject, scope: 'db-prod:write', choices: { onRefused }, answer };
    return [
      { ...route, name: 'plain' },
      { ...route, name: 'desk', choices: { requestUrl: 'https://desk.example/ask?team=a%22b#now' } },
      { ...route, name: 'unasked', choices: { requestUrl: false } },
      {
        ...route,
        name: 'routed',
        scope: (id) => {
          this.scopes += 1;
          return `db-${id}:write`;
        },
      },
      {
        ...route,
        name: 'whole',
        scope: (id) => {
          if (id === 'throws undefined') return thrown(undefined);
          return (id === 'undefined' ? undefined : id === 'a list' ? ['db-prod:write'] : id) as string;
        },
      },
      {
        ...route,
        name: 'stream',
        choices: { abortOnEnd: watchAccess, onRefused },
        answer: this.#handler((access) => this.#stream(access)),
      },
      { ...route, name: 'fails', choices: { abortOnEnd: watchAccess }, answer: this.#handler((access) => this.#fail(access)) },
      { ...route, name: 'late', choices: { abortOnEnd: watchAccess }, answered: this.#answered.promise },
      { ...route, name: 'short', choices: { abortOnEnd: watchClosely } },
    ];
  }

  /** Calls as a client; `session` stands for what proves who is calling. */
  async call(
    name: string,
    session: string | undefined,
    {
      id = 'x',
      headers = {},
      signal = new AbortController().signal,
    }: { id?: string; headers?: Record<string, string>; signal?: AbortSignal } = {},
  ): Promise<Response> {
    const { server } = this;
    holds(server !== undefined, 'a service is running');
    return server.call(name, id, { headers: { ...headers, ...(session === undefined ? {} : { session }) }, signal });
  }

  /** Gives access from now on, or from `startsAt` on. */
  async grant(
    subject = 'user:maya',
    { scope = 'db-prod:write', ttl = '15m', startsAt }: { scope?: string; ttl?: Duration; startsAt?: number } = {},
  ): Promise<Grant> {
    const asked = await this.engine.requestAccess({ subject, scope, ttl, startsAt });
    const [grant] = asked.outcome === 'granted' ? asked.grants : [];
    holds(grant !== undefined, 'the request is granted');
    return grant;
  }

  /** Lets others run until something is so. */
  async until(isSo: () => boolean, what: string): Promise<void> {
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      if (isSo()) return;
      await yieldToOthers();
    }
    holds(false, `${what}, in the end`);
  }

  /** Nothing sleeps any more: every watch has been stopped. */
  async isAtRest(): Promise<void> {
    await this.until(() => this.clock.sleepers === 0, 'no watch is left, and nothing that sleeps');
  }

  /** Counts the call itself: a handler whose response cannot be written never reads a piece, and has run all the same. */
  #handler(pieces: (access: Access) => AsyncIterable<string>): GuardedRoute['answer'] {
    return (access) => {
      this.handled.push(access);
      return pieces(access);
    };
  }

  async *#answer(access: Access): AsyncIterable<string> {
    const { allowed, reason, subject, scope, validUntil } = access.decision;
    yield JSON.stringify({ allowed, reason, subject, scope, validUntil });
  }

  async *#stream(access: Access): AsyncIterable<string> {
    const { signal } = access;
    const over = new Promise<unknown>((resolve) => {
      if (signal.aborted) resolve(signal.reason);
      else signal.addEventListener('abort', () => resolve(signal.reason));
    });
    this.streams.push({ access, over });
    yield 'begun';
    const reason = await over;
    yield `, over: ${(reason as { readonly code?: string }).code ?? 'no code'}`;
  }

  async *#fail(access: Access): AsyncIterable<string> {
    if (access.signal.aborted) yield 'aborted';
    throw new Error('the handler fails');
  }
}

/** A promise that is resolved by hand. */
function gate(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, open };
}

/** Whatever it is: what is thrown need be no error. */
function thrown(what: unknown): never {
  throw what;
}
