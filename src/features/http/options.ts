import { InvalidArgumentError } from '../../core/errors.js';
import { readMacKeys } from '../../core/mac-keys.js';
import { readOnError } from '../../core/on-error.js';
import { invalid, readOptions } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import type { ReviewerAuth } from '../../engine/by.js';
import type { LinkKey } from '../links/approval-link.js';
import type { HttpAction } from './actions.js';
import type { FoundPerson, Person } from './person.js';
import type { RateLimit } from '../json-body/rate-limit.js';

export type { RateLimit };

/** The authenticated caller of a request, as `identify` returns it. It may have more fields, for `may` and `limit`. */
export interface HttpCaller {
  /** The id of the caller, as in the engine. */
  readonly subject: string;
  /** How the caller was authenticated. Approvals record it; a quorum with `assurance` needs it. Default: none. */
  readonly auth?: ReviewerAuth | undefined;
}

/** What a call is about. A field is missing if the call does not name it. */
export interface HttpTarget {
  /** The subject that the call names. */
  readonly subject?: string | undefined;
  /** The requester that the call names. */
  readonly requestedBy?: string | undefined;
  /** The scopes that the call names. */
  readonly scopes?: readonly string[] | undefined;
  /** The request that the call names. */
  readonly requestId?: string | undefined;
  /** The grant that the call names. */
  readonly grantId?: string | undefined;
  /** The lock that the call names. */
  readonly lockId?: string | undefined;
  /** The ticket that the call names. */
  readonly ticket?: string | undefined;
}

/** The question to `may`. */
export interface HttpPermission<Caller extends HttpCaller = HttpCaller> {
  /** The authenticated caller, as `identify` returned it. */
  readonly caller: Caller;
  /** What the caller wants to do. */
  readonly action: HttpAction;
  /** What the call is about. */
  readonly target: HttpTarget;
}

/** The names of people, from your directory. Each call ends after 3 seconds, and a failure shows ids. */
export interface HttpPeople<Caller extends HttpCaller = HttpCaller> {
  /**
   * The people whom it knows, by id. A read with `people=true` asks once, about at most 100 ids that its answer shows to the caller. A
   * name or a detail of more than one line or 200 characters is omitted, as an avatar of another origin.
   */
  readonly describe: (
    ids: readonly string[],
    about: { readonly caller: Caller },
  ) => MaybePromise<Readonly<Record<string, Person | undefined>>>;
  /**
   * The people whom a text of 2 to 64 characters, in one line, finds; the first 20 count. It decides whom the caller may find. Agents are refused
   * before it. Default: none, and `GET /people` answers 501.
   */
  readonly search?: ((text: string, about: { readonly caller: Caller }) => MaybePromise<readonly FoundPerson[]>) | undefined;
}

/** The options of `createHttpHandler`. */
export interface HttpOptions<Caller extends HttpCaller = HttpCaller> {
  /**
   * Returns the caller that your code has authenticated; `undefined`: none, and the handler answers 401. If it throws, the handler
   * answers 503: a session store that is down must not look like a sign-out.
   */
  readonly identify: (request: Request) => MaybePromise<Caller | undefined | null | false>;
  /**
   * Whether the caller may do what needs more than being involved in a request: revoke, lock, audit, ask for another subject, see any
   * request. Only `true` permits. Default: no caller may.
   */
  readonly may?: ((permission: HttpPermission<Caller>) => MaybePromise<boolean | undefined>) | undefined;
  /**
   * The whole path before `/v1`, as it reaches the process: with the prefix of a router, without a slash at the end. The routes lie under
   * `<basePath>/v1/`. Default: `''`.
   */
  readonly basePath?: string | undefined;
  /** The origin of the service, such as `https://access.example.com`. Set it behind a proxy. Default: the origin of each request's `Host`. */
  readonly publicUrl?: string | undefined;
  /** Other origins whose pages may call the handler, with cookies. Default: none, and no CORS header is sent. */
  readonly corsOrigins?: readonly string[] | undefined;
  /** The keys of approval links, as `approvalLinks` takes them. Default: the handler serves no links. */
  readonly linkKeys?: readonly LinkKey[] | undefined;
  /**
   * Asked before each call of an authenticated caller. A number above 0 is the seconds that the caller must wait: the handler answers 429
   * with `Retry-After`. `undefined` and 0: the call continues. A `RateLimit` is also sent, with each answer. Any other answer is 503.
   * `route` is the operation, such as `requestAccess`. Default: no limit.
   */
  readonly limit?: ((caller: Caller, route: string) => MaybePromise<number | RateLimit | undefined>) | undefined;
  /** The names of people, for pages. Default: none, and answers have only ids. */
  readonly people?: HttpPeople<Caller> | undefined;
  /** The `realm` of the challenge of a 401. Default: `'jit-access'`. */
  readonly realm?: string | undefined;
  /**
   * Called with each failure that the client sees as 500 or 503, with each failure of the approver that counts as "no reviewer", and with
   * the first refusals of pages of another origin, each origin once. A throw is ignored. Default: prints a line to `console.error`, at
   * most one for each kind and minute.
   */
  readonly onError?: ((error: unknown, during: string) => void) | undefined;
}

const FIELDS = [
  'identify',
  'may',
  'basePath',
  'publicUrl',
  'corsOrigins',
  'linkKeys',
  'limit',
  'people',
  'realm',
  'onError',
] as const satisfies readonly (keyof HttpOptions)[];

/** The options after validation. */
export interface ParsedHttpOptions {
  readonly identify: HttpOptions['identify'];
  readonly may: NonNullable<HttpOptions['may']>;
  readonly basePath: string;
  readonly ownOrigin: string | undefined;
  readonly corsOrigins: readonly string[];
  readonly linkKeys: readonly LinkKey[] | undefined;
  readonly limit: NonNullable<HttpOptions['limit']>;
  readonly people: HttpOptions['people'];
  readonly realm: string;
  readonly onError: (error: unknown, during: string) => void;
}

/** @throws InvalidArgumentError, naming the option */
export function readHttpOptions(given: unknown): ParsedHttpOptions {
  const read = readOptions<keyof HttpOptions>('options', given, FIELDS);
  return {
    identify: required('identify', read.identify),
    may: optional('may', read.may, () => false),
    basePath: readBasePath('basePath', read.basePath),
    ownOrigin: read.publicUrl === undefined ? undefined : readOrigin('publicUrl', read.publicUrl),
    corsOrigins: readOrigins(read.corsOrigins),
    linkKeys: readKeys(read.linkKeys),
    limit: optional('limit', read.limit, () => undefined),
    people: readPeople(read.people),
    realm: readRealm(read.realm),
    onError: readOnError('HTTP handler', read.onError),
  };
}

function required(argument: string, value: unknown): HttpOptions['identify'] {
  if (typeof value !== 'function') throw invalid(argument, 'a function that returns the authenticated caller, or undefined', value);
  return value as HttpOptions['identify'];
}

function optional<T>(argument: string, value: unknown, otherwise: T): T {
  if (value === undefined) return otherwise;
  if (typeof value !== 'function') throw invalid(argument, 'a function', value);
  return value as T;
}

/** @throws InvalidArgumentError */
function readPeople(value: unknown): HttpOptions['people'] {
  if (value === undefined) return undefined;
  const { describe, search } = readOptions<keyof HttpPeople>('people', value, ['describe', 'search']);
  if (typeof describe !== 'function') throw invalid('people.describe', 'a function that returns an object with a person by id', describe);
  return { describe: describe as HttpPeople['describe'], search: optional<HttpPeople['search']>('people.search', search, undefined) };
}

/** @throws InvalidArgumentError */
function readBasePath(argument: string, value: unknown): string {
  if (value === undefined) return '';
  // Only characters that a URL path shows unchanged, so that the mount point is compared with the path as it arrives.
  if (typeof value !== 'string' || !/^(\/[\w.~-]+)*$/.test(value))
    throw invalid(argument, 'a path such as /access, without a slash at the end', value);
  return value;
}

/** An origin as browsers send it: any other text would never be equal to the header `Origin`. @throws InvalidArgumentError */
function readOrigin(argument: string, value: unknown): string {
  // A URL may have `*` as a host.
  const isOrigin =
    typeof value === 'string' && /^https?:\/\/[\w.:[\]-]+$/.test(value) && URL.canParse(value) && new URL(value).origin === value;
  if (isOrigin) return value;
  // The value may have a password.
  if (typeof value === 'string' && URL.canParse(value)) throw new InvalidArgumentError(argument, ORIGIN, 'another URL');
  throw invalid(argument, ORIGIN, value);
}

const ORIGIN = 'an origin such as https://access.example.com, in lower case, without a path, a default port or a *';

/** `approvalLinks` reads the keys again, for each engine. */
function readKeys(value: unknown): readonly LinkKey[] | undefined {
  if (value === undefined) return undefined;
  readMacKeys('linkKeys', value);
  return value as readonly LinkKey[];
}

function readOrigins(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid('corsOrigins', 'a list of origins', value);
  return value.map((origin, i) => readOrigin(`corsOrigins[${i}]`, origin));
}

function readRealm(value: unknown = 'jit-access'): string {
  if (typeof value !== 'string' || !/^[\w .:/-]{1,100}$/.test(value))
    throw invalid('realm', '1-100 letters, digits, spaces, dots, colons, slashes or hyphens', value);
  return value;
}
