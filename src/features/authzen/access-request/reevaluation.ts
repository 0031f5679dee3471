import { isJitError } from '../../../core/errors.js';
import type { JsonObject } from '../../../model/json.js';
import { isId } from '../../../core/parse.js';
import type { GrantWithStatus } from '../../../engine/with-status.js';
import { isObject, type Decision } from '../../../records/index.js';
import { canAsk } from '../../explain/can-ask.js';
import { issueBinding } from './binding-token.js';
import type { AuthzenDecision } from '../evaluations.js';
import { memberOf, type AuthzenEvaluation } from '../messages.js';
import type { Asked } from '../profile.js';
import { requesterOf, type ParsedAccessRequests } from './options.js';
import type { SubjectReads } from './subject-reads.js';
import { ExactTuple } from './task-binding.js';
import { maySubmit, refuseIfLate, timestamp, type Target, type AuthzenContext } from '../authzen-context.js';

/** An approval that a client presents in `context.approval`. It gives nothing: only a grant does. It explains a denial. */
interface PresentedApproval {
  readonly id: unknown;
  readonly hasState: boolean;
}

const deny = (context: JsonObject): AuthzenDecision => ({ decision: false, context });

function presentedIn({ context }: AuthzenEvaluation): PresentedApproval | undefined {
  const approval = context && memberOf(context, 'approval');
  if (approval === undefined) return undefined;
  if (!isObject(approval) || Array.isArray(approval)) return { id: undefined, hasState: false };
  return { id: memberOf(approval as JsonObject, 'id'), hasState: Object.hasOwn(approval, 'state') };
}

/** Denies what an approval rules out, whether or not the engine allows. This handler issues no `approval.state`, so it can verify none. */
export function refuseByApproval({ evaluation }: Asked): AuthzenDecision | undefined {
  const presented = presentedIn(evaluation);
  return presented !== undefined && (presented.hasState || typeof presented.id !== 'string') ? UNVERIFIABLE : undefined;
}

const UNVERIFIABLE: AuthzenDecision = deny({ reason: 'approval_unverifiable', next_action: 'none' });

/** The denial of an evaluation whose subject has access, all of it for other tuples. */
export async function denialOfTuple(asked: Asked, profile: ParsedAccessRequests): Promise<AuthzenDecision> {
  return deny({ reason: 'out_of_scope', ...(await requestAgain(asked, profile)) });
}

/** The approval by which an allowed evaluation is allowed, for the context of the decision. An approval of another tuple is ignored. */
export async function usedApproval({ env, evaluation, target }: Asked): Promise<JsonObject | undefined> {
  const presented = presentedIn(evaluation);
  const grant = presented && (await grantOf(env, presented.id, target));
  if (grant === undefined || grant.status !== 'active' || !isFor(env, grant, target)) return undefined;
  return { approval: { id: grant.id, approved_until: timestamp(grant.expiresAt) } };
}

/** A grant of the evaluated subject. For a caller that presents an approval of another subject, that grant does not exist: one read each. */
async function grantOf({ engine, kernel }: AuthzenContext, id: unknown, { subject }: Target): Promise<GrantWithStatus | undefined> {
  const row = isId(id) ? await kernel.ledger.row('grant', id) : undefined;
  return row?.subject === subject ? engine.getGrant(row.id) : undefined;
}

const isFor = ({ kernel }: AuthzenContext, grant: GrantWithStatus, { scope }: Target): boolean =>
  kernel.settings.scopes.covers(grant.scope, scope);

/**
 * The denial of an evaluation.
 *
 * @param known the decision of a check. `undefined`: it comes from the read of a batch
 */
export async function denialOf(
  asked: Asked,
  profile: ParsedAccessRequests,
  reads: SubjectReads,
  known: Decision | undefined,
): Promise<AuthzenDecision> {
  const { target, evaluation } = asked;
  const presented = presentedIn(evaluation);
  const decision = known ?? (await reads.decisionOf(target));
  if (presented !== undefined) return denyPresented(asked, profile, presented, decision);
  if (decision.reason === 'locked' || decision.reason === 'use_required') return deny({ reason: 'policy_denied' });
  if (decision.reason === 'not_started' || decision.reason === 'not_activated')
    return deny(pendingGrant(decision.grant?.startsAt, decision));
  const requestable = await requestableContext(asked, profile);
  if (requestable === undefined) return deny({ reason: 'policy_denied' });
  return deny({ reason: (await reads.isRequested(target)) ? 'approval_pending' : 'approval_required', ...requestable });
}

async function denyPresented(
  asked: Asked,
  profile: ParsedAccessRequests,
  { id }: PresentedApproval,
  decision: Decision,
): Promise<AuthzenDecision> {
  const { env, target, evaluation } = asked;
  const grant = await grantOf(env, id, target);
  if (grant === undefined) return UNVERIFIABLE;
  const isForTuple = !profile.exactTuple || (await new ExactTuple(env, evaluation).isFor(grant.requestId));
  const isOther = !isFor(env, grant, target) || !isForTuple;
  if (isOther) return deny({ reason: 'out_of_scope', ...(await requestAgain(asked, profile)) });
  if (grant.status === 'expired' || grant.status === 'revoked')
    return deny({ reason: 'approval_expired', ...(await requestAgain(asked, profile)) });
  if (grant.status === 'scheduled' && decision.reason !== 'locked') return deny(pendingGrant(grant.startsAt, decision));
  return deny({ reason: 'policy_denied', next_action: 'none' });
}

/** The seconds to wait for an approver that confirms a start. */
const CONFIRMATION_SECONDS = 5;

function pendingGrant(startsAt: number | undefined, { at }: Decision): JsonObject {
  const wait = startsAt === undefined ? 0 : Math.ceil((startsAt - at) / 1_000);
  return { reason: 'grant_pending', next_action: 'retry', retry_after: wait > 0 ? wait : CONFIRMATION_SECONDS };
}

async function requestAgain(asked: Asked, profile: ParsedAccessRequests): Promise<JsonObject> {
  const requestable = await requestableContext(asked, profile);
  return requestable === undefined ? { next_action: 'none' } : { next_action: 'request', ...requestable };
}

/**
 * The members of a requestable denial. It stores nothing: the binding token carries all that the submission needs.
 *
 * @returns `undefined` if asking would be refused, the approver fails, or the token would be too long to be submitted
 */
async function requestableContext(asked: Asked, profile: ParsedAccessRequests): Promise<JsonObject | undefined> {
  const { env, caller, evaluation, target } = asked;
  const outcome = await askable(asked, profile);
  if (outcome === undefined) return undefined;
  const { now } = env.kernel.clock.read();
  const binding = await issueBinding(env, profile, { caller, evaluation, target, now });
  if (binding === undefined) return undefined;
  const { evaluationId, expiresAt, token } = binding;
  return {
    evaluation_id: evaluationId,
    evaluated_at: timestamp(now),
    access_request: {
      expires_at: expiresAt,
      binding_token: token,
      ...(outcome === 'requirements' && { request_schema_url: `${env.options.endpointUrl}/request-schema.json` }),
    },
  };
}

async function askable({ env, caller, evaluation, target }: Asked, profile: ParsedAccessRequests) {
  // An offer to a caller that may not submit would end in a 403.
  if (!(await maySubmit(env, caller, evaluation, target, true))) return undefined;
  refuseIfLate(env);
  try {
    const answer = await canAsk(env.engine, target.subject, target.scope, {
      ask: { ttl: profile.ttl, requestedBy: requesterOf(profile, caller, target) },
    });
    return answer.canAsk ? answer.outcome : undefined;
  } catch (error) {
    if (!isJitError(error) || (error.code !== 'ERR_JIT_APPROVER' && error.code !== 'ERR_JIT_DEADLINE')) throw error;
    // The denial stands without an answer of the approver.
    env.kernel.settings.onError(error, 'authzen');
    return undefined;
  }
}
