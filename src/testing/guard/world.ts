import { JitEngine } from '../../engine/engine.js';
import { watchAccess } from '../../features/work/functions.js';
import type { Access } from '../../guards/access.js';
import type { Observation, Refused } from '../../guards/outcome.js';
import type { GuardDefaults, GuardEngine } from '../../guards/options.js';
import type { MaybePromise } from '../../core/ports.js';
import type { Grant } from '../../records/index.js';
import { MemoryGrantStore } from '../../stores/memory.js';
import { yieldToOthers } from '../../core/turns.js';
import type { Duration } from '../../core/duration.js';
import { holds } from '../assertions.js';
import { FaultyStore } from '../faulty-store.js';
import { ManualClock, START_AT } from '../manual-clock.js';

/** A route to serve at `/<name>/:id`, for GET, with the guard in front of its handler. */
export interface GuardedRoute {
  /** The first segment of the path. */
  readonly name: string;
  /** The engine of the guard. */
  readonly engine: GuardEngine;
  /** The options of the guard, except `subject` and `scope`. */
  readonly choices: GuardDefaults;
  /** Returns the caller's id for the value of the request header `session`; `undefined` if the request has no such header. */
  subject(session: string | undefined): MaybePromise<string | undefined>;
  /** The scope, or a function that derives it from the decoded second segment of the path. */
  readonly scope: string | ((id: string) => string);
  /** Only with the option `answersEarly`. Once it resolves, the service answers 503, as a timeout middleware does: it does not wait. */
  readonly answered?: Promise<void>;
  /**
   * The pieces that the handler streams to the client, each as soon as it is available. The argument is the access that the
   * guard has passed on.
   *
   * Gotcha: the handler must call it first, before it touches the response. From this call the suite learns that a handler
   * ran. A handler that wrongly runs after a refusal fails at its first write, because the response has ended.
   */
  answer(access: Access): AsyncIterable<string>;
}

/** A service with the routes of one case. */
export interface GuardServer {
  /**
   * Calls a route, as `fetch(url + '/' + name + '/' + encodeURIComponent(id), init)` does.
   *
   * @param init the headers to send, and a signal with which the client disconnects
   */
  call(name: string, id: string, init: { readonly headers: Record<string, string>; readonly signal: AbortSignal }): Promise<Response>;
  /** Stops the service, and closes its connections. */
  close(): MaybePromise<void>;
}

/** The idle limit of grants for `db-idle:write`, in milliseconds. */
export const IDLE_MS = 600_000;

/** The guard of the route `trial` observes until then: two hours after the clock's start. */
export const OBSERVED_UNTIL_MS = START_AT + 7_200_000;
const OBSERVED_UNTIL = '2026-01-01T02:00:00Z';

/** A watch that ends soon when the access cannot be confirmed. */
const watchClosely: GuardDefaults['abortOnEnd'] = (engine, subject, scope) =>
  watchAccess(engine, subject, scope, { poll: '1s', maxUnconfirmed: '2s' });

/** More turns of the event loop than any wait for memory, or for a local socket, takes. */
const MAX_TURNS = 2_000;

/** A stream that a handler has begun, and that a case may wait for. */
export interface Stream {
  readonly access: Access;
  /** Resolves with the reason of the signal, once it has aborted. */
  readonly over: Promise<unknown>;
}

/** An engine with a manual clock and a faulty store, and the routes behind its guards. */
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
    limits: { minTtl: '1s' },
    // The cases break the store.
    onError: () => undefined,
  });
  /** The accesses that handlers received, in order. */
  readonly handled: Access[] = [];
  /** The refusals that guards reported to `onRefused`. */
  readonly refused: Refused[] = [];
  /** What guards reported to `observed`. */
  readonly observed: Observation[] = [];
  /** What guards that observe reported to `onError`, as they do once in an hour. */
  readonly reminders: string[] = [];
  /** The streams that handlers have begun, in order. */
  readonly streams: Stream[] = [];
  /** How often a guard asked for the subject of a session. */
  subjects = 0;
  /** How often a guard asked for the scope of a route. */
  scopes = 0;
  server: GuardServer | undefined;
  readonly #answered = gate();
  readonly #known = gate();

  /** Makes the service itself answer the route `late`. */
  answerEarly(): void {
    this.#answered.open();
  }

  /** Resolves the subject of sessions that begin with `late `. */
  letKnow(): void {
    this.#known.open();
  }

  /** The subject of a session. A session that is not listed is its own subject. */
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
        throw new Error('the sessions cannot be read');
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
    const onError = () => undefined;
    const route = { engine, subject, scope: 'db-prod:write', choices: { onRefused, onError }, answer };
    return [
      { ...route, name: 'plain' },
      { ...route, name: 'desk', choices: { requestUrl: 'https://desk.example/ask?team=a%22b#now', onError } },
      { ...route, name: 'unasked', choices: { requestUrl: false, onError } },
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
        choices: { abortOnEnd: watchAccess, onRefused, onError },
        answer: this.#handler((access) => this.#stream(access)),
      },
      { ...route, name: 'fails', choices: { abortOnEnd: watchAccess, onError }, answer: this.#handler((access) => this.#fail(access)) },
      { ...route, name: 'late', choices: { abortOnEnd: watchAccess, onError }, answered: this.#answered.promise },
      { ...route, name: 'short', choices: { abortOnEnd: watchClosely, onError } },
      {
        ...route,
        name: 'observed',
        choices: {
          observe: true,
          observed: (observation) => void this.observed.push(observation),
          onRefused,
          onError: (_, during) => void this.reminders.push(during),
        },
        scope: (id) => (id === 'throws undefined' ? thrown(undefined) : `db-${id}:write`),
        answer: this.#handler(() => unguarded()),
      },
      {
        ...route,
        name: 'trial',
        choices: { observe: { until: OBSERVED_UNTIL }, onError },
        answer: this.#handler(() => unguarded()),
      },
    ];
  }

  /** Sends a request as a client; `session` represents the caller's credentials. */
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

  /** Grants access that starts now, or at `startsAt`. */
  async grant(
    subject = 'user:maya',
    { scope = 'db-prod:write', ttl = '15m', startsAt }: { scope?: string; ttl?: Duration; startsAt?: number } = {},
  ): Promise<Grant> {
    const asked = await this.engine.requestAccess({ subject, scope, ttl, startsAt });
    const [grant] = asked.outcome === 'granted' ? asked.grants : [];
    holds(grant !== undefined, 'the request is granted');
    return grant;
  }

  /** Lets other code run until a condition holds. */
  async until(isSo: () => boolean, what: string): Promise<void> {
    for (let turn = 0; turn < MAX_TURNS; turn++) {
      if (isSo()) return;
      await yieldToOthers();
    }
    holds(false, `${what}, within ${MAX_TURNS} turns of the event loop`);
  }

  /** Checks that no sleeper is left: every watch has been stopped. */
  async isAtRest(): Promise<void> {
    await this.until(() => this.clock.sleepers === 0, 'no watch is left, and nothing that sleeps');
  }

  /** Records the call itself: a handler that cannot write its response never reads a piece, but it has run. */
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

/** A promise that a test resolves by hand. */
function gate(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, open };
}

/** The answer of a handler that uses no access. */
async function* unguarded(): AsyncIterable<string> {
  yield 'open';
}

/** Throws any value, which need not be an error. */
function thrown(what: unknown): never {
  throw what;
}
