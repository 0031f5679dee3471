import type { JitEngine } from '../engine/engine.js';
import { invalid, readListener, readOptions, readPort } from '../core/parse.js';
import type { MaybePromise } from '../core/ports.js';
import { readScope } from '../core/scope.js';
import { readDuration, type Duration } from '../core/duration.js';
import type { WatchedAccess } from './access.js';
import type { Refused } from './outcome.js';

/** What a guard asks: an engine, or a checker of `jit-access/check`, which has no `touch`. */
export type GuardEngine<Scope extends string = string> = Pick<JitEngine<Scope>, 'check'> & Partial<Pick<JitEngine<Scope>, 'touch'>>;

/** What can be said of one guard, and in frameworks with a place for it of all guards at once. */
export interface GuardDefaults<Args extends readonly unknown[] = readonly unknown[]> {
  /**
   * Where access is asked for: an absolute http(s) URL. A refusal names it, with the scope as its parameter `scope`.
   * Default: it can be asked for, and the caller knows where. `false`: it can't be asked for, and the scope isn't named.
   */
  readonly requestUrl?: string | false | undefined;
  /**
   * Watches the access for as long as the response lasts, so that the handler has a signal that aborts when the access
   * ends: the function `watchAccess` of `jit-access/work`, or one that calls it with other options. A checker can watch no
   * access: it is refused over one. Default: the handler has no signal.
   *
   * For example `abortOnEnd: (engine, subject, scope) => watchAccess(engine, subject, scope, { poll: '500ms' })`.
   */
  readonly abortOnEnd?: ((engine: JitEngine, subject: string, scope: string) => MaybePromise<WatchedAccess>) | undefined;
  /**
   * Whether a request that is let through counts as a use, for grants that end when they are idle. A checker records no use:
   * `true` is refused over one. Default: true over an engine, false over a checker.
   */
  readonly touch?: boolean | undefined;
  /** What a 401 names as the realm: printable ASCII without quotes and backslashes. Default: `jit-access`. */
  readonly realm?: string | undefined;
  /** When a 503 says to come back; whole seconds, rounded up. Default: 5 seconds. */
  readonly retryAfter?: Duration | undefined;
  /** Told of each refusal, with what the caller isn't told: the decision, or the error. What it throws is dropped. */
  readonly onRefused?: ((refused: Refused, ...args: Args) => void) | undefined;
}

/** Who is calling, and how guards answer. */
export interface CallerOptions<Args extends readonly unknown[] = readonly unknown[]> extends GuardDefaults<Args> {
  /**
   * Who is calling, as you have established it: a verified session or token, never a header that the client may set.
   * `undefined`, `null`, `''` and what is no id: nobody, which is answered with 401.
   *
   * What it throws goes where the framework takes errors, and lets nobody through.
   */
  readonly subject: (...args: Args) => MaybePromise<string | null | undefined>;
}

/** @typeParam Args what the framework gives its functions: the request, or a context, or both */
export interface GuardOptions<
  Args extends readonly unknown[] = readonly unknown[],
  Scope extends string = string,
> extends CallerOptions<Args> {
  /**
   * What is needed: a scope, checked right away, or a function that makes one of the route. What that gives is read like
   * any other input: no scope is answered with 400. It is asked only when the subject is known.
   */
  readonly scope: Scope | ((...args: Args) => MaybePromise<Scope>);
}

export interface Caller<Args extends readonly unknown[]> {
  readonly engine: GuardEngine;
  readonly subject: (...args: Args) => unknown;
  readonly requestUrl: string | false | undefined;
  readonly abortOnEnd: ((subject: string, scope: string) => unknown) | undefined;
  readonly touch: boolean;
  readonly realm: string;
  readonly retryAfterMs: number;
  readonly onRefused: (refused: Refused, ...args: Args) => void;
}

const OPTIONS = ['subject', 'scope', 'requestUrl', 'abortOnEnd', 'touch', 'realm', 'retryAfter', 'onRefused'] as const;

/** Reads all but the scope. */
export function readCaller<Args extends readonly unknown[]>(engine: unknown, options: unknown): Caller<Args> {
  const given = readOptions('options', options, OPTIONS);
  const { subject, requestUrl, abortOnEnd, realm = 'jit-access', retryAfter = 5_000, onRefused } = given;
  if (typeof subject !== 'function') throw invalid('subject', 'a function that says who is calling', subject);
  const asked = readPort<GuardEngine>('engine', engine, ['check']);
  const isEngine = typeof asked.touch === 'function';
  const { touch = isEngine } = given;
  if (typeof touch !== 'boolean') throw invalid('touch', 'true or false', touch);
  if (touch && !isEngine) throw invalid('touch', 'false, or left out, over a checker: it records no use', touch);
  if (abortOnEnd !== undefined && !isEngine) throw invalid('abortOnEnd', 'left out over a checker, which can watch no access', abortOnEnd);
  return Object.freeze({
    engine: asked,
    subject: subject as Caller<Args>['subject'],
    requestUrl: requestUrl === undefined || requestUrl === false ? requestUrl : readAddress('requestUrl', requestUrl),
    abortOnEnd: readAbortOnEnd(abortOnEnd, asked as JitEngine),
    touch,
    realm: readRealm(realm),
    retryAfterMs: readDuration('retryAfter', retryAfter),
    onRefused: readListener('onRefused', onRefused),
  });
}

/** @returns a scope that has been read, or a function whose answer has not */
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

/** As an `error_uri` may be (RFC 6750): what ends a quoted string, or escapes in it, has to be percent-encoded. */
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
