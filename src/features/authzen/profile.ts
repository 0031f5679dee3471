import type { MaybePromise } from '../../core/ports.js';
import { invalid } from '../../core/parse.js';
import type { JsonObject } from '../../model/json.js';
import type { PlainAnswer } from '../json-body/plain-answer.js';
import type { Decision } from '../../records/index.js';
import type { AuthzenContext, Target } from './authzen-context.js';
import type { AuthzenError } from './errors.js';
import type { AuthzenDecision } from './evaluations.js';
import type { AuthzenEvaluation } from './messages.js';
import type { AuthzenAccessRequests, AuthzenCaller, AuthzenOperation } from './options.js';

/** One endpoint, for one method. */
export interface Route {
  readonly methods: readonly string[];
  /** `undefined`: it needs no caller. */
  readonly operation: AuthzenOperation | undefined;
  readonly answer: (env: AuthzenContext, request: Request, caller: AuthzenCaller) => MaybePromise<PlainAnswer>;
  readonly refuse: (error: AuthzenError) => PlainAnswer;
}

/** The endpoint at a path below `basePath`. */
export type FindRoute = (path: string) => Route | undefined;

/** What all requests share. */
export type Host = Omit<AuthzenContext, 'limit'>;

/** An evaluation that is being answered. */
export interface Asked {
  readonly env: AuthzenContext;
  readonly caller: AuthzenCaller;
  readonly evaluation: AuthzenEvaluation;
  readonly target: Target;
  readonly profile: ProfileCall;
}

/** Which access of a subject is for the tuple of one evaluation. */
export interface TupleAccess {
  /**
   * Decides, by one last read, with the grants for this tuple and with standing access.
   *
   * @returns `undefined`: the subject has access, and all of it is for other tuples
   */
  decide(target: Target): Promise<Decision | undefined>;
  /** Whether `decide` or `isForAny` has read that the access of a request is for this tuple. It reads nothing. */
  isKnownFor(requestId: string): boolean;
  /** Whether the access of one of these requests is for this tuple. It reads all of them, so that each is known afterwards. */
  isForAny(requestIds: readonly string[]): Promise<boolean>;
}

/** What the Access Request and Approval Profile says to the evaluations of one call. They share its reads. */
export interface ProfileCall {
  /** Denies what a presented approval rules out, whether or not the engine allows. */
  refuseByApproval(asked: Asked): AuthzenDecision | undefined;
  /** The approval by which an allowed evaluation is allowed, for the context of the decision. */
  usedApproval(asked: Asked): Promise<JsonObject | undefined>;
  /** @param decision the decision of a check. `undefined`: it comes from the read of a batch */
  denialOf(asked: Asked, decision: Decision | undefined): Promise<AuthzenDecision>;
  /** The denial of an evaluation whose subject has access, all of it for other tuples. */
  denialOfTuple(asked: Asked): Promise<AuthzenDecision>;
  /** The tuple that access must be for. `undefined`: access for any tuple counts. */
  tupleOf(evaluation: AuthzenEvaluation): TupleAccess | undefined;
}

/** The Access Request and Approval Profile, with its options. The rooms of the Authorization API know no more of it. */
export interface Profile {
  routesOf(host: Host): FindRoute;
  begin(env: AuthzenContext): ProfileCall;
}

const PROFILE = Symbol('profile');

/** The value of the option `accessRequests` for a profile. */
export const optionOf = (profile: Profile): AuthzenAccessRequests =>
  Object.freeze(Object.defineProperty({ experimental: 'access-request' as const }, PROFILE, { value: profile }));

/** @throws InvalidArgumentError for a value that `accessRequests` of this copy of the package did not make */
export function profileOf({ accessRequests }: { readonly accessRequests: unknown }): Profile | undefined {
  if (accessRequests === undefined) return undefined;
  const made = typeof accessRequests === 'object' ? (accessRequests as { readonly [PROFILE]?: Profile } | null)?.[PROFILE] : undefined;
  if (made !== undefined) return made;
  throw invalid('accessRequests', 'what accessRequests() of jit-access/authzen/access-request returned', accessRequests);
}

/** The evaluations of one call. Without the profile, a denial says the reason of the check, and access for any tuple counts. */
export const beginCall = (env: AuthzenContext): ProfileCall => profileOf(env.options)?.begin(env) ?? ALONE;

const ALONE: ProfileCall = {
  refuseByApproval: () => undefined,
  usedApproval: () => Promise.resolve(undefined),
  denialOf: (_, decision) => Promise.resolve({ decision: false, context: { reason: decision?.reason ?? 'no_grant' } }),
  denialOfTuple: () => Promise.resolve({ decision: false, context: { reason: 'out_of_scope' } }),
  tupleOf: () => undefined,
};
