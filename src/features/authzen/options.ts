import type { ParsedMacKeys } from '../../core/mac-keys.js';
import { readDuration, type Duration } from '../../core/duration.js';
import type { JsonObject } from '../../model/json.js';
import { assertBoolean, invalid, readOptions, readPort } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import { defaultCodec, type AuthzenCodec } from './codec.js';
import { readKeys, type AuthzenKey } from './keys.js';
import type { AuthzenAction, AuthzenEntity, AuthzenEvaluation } from './messages.js';
import { readUrls, type AuthzenUrls } from './authzen-urls.js';
import type { RateLimit } from '../json-body/rate-limit.js';

export type { RateLimit };

/** The service that calls: a policy enforcement point that your code has authenticated. */
export interface AuthzenCaller {
  /** Its id in the engine, for example `service:gateway`. It becomes the requester of the access that it asks for. */
  readonly subject: string;
}

/** What a caller wants to do. `view` and `cancel` are about one task. */
export type AuthzenOperation = 'evaluate' | 'search' | 'submit' | 'view' | 'cancel';

/** A question of `may`. In a search, the entity that it looks for has an empty id or name. */
export interface AuthzenQuestion<Caller extends AuthzenCaller = AuthzenCaller> {
  /** The authenticated caller, as `identify` returned it. */
  readonly caller: Caller;
  /** What the caller wants to do. */
  readonly operation: AuthzenOperation;
  /** `undefined`: a task that was not submitted through this handler, or a search for this entity. */
  readonly subject: Pick<AuthzenEntity, 'type' | 'id'> | undefined;
  /**
   * The agent whose run the subject is, as the engine reads its id: `properties.act` names it, or the subject has the id of the run.
   * `undefined`: the subject acts for itself, or is unknown.
   */
  readonly agent: string | undefined;
  /** The resource. `undefined`: as for `subject`. */
  readonly resource: Pick<AuthzenEntity, 'type' | 'id'> | undefined;
  /** The action. `undefined`: as for `subject`. */
  readonly action: Pick<AuthzenAction, 'name'> | undefined;
  /** The id of the request, for `view` and `cancel`. */
  readonly taskId: string | undefined;
  /**
   * What applies without the hook: `evaluate` and `search` are open to every authenticated caller, `submit` to the caller that received
   * the denial, and for the run of an agent only if the agent is that caller, `view` to the caller that received this handle of the task, and `cancel` to that caller only if it submitted the request.
   */
  readonly byDefault: boolean;
}

/** The access that `condition` judges. */
export interface ConditionedAccess<Caller extends AuthzenCaller = AuthzenCaller> {
  /** The authenticated caller, as `identify` returned it. */
  readonly caller: Caller;
  /** The id of the subject in the engine. */
  readonly subject: string;
  /** The scope of the engine that is checked. */
  readonly scope: string;
}

/** A list of ids or names, at once or in parts. */
export type AuthzenList = MaybePromise<Iterable<string> | AsyncIterable<string>>;

/** Lists what exists, so that a search also finds access that no grant names: standing access, patterns and mapped scopes. */
export interface AuthzenDirectory {
  /** The ids of all subjects of a type. Default: none. */
  readonly subjects?: ((type: string) => AuthzenList) | undefined;
  /** The ids of all resources of a type. Default: none. */
  readonly resources?: ((type: string) => AuthzenList) | undefined;
  /** The names of all actions on a type of resources. Default: none. */
  readonly actions?: ((resourceType: string) => AuthzenList) | undefined;
}

/**
 * The Access Request and Approval Profile with its options: `accessRequests` of `jit-access/authzen/access-request` makes it.
 * Experimental: the profile is a draft, and may change in any release.
 */
export interface AuthzenAccessRequests {
  /** The entry that made it. */
  readonly experimental: 'access-request';
}

/** The options of `createAuthzenHandler`. */
export interface AuthzenOptions<Caller extends AuthzenCaller = AuthzenCaller> {
  /**
   * The id of the policy decision point: its https URL as clients know it, without query and fragment, for example
   * `https://pdp.example.com` or `https://pdp.example.com/tenant1`. `http:` is accepted for this machine only.
   */
  readonly publicUrl: string;
  /** The path at which this server receives the requests. Default: the path of `publicUrl` and `/access/v1`. */
  readonly basePath?: string | undefined;
  /** The URL of `basePath` for clients, if a gateway rewrites paths. Default: the origin of `publicUrl` and `basePath`. */
  readonly endpointUrl?: string | undefined;
  /**
   * Authenticates the calling service. `undefined`: the answer is 401. A throw, or a caller without a valid id, is 503.
   * Never derive the caller from a header that a client may set.
   */
  readonly identify: (request: Request) => MaybePromise<Caller | undefined>;
  /** Whether a caller may do this. A throw is 503. Default: `byDefault` of the question. */
  readonly may?: ((question: AuthzenQuestion<Caller>) => MaybePromise<boolean>) | undefined;
  /**
   * Limits the rate. A number above 0 is the seconds that the caller must wait: the answer is 429 with `Retry-After`. `undefined` and 0: the
   * call continues. A `RateLimit` is also sent, with each answer. Any other answer is 503. Default: no limit.
   */
  readonly limit?: ((caller: Caller, operation: AuthzenOperation) => MaybePromise<number | RateLimit | undefined>) | undefined;
  /** Maps entities to subjects and scopes. Default: `defaultCodec`. */
  readonly codec?: AuthzenCodec | undefined;
  /**
   * Maps an evaluation to a scope, for example by its `properties`. `undefined`: the codec maps it. `null`: nothing is known about it, so it
   * is denied. In a search for subjects, the evaluation's `subject.id` is `''` at first. Default: the codec maps every evaluation.
   */
  readonly map?: ((evaluation: AuthzenEvaluation) => MaybePromise<string | null | undefined>) | undefined;
  /** Judges access that the engine allows. Any value other than `true` denies. It never turns a no into a yes. Default: none. */
  readonly condition?: ((evaluation: AuthzenEvaluation, access: ConditionedAccess<Caller>) => MaybePromise<boolean>) | undefined;
  /**
   * Whether a decision says why, in `context.reason`. With `false`, a denial that has nothing else to say is `{"decision":false}`.
   * Default: true.
   */
  readonly reasons?: boolean | undefined;
  /** Lists what exists, for the searches. Default: a search finds only what grants name. */
  readonly directory?: AuthzenDirectory | undefined;
  /**
   * The id of the agent that `subject.properties.act` names. The holder of the access is then the agent's run for this subject.
   * `undefined`: unknown. Default: `act.sub`, for an `act` without `iss` and without a further `act`.
   */
  readonly agent?: ((act: JsonObject) => MaybePromise<string | undefined>) | undefined;
  /** The keys of page tokens and idempotency keys. The first one signs, and all are accepted. */
  readonly tokenKeys: readonly AuthzenKey[];
  /** The value of `WWW-Authenticate` in a 401. Default: `Bearer`. */
  readonly challenge?: string | undefined;
  /** How long a request may take, in all. Default: 20 seconds. */
  readonly timeout?: Duration | undefined;
  /** Turns on the Access Request and Approval Profile. Experimental. Default: denials cannot be submitted. */
  readonly accessRequests?: AuthzenAccessRequests | undefined;
}

/** The validated options. */
export interface ParsedOptions extends AuthzenUrls {
  readonly identify: (request: Request) => unknown;
  readonly may: ((question: AuthzenQuestion) => unknown) | undefined;
  readonly limit: ((caller: AuthzenCaller, operation: AuthzenOperation) => unknown) | undefined;
  readonly codec: AuthzenCodec;
  readonly map: ((evaluation: AuthzenEvaluation) => unknown) | undefined;
  readonly condition: ((evaluation: AuthzenEvaluation, access: ConditionedAccess) => unknown) | undefined;
  readonly reasons: boolean;
  readonly directory: AuthzenDirectory;
  readonly agent: ((act: JsonObject) => unknown) | undefined;
  readonly keys: ParsedMacKeys;
  readonly challenge: string;
  readonly timeoutMs: number;
  readonly accessRequests: AuthzenAccessRequests | undefined;
}

const OPTIONS = [
  'publicUrl',
  'basePath',
  'endpointUrl',
  'identify',
  'may',
  'limit',
  'codec',
  'map',
  'condition',
  'reasons',
  'directory',
  'agent',
  'tokenKeys',
  'challenge',
  'timeout',
  'accessRequests',
] as const satisfies readonly (keyof AuthzenOptions)[];

/** @throws InvalidArgumentError naming the option */
export function readAuthzenOptions(options: unknown): ParsedOptions {
  const given = readOptions<keyof AuthzenOptions>('options', options, OPTIONS);
  const { timeout = 20_000, codec = defaultCodec, challenge = 'Bearer', reasons = true } = given;
  assertBoolean('reasons', reasons);
  if (typeof challenge !== 'string' || !/^[\x20-\x7E]{1,256}$/.test(challenge))
    throw invalid('challenge', '1-256 characters of printable ASCII', challenge);
  if (typeof given.identify !== 'function') throw invalid('identify', 'a function that authenticates the caller', given.identify);
  return Object.freeze({
    ...readUrls(given),
    identify: given.identify as ParsedOptions['identify'],
    may: readFunction<ParsedOptions['may']>('may', given.may),
    limit: readFunction<ParsedOptions['limit']>('limit', given.limit),
    codec: readPort<AuthzenCodec>('codec', codec, ['encodeSubject', 'decodeSubject', 'encodeScope', 'decodeScope']),
    map: readFunction<ParsedOptions['map']>('map', given.map),
    condition: readFunction<ParsedOptions['condition']>('condition', given.condition),
    reasons,
    directory: readDirectory(given.directory),
    agent: readFunction<ParsedOptions['agent']>('agent', given.agent),
    keys: readKeys('tokenKeys', given.tokenKeys),
    challenge,
    timeoutMs: readDuration('timeout', timeout),
    // `profileOf` checks it.
    accessRequests: given.accessRequests as AuthzenAccessRequests | undefined,
  });
}

function readFunction<Hook>(argument: string, value: unknown): Hook | undefined {
  if (value !== undefined && typeof value !== 'function') throw invalid(argument, 'a function', value);
  return value as Hook | undefined;
}

function readDirectory(value: unknown): AuthzenDirectory {
  if (value === undefined) return {};
  const names = ['subjects', 'resources', 'actions'] as const;
  const given = readOptions<keyof AuthzenDirectory>('directory', value, names);
  for (const name of names) readFunction(`directory.${name}`, given[name]);
  return given as AuthzenDirectory;
}
