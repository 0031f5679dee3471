import { readWindow, type Duration } from '../../../core/duration.js';
import { assertBoolean, invalid, readList, readOptions, readPort } from '../../../core/parse.js';
import type { Target } from '../authzen-context.js';
import type { AuthzenCaller } from '../options.js';
import type { TokenSigner } from './signer.js';

/** The options of the Access Request and Approval Profile. Experimental: the profile is a draft, and may change in any release. */
export interface AuthzenAccessRequestOptions {
  /** Signs the binding tokens, for example `joseSigner(jose, { keys })`. */
  readonly signer: TokenSigner;
  /** The length of a requested window if the submission names no `requested_until`. Default: 1 hour. */
  readonly ttl?: Duration | undefined;
  /**
   * Who asks, in the engine. `'caller'`: the calling service. A rule of a policy must then name it among its `requesters`, and
   * `limits.maxOpenRequests` bounds all requests that it has open for others. `'subject'`: the subject itself, for whom the service speaks.
   * The requester of a run's access is always its agent. An `Idempotency-Key` counts for the caller and this requester. Default: `'caller'`.
   */
  readonly requester?: 'caller' | 'subject' | undefined;
  /** How long a requestable denial can be submitted. At least 1 second. Default: 10 minutes. */
  readonly bindingWindow?: Duration | undefined;
  /** How much later than its deadline a denial is still accepted, 0 to 60,000 milliseconds. Default: 30,000. */
  readonly clockSkewMs?: number | undefined;
  /** How long a task can be read after its end. Keep `purge` at least as far back. Default: 24 hours. */
  readonly retention?: Duration | undefined;
  /** The members of `context` that a denial is bound to. Default: all members of the denied evaluation's context. */
  readonly boundContext?: readonly string[] | undefined;
  /** Whether `requested_access.emergency: true` calls `breakGlass`. Otherwise it is ignored. Default: false. */
  readonly emergency?: boolean | undefined;
  /**
   * Whether access that a task gave, and every extension and amendment of it, is valid only for the submitted tuple, with its properties
   * and bound context. It costs a read of the request for each allowed evaluation. Otherwise the access is valid for the subject and the
   * scope. Default: false.
   */
  readonly exactTuple?: boolean | undefined;
}

/** The validated options of the profile. */
export interface ParsedAccessRequests {
  readonly signer: TokenSigner;
  /** As it was given: the engine reads it. */
  readonly ttl: Duration;
  readonly requester: 'caller' | 'subject';
  readonly bindingMs: number;
  readonly skewMs: number;
  readonly retentionMs: number;
  readonly boundContext: readonly string[] | undefined;
  readonly emergency: boolean;
  readonly exactTuple: boolean;
}

const OPTIONS = [
  'signer',
  'ttl',
  'requester',
  'bindingWindow',
  'clockSkewMs',
  'retention',
  'boundContext',
  'emergency',
  'exactTuple',
] as const satisfies readonly (keyof AuthzenAccessRequestOptions)[];

const SECOND = 1_000;

/** @throws InvalidArgumentError naming the option */
export function readAccessRequests(options: unknown): ParsedAccessRequests {
  const given = readOptions<keyof AuthzenAccessRequestOptions>('options', options, OPTIONS);
  const {
    ttl = '1h',
    requester = 'caller',
    bindingWindow = '10m',
    clockSkewMs = 30_000,
    retention = '24h',
    emergency = false,
    exactTuple = false,
  } = given;
  if (requester !== 'caller' && requester !== 'subject') throw invalid('requester', "'caller' or 'subject'", requester);
  assertBoolean('emergency', emergency);
  assertBoolean('exactTuple', exactTuple);
  readWindow('ttl', ttl);
  const bindingMs = readWindow('bindingWindow', bindingWindow);
  if (bindingMs < SECOND) throw invalid('bindingWindow', 'at least 1 second', bindingWindow);
  if (typeof clockSkewMs !== 'number' || !(clockSkewMs >= 0 && clockSkewMs <= 60_000) || !Number.isInteger(clockSkewMs))
    throw invalid('clockSkewMs', 'a whole number of milliseconds from 0 to 60000', clockSkewMs);
  return {
    signer: readPort<TokenSigner>('signer', given.signer, ['sign', 'verify', 'jwks'], 'joseSigner(jose, { keys })'),
    ttl: ttl as Duration,
    requester,
    bindingMs,
    skewMs: clockSkewMs,
    retentionMs: readWindow('retention', retention),
    boundContext: given.boundContext === undefined ? undefined : readNames('boundContext', given.boundContext),
    emergency,
    exactTuple,
  };
}

const readNames = (argument: string, value: unknown): readonly string[] =>
  readList(argument, value).map((name, i) => {
    if (typeof name !== 'string') throw invalid(`${argument}[${i}]`, 'a string', name);
    return name;
  });

/** The requester of access in the engine. Of a run, only its agent can be. */
export const requesterOf = ({ requester }: ParsedAccessRequests, caller: AuthzenCaller, { subject, agent }: Target): string =>
  agent ?? (requester === 'caller' ? caller.subject : subject);
