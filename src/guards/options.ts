import type { JitEngine } from '../engine/engine.js';
import type { CheckOptions } from '../engine/checks/uses.js';
import type { Decision } from '../records/index.js';
import { readClock, systemClock } from '../core/clock.js';
import { readOnError } from '../core/on-error.js';
import { assertBoolean, invalid, readListener, readOptions, readPort } from '../core/parse.js';
import type { MaybePromise } from '../core/ports.js';
import { isInstant } from '../core/instant.js';
import { readScope } from '../core/scope.js';
import { readDuration, type Duration } from '../core/duration.js';
import type { WatchedAccess } from './access.js';
import type { Observation, Refused } from './outcome.js';

/** The object that a guard asks: an engine, or a checker of `jit-access/check`, which takes no use. */
export type GuardEngine<Scope extends string = string> = Pick<JitEngine<Scope>, 'check'> & Partial<Pick<JitEngine<Scope>, 'consume'>>;

/** A synchronous answer about access: a view of `jit-access/view`. */
export interface GuardView<Scope extends string = string> {
  /** The decision of the view; with `stale_view` and `not_loaded` it says that it cannot answer. */
  check(
    subject: string,
    scope: Scope,
  ): Omit<Decision, 'reason' | 'grant'> & { readonly reason: string; readonly grantId: string | undefined };
  /** An engine and a checker have no such method: they are no views. */
  refresh(): Promise<void>;
}

/** Options of one guard. In frameworks with global options they can also be set for all guards. */
export interface GuardDefaults<Args extends readonly unknown[] = readonly unknown[]> {
  /**
   * The page on which callers request access: an absolute http(s) URL. A refusal contains it, with the scope as its
   * parameter `scope`.
   *
   * Default: the refusal names the scope without a URL, because callers know where to request access. `false`: access cannot
   * be requested, and the refusal does not name the scope.
   */
  readonly requestUrl?: string | false | undefined;
  /**
   * Watches the access for as long as the response lasts, and gives the handler a signal that aborts when the access ends.
   * Pass the function `watchAccess` of `jit-access/work`, or one that calls it with other options. Refused with a checker,
   * which cannot watch access. Default: the handler has no signal.
   *
   * For example `abortOnEnd: (engine, subject, scope) => watchAccess(engine, subject, scope, { poll: '500ms' })`.
   */
  readonly abortOnEnd?: ((engine: JitEngine, subject: string, scope: string) => MaybePromise<WatchedAccess>) | undefined;
  /**
   * A view of `jit-access/view`, which answers without asking the store. If it cannot answer, the guard asks its first argument.
   * The view must follow the store of that engine or checker. Default: none, so each request asks the store.
   */
  readonly view?: GuardView | undefined;
  /**
   * Whether an allowed request counts as a use, for grants that end when they are idle. `true` is refused with a checker, a view or
   * `observe`, which record no use. Default: true with an engine alone, otherwise false.
   */
  readonly touch?: boolean | undefined;
  /**
   * Whether an allowed request records that it used its grant, for the access report. `true` turns this on for the routes of this
   * guard, also if the engine's option `recordUse` is off; `false` turns it off for them. `true` is refused with a checker, a
   * view or `observe`, which record no use. Default: the engine's option.
   */
  readonly recordUse?: boolean | undefined;
  /** The realm that a 401 names: 1-256 printable ASCII characters without quotes and backslashes. Default: `jit-access`. */
  readonly realm?: string | undefined;
  /** The `retry-after` of a 503: whole seconds, rounded up. Default: 5 seconds. */
  readonly retryAfter?: Duration | undefined;
  /** Called for each refusal, with the data that the client does not get: the decision, or the error. A throw is ignored. Default: none. */
  readonly onRefused?: ((refused: Refused, ...args: Args) => void) | undefined;
  /**
   * Called with each failure that the client sees as 503 (`during` is `'check'`), and once for each guard and hour when a guard that
   * observes has let a request through that it would have refused (`'observe'`). A throw is ignored. Default: prints a line to
   * `console.error`, at most one for each kind and minute.
   */
  readonly onError?: ((error: unknown, during: string) => void) | undefined;
  /**
   * `true`: the guard asks, but answers nothing itself, and every request reaches the handler. Use it to introduce a check on a
   * running service. `abortOnEnd`, `touch: true` and `recordUse: true` are refused beside it. Default: false.
   *
   * `{ until }`: the guard observes until then and enforces from then on, also while the clock is unreadable. `until` is a day, such as
   * `'2026-12-31'` (from 00:00 UTC), or an instant with its zone, such as `'2026-12-31T08:00:00+01:00'`.
   *
   * Gotcha: a guard that observes protects nothing.
   */
  readonly observe?: boolean | { readonly until: string } | undefined;
  /**
   * Called for each request that the guard has only observed, with what the guard would have answered. A throw is
   * ignored, and no request waits for it. Default: none; `observedCounts` of `jit-access/guard` has the numbers.
   */
  readonly observed?: ((observation: Observation, ...args: Args) => void) | undefined;
}

/** The function that identifies the caller, and the options of the guards. */
export interface CallerOptions<Args extends readonly unknown[] = readonly unknown[]> extends GuardDefaults<Args> {
  /**
   * Returns the id of the caller that your code has authenticated: from a verified session or token, never from a header
   * that a client may set. `undefined`, `null`, `''` and invalid ids mean "not authenticated", which is answered with 401.
   *
   * An error that it throws goes to the framework's error handling, and no request passes.
   */
  readonly subject: (...args: Args) => MaybePromise<string | null | undefined>;
}

/** @typeParam Args the arguments that the framework passes to its functions: the request, a context, or both */
export interface GuardOptions<
  Args extends readonly unknown[] = readonly unknown[],
  Scope extends string = string,
> extends CallerOptions<Args> {
  /**
   * The scope that a request requires: a scope, which is validated at once, or a function that derives it from the route.
   * The function's result is validated like any other input: an invalid scope is answered with 400. It is called only when
   * the subject is known.
   */
  readonly scope: Scope | ((...args: Args) => MaybePromise<Scope>);
}

export interface Caller<Args extends readonly unknown[]> {
  readonly engine: GuardEngine;
  readonly view: GuardView | undefined;
  readonly subject: (...args: Args) => unknown;
  readonly requestUrl: string | false | undefined;
  readonly abortOnEnd: ((subject: string, scope: string) => unknown) | undefined;
  /** The options of each check. */
  readonly writes: CheckOptions;
  readonly realm: string;
  readonly retryAfterMs: number;
  readonly onRefused: (refused: Refused, ...args: Args) => void;
  readonly onError: (error: unknown, during: string) => void;
  /** Whether the guard only observes now. */
  readonly observes: () => boolean;
  readonly observed: (observation: Observation, ...args: Args) => void;
}

const OPTIONS = [
  'subject',
  'scope',
  'requestUrl',
  'abortOnEnd',
  'view',
  'touch',
  'recordUse',
  'realm',
  'retryAfter',
  'onRefused',
  'onError',
  'observe',
  'observed',
] as const;

/** Reads all options except the scope. */
export function readCaller<Args extends readonly unknown[]>(engine: unknown, options: unknown): Caller<Args> {
  const given = readOptions('options', options, OPTIONS);
  const { subject, requestUrl, abortOnEnd, view, realm = 'jit-access', retryAfter = 5_000, onRefused, observe = false, observed } = given;
  const { scope, onError } = given;
  if (typeof subject !== 'function') throw invalid('subject', 'a function that returns the id of the caller', subject);
  const asked = readPort<GuardEngine>('engine', engine, ['check']);
  const isEngine = typeof asked.consume === 'function';
  const isToObserve = observe !== false;
  if (abortOnEnd !== undefined && isToObserve) throw invalid('abortOnEnd', 'omitted with observe, which ends no response', abortOnEnd);
  if (abortOnEnd !== undefined && !isEngine) throw invalid('abortOnEnd', 'omitted over a checker, which cannot watch access', abortOnEnd);
  return Object.freeze({
    engine: asked,
    view: view === undefined ? undefined : readPort<GuardView>('view', view, ['check', 'refresh']),
    subject: subject as Caller<Args>['subject'],
    requestUrl: requestUrl === undefined || requestUrl === false ? requestUrl : readAddress('requestUrl', requestUrl),
    abortOnEnd: readAbortOnEnd(abortOnEnd, asked as JitEngine),
    writes: readWrites(given, isEngine && view === undefined, isToObserve),
    realm: readRealm(realm),
    retryAfterMs: readDuration('retryAfter', retryAfter),
    onRefused: readListener('onRefused', onRefused),
    onError: readOnError(typeof scope === 'string' ? `guard of ${scope}` : 'guard', onError),
    observes: readObserve(observe, asked as Partial<JitEngine>),
    observed: readListener('observed', observed),
  });
}

/** @param recordsUse whether every allowed request is allowed by an engine's own check */
function readWrites(
  { touch, recordUse }: { readonly touch?: unknown; readonly recordUse?: unknown },
  recordsUse: boolean,
  observe: boolean,
): CheckOptions {
  const read = (name: keyof CheckOptions, value: unknown): boolean => {
    assertBoolean(name, value);
    if (value && observe) throw invalid(name, 'false or omitted with observe, which takes no use', value);
    if (value && !recordsUse) throw invalid(name, 'false or omitted over a checker or a view: they record no use', value);
    return value;
  };
  const touches = touch === undefined ? recordsUse : read('touch', touch);
  const records = recordUse === undefined ? undefined : read('recordUse', recordUse);
  return Object.freeze(records === undefined ? { touch: touches } : { touch: touches, recordUse: records });
}

/** A day, or an instant with its zone: a text without a zone would depend on the machine. */
const UNTIL = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** @returns whether the guard only observes, at each call. Once it enforces it continues to, also if the clock is set back */
function readObserve(observe: unknown, { clock = systemClock }: Partial<Pick<JitEngine, 'clock'>>): Caller<never>['observes'] {
  if (typeof observe === 'boolean') return () => observe;
  if (typeof observe !== 'object' || observe === null) throw invalid('observe', 'true, false or { until }', observe);
  const { until } = readOptions<'until'>('observe', observe, ['until']);
  const day = typeof until === 'string' ? UNTIL.exec(until)?.[1] : undefined;
  const [start, end] = [Date.parse(day ?? ''), Date.parse(until as string)];
  // `Date.parse` takes the 30th of February for the 2nd of March.
  if (!isInstant(start) || !isInstant(end) || new Date(start).toISOString().slice(0, 10) !== day)
    throw invalid('observe.until', "a day such as '2026-12-31', or an instant with its zone", until);
  let isOver = false;
  return () => {
    try {
      isOver ||= readClock(clock) >= end;
      return !isOver;
    } catch {
      return false;
    }
  };
}

/** @returns a validated scope, or a function whose result must still be validated */
export function readNeed<Args extends readonly unknown[]>(options: unknown): string | ((...args: Args) => unknown) {
  const { scope } = readOptions('options', options, OPTIONS);
  return typeof scope === 'function' ? (scope as (...args: Args) => unknown) : readScope('scope', scope);
}

function readAbortOnEnd(given: unknown, engine: JitEngine): Caller<never>['abortOnEnd'] {
  if (given === undefined) return undefined;
  if (typeof given !== 'function') throw invalid('abortOnEnd', 'the function watchAccess of jit-access/work, or one that calls it', given);
  return (subject, scope) => (given as NonNullable<GuardDefaults['abortOnEnd']>)(engine, subject, scope);
}

function readRealm(realm: unknown): string {
  const isPlain = typeof realm === 'string' && /^[\x20\x21\x23-\x5B\x5D-\x7E]{1,256}$/.test(realm);
  if (!isPlain) throw invalid('realm', '1-256 characters of printable ASCII without quotes and backslashes', realm);
  return realm;
}

/** Validates an `error_uri` (RFC 6750): characters that end a quoted string, or escape in it, must be percent-encoded. */
function readAddress(argument: string, address: unknown): string {
  const rule = 'an absolute http or https URL without a user, a quote or a backslash, or false';
  let url: URL;
  try {
    if (typeof address !== 'string' || address.length > 2_048) throw invalid(argument, rule, address);
    url = new URL(address);
  } catch {
    throw invalid(argument, rule, address);
  }
  const isPlain =
    /^https?:/.test(url.protocol) && url.username === '' && url.password === '' && /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(url.href);
  if (!isPlain) throw invalid(argument, rule, address);
  return url.href;
}
